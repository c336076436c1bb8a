import { inspect } from "node:util";
import { timeout as within } from "../compose/timeout.ts";
import { ambient } from "../loop/ambient.ts";
import type { Duration } from "../loop/duration.ts";
import { RuntimeError } from "../loop/errors.ts";
import { Loop } from "../loop/loop.ts";
import type { Source } from "../tasks/coroutine.ts";
import { spawn, type TaskOptions } from "../tasks/create-task.ts";
import { Future } from "../tasks/future.ts";
import type { Task } from "../tasks/task.ts";
import { type FunctionName, type LoopExecutor, newDefaultExecutor } from "./loop-executor.ts";
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

  /**
   * Calls `fn(...args)` in another thread, process or machine: by `executor`, or by the loop's default one if that is null,
   * a pool of threads. `fn` must be named by `reference()` of `brio/threads`.
   *
   * *Cancel safety*: cancelling the task cancels the function, and the task ends when that has ended.
   *
   * @throws TypeError if `fn` is no reference, or `executor` no executor; RuntimeError if the default one was shut down.
   *
   * @example
   * ```ts
   * import { getRunningLoop, run } from "brio";
   * import { references } from "brio/threads";
   *
   * const { scryptSync } = references<typeof import("node:crypto")>("node:crypto");
   *
   * await run(async () => {
   *   const key = await getRunningLoop().runInExecutor(null, scryptSync, "password", "salt", 32);
   *   console.log(key.length); // 32
   * });
   * ```
   */
  runInExecutor<A extends unknown[], R>(
    executor: LoopExecutor | null,
    fn: ((...args: A) => R) & FunctionName,
    ...args: A
  ): Task<Awaited<R>> {
    this.assertOpen();
    const chosen = executor ?? this.requireDefaultExecutor();
    checkExecutor(chosen, "runInExecutor(executor, fn, ...args)");
    return chosen.submit(fn, ...args);
  }

  private requireDefaultExecutor(): LoopExecutor {
    if (this.executorIsShut) {
      throw new RuntimeError(
        "the loop's default executor was shut down: pass one, loop.runInExecutor(pool, fn)",
      );
    }
    this.defaultExecutor ??= newDefaultExecutor();
    if (this.defaultExecutor !== null) return this.defaultExecutor;
    throw new RuntimeError(
      'the loop has no default executor: import "brio/threads", which brings a pool of threads, or call loop.setDefaultExecutor(executor)',
    );
  }

  /**
   * Sets what `runInExecutor(null, ...)` and `toThread()` use. It is closed when the loop ends.
   *
   * @throws TypeError if it is no executor.
   */
  setDefaultExecutor(executor: LoopExecutor): void {
    checkExecutor(executor, "setDefaultExecutor(executor)");
    this.defaultExecutor = executor;
  }

  /**
   * Closes the default executor: waits for its calls, and gives its workers back. `run` does so at its end.
   *
   * *Cancel safety*: cancelled, or when the time is over, it cancels the calls, and waits for them to end.
   *
   * @param limit how long its calls may take; null: for ever. Default "5m"
   * @throws TimeoutError if the time was over.
   */
  async shutdownDefaultExecutor(limit: Duration | null = "5m"): Promise<void> {
    this.executorIsShut = true;
    const executor = this.defaultExecutor;
    this.defaultExecutor = null;
    if (executor !== null) await within(limit, () => executor.close());
  }

  /** @internal */
  get hasDefaultExecutor(): boolean {
    return this.defaultExecutor !== null;
  }

  private defaultExecutor: LoopExecutor | null = null;
  private executorIsShut = false;

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

function checkExecutor(executor: LoopExecutor, call: string): void {
  if (typeof executor?.submit === "function" && typeof executor.close === "function") return;
  throw new TypeError(
    `loop.${call} takes an executor, such as new ThreadPool() of brio/threads; got ${inspect(executor)}`,
  );
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
