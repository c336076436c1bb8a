import { inspect } from "node:util";
import { ambient } from "../loop/ambient.ts";
import { RuntimeError } from "../loop/errors.ts";
import { Loop } from "../loop/loop.ts";
import type { Source } from "../tasks/coroutine.ts";
import { spawn, type TaskOptions } from "../tasks/create-task.ts";
import { Future } from "../tasks/future.ts";
import type { Task } from "../tasks/task.ts";
import { LoopSignals } from "./signals.ts";

/**
 * The event loop: callbacks, timers, futures, tasks and signals, on Node's own loop. `run` makes one;
 * {@link getRunningLoop} gives it.
 *
 * @example
 * ```ts
 * import { getRunningLoop, run, sleep } from "brio";
 *
 * await run(async () => {
 *   const loop = getRunningLoop();
 *   loop.callSoon((name: string) => console.log(`hello ${name}`), "ada"); // hello ada
 *   const timer = loop.callLater("1h", () => console.log("never"));
 *   console.log(timer.when() - loop.time()); // about 3600000
 *   timer.cancel();
 *   await sleep("5ms");
 * });
 * ```
 */
export class EventLoop extends Loop {
  /** @internal */ readonly signals: LoopSignals = new LoopSignals(this);

  /** A future of this loop. */
  createFuture<T>(): Future<T> {
    this.assertOpen();
    return new Future<T>(this);
  }

  /** Starts a task in this loop. See `createTask`. */
  createTask<T>(source: Source<T>, options?: TaskOptions): Task<T> {
    return spawn(this, source, options, "loop.createTask()");
  }

  /**
   * Calls `callback(...args)` in the loop each time the process gets `signal`. For SIGINT and SIGTERM it takes the
   * place of what `run` does with them.
   *
   * @throws RangeError if the signal is unknown; RuntimeError if it can't be caught.
   */
  addSignalHandler<A extends unknown[]>(
    signal: NodeJS.Signals,
    callback: (...args: A) => void,
    ...args: A
  ): void {
    this.assertOpen();
    if (typeof callback !== "function") {
      throw new TypeError(
        `addSignalHandler() takes a function: loop.addSignalHandler("SIGHUP", () => reload()); got ${inspect(callback)}`,
      );
    }
    this.signals.add(signal, () => callback(...args));
  }

  /** Undoes {@link addSignalHandler}. False if there was no handler. */
  removeSignalHandler(signal: NodeJS.Signals): boolean {
    return this.signals.remove(signal);
  }

  /** Is something running in it: has `run` begun, and not ended? */
  isRunning(): boolean {
    return this.running;
  }

  /** Closes the loop: nothing can be scheduled any more. Closing twice is fine. @throws RuntimeError while it runs. */
  close(): void {
    if (this.running)
      throw new RuntimeError("loop.close(): the event loop is running; it closes when its run() ends");
    this.signals.clear();
    for (const resource of [...this.resources]) resource.loopCloses();
    this.shut();
  }

  /** @internal */ running = false;

  override toString(): string {
    return `<EventLoop ${this.isClosed() ? "closed" : this.running ? "running" : "not running"}>`;
  }
}

/**
 * The event loop that the calling code runs in.
 *
 * @throws RuntimeError outside of one.
 *
 * @example
 * ```ts
 * import { getRunningLoop, run, sleep } from "brio";
 *
 * await run(async () => {
 *   const loop = getRunningLoop();
 *   const started = loop.time();
 *   await sleep("20ms");
 *   console.log(loop.time() - started); // about 20
 * });
 * ```
 */
export function getRunningLoop(): EventLoop {
  const loop = ambient.getStore()?.loop;
  if (loop === undefined) {
    throw new RuntimeError(
      "there is no running event loop here: call getRunningLoop() inside run(async () => { ... })",
    );
  }
  return loop as EventLoop; // run() makes no other kind
}
