import type { Wait } from "../cancel/wait.ts";
import type { Enter } from "../loop/ambient.ts";
import type { ReadyEntry } from "../loop/ready-queue.ts";
import type { Future } from "./future.ts";

/** brio's own interest in a future. */
export abstract class Observer {
  /** The future is done; called from the ready queue. Must not throw. */
  abstract settled(future: Future<unknown>): void;

  /** What waits through this observer, for people: a task, or a future made of several. */
  get awaiter(): object | null {
    return null;
  }
}

export class Callback {
  readonly fn: (future: never) => void;
  readonly enter: Enter;

  constructor(fn: (future: never) => void, enter: Enter) {
    this.fn = fn;
    this.enter = enter;
  }
}

export type Listener = Wait<unknown> | Observer | Callback;

/** Tells an observer or a callback, at its turn. */
export class Notice implements ReadyEntry {
  readonly settles = false;
  private readonly future: Future<unknown>;
  private readonly listener: Observer | Callback;

  constructor(future: Future<unknown>, listener: Observer | Callback) {
    this.future = future;
    this.listener = listener;
  }

  run(): void {
    const { future, listener } = this;
    if (listener instanceof Observer) {
      listener.settled(future);
      return;
    }
    try {
      listener.enter(() => listener.fn(future as never)); // it was registered on this future
    } catch (exception) {
      const message = `Exception in callback ${listener.fn.name || "<anonymous>"}()`;
      // The handler sees the context variables that the callback saw.
      listener.enter(() => future.loop.callExceptionHandler({ message, exception, future }));
    }
  }
}
