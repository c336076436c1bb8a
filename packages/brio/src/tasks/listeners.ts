import type { Wait } from "../cancel/wait.ts";
import { enterFrame, type Frame, frameForCallback, holdBack } from "../loop/ambient.ts";
import type { ReadyEntry } from "../loop/ready-queue.ts";
import type { BatonHolder } from "../loop/scheduler.ts";
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

/** Watches futures with a function. */
export class Watcher extends Observer {
  readonly settled: (future: Future<unknown>) => void;
  private readonly waiter: object | null;

  /** @param waiter who waits through it, for people */
  constructor(settled: (future: Future<unknown>) => void, waiter: object | null) {
    super();
    this.settled = settled;
    this.waiter = waiter;
  }

  override get awaiter(): object | null {
    return this.waiter;
  }
}

/** A user's callback: called at its turn, with the baton, in the context in which it was registered. */
export class Callback implements ReadyEntry, BatonHolder {
  epoch = 0;
  readonly fn: (future: never) => void;
  private readonly future: Future<unknown>;
  private readonly open: (callback: Callback) => void;
  private readonly frame: Frame;

  constructor(future: Future<unknown>, fn: (future: never) => void) {
    this.future = future;
    this.fn = fn;
    this.frame = frameForCallback(future.loop);
    this.open = holdBack(Callback.call);
  }

  run(): void {
    this.future.loop.take(this);
    this.open(this);
  }

  private static call(this: void, callback: Callback): void {
    const { fn, future } = callback;
    enterFrame(callback.frame);
    const message = `Exception in callback ${fn.name || "<anonymous>"}()`;
    future.loop.callBack(() => fn(future as never), { message, future }); // it was registered on this future
    future.loop.park(callback);
  }

  toString(): string {
    return `<callback ${this.fn.name || "<anonymous>"}() of ${this.future}>`;
  }
}

export type Listener = Wait<unknown> | Observer | Callback;

/** Who listens to a future: mostly nobody or one, so no more is spent on that. Many are a set, to leave in O(1). */
export type Listeners = Listener | Listener[] | Set<Listener> | null;

const MANY = 16;

/** With one more, behind the others. */
export function withListener(listeners: Listeners, added: Listener): Listeners {
  if (listeners === null) return added;
  if (listeners instanceof Set) return listeners.add(added);
  if (!Array.isArray(listeners)) return [listeners, added];
  listeners.push(added);
  // A set holds each once: a listener that was registered twice stays in an array.
  const set = listeners.length > MANY ? new Set(listeners) : null;
  return set?.size === listeners.length ? set : listeners;
}

export function hasListener(listeners: Listeners, listener: Listener): boolean {
  if (listeners instanceof Set) return listeners.has(listener);
  return Array.isArray(listeners) ? listeners.includes(listener) : listeners === listener;
}

/** Without `gone`. */
export function withoutListener(listeners: Listeners, gone: Listener): Listeners {
  if (listeners === gone) return null;
  if (listeners instanceof Set) listeners.delete(gone);
  else if (Array.isArray(listeners)) return listeners.filter((listener) => listener !== gone);
  return listeners;
}

/** All of them, in the order of registration. */
export function eachListener(listeners: Listeners): Iterable<Listener> {
  if (listeners === null) return [];
  return Array.isArray(listeners) || listeners instanceof Set ? listeners : [listeners];
}

/** Tells an observer, at its turn. */
export class Notice implements ReadyEntry {
  private readonly future: Future<unknown>;
  private readonly observer: Observer;

  constructor(future: Future<unknown>, observer: Observer) {
    this.future = future;
    this.observer = observer;
  }

  run(): void {
    this.observer.settled(this.future);
  }
}
