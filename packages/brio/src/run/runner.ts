import process from "node:process";
import { inspect } from "node:util";
import { CancelledError } from "../cancel/errors.ts";
import { checkSignal, linkSignal } from "../cancel/signal.ts";
import { ambient } from "../loop/ambient.ts";
import type { Clock } from "../loop/clock.ts";
import { type Duration, milliseconds } from "../loop/duration.ts";
import { RuntimeError } from "../loop/errors.ts";
import { type Context, copyContext } from "../tasks/context.ts";
import { Coroutine, type Source } from "../tasks/coroutine.ts";
import { spawn } from "../tasks/create-task.ts";
import { Watcher } from "../tasks/listeners.ts";
import type { Task } from "../tasks/task.ts";
import { reportFailures } from "../tasks/unretrieved.ts";
import { type DeadlockError, deadlockOf } from "./deadlock.ts";
import { watchForDeadlock } from "./deadlock-watch.ts";
import { EventLoop } from "./event-loop.ts";
import { shutDown } from "./shutdown.ts";
import { leaveQuietly, type Stoppable, type StopSignal, stopOnSignals } from "./signals.ts";

/** Options of `run` and of {@link Runner}. */
export interface RunOptions {
  /** Debug mode. Default: true if the environment variable `BRIO_DEBUG` is `1`. */
  debug?: boolean | undefined;
  /** `"sticky"` (default): every wait in a cancelled scope throws. `"once"`: asyncio's rule, for ported code. */
  cancellation?: "sticky" | "once" | undefined;
  /** Where time comes from. Default: the system's monotonic clock. */
  clock?: Clock | undefined;
  /** Cancels main, with the signal's reason, when it is aborted. */
  signal?: AbortSignal | undefined;
  /** How long tasks may take to end at shutdown before they are named in a report and left behind. Default "10s". */
  shutdownTimeout?: Duration | undefined;
  /** Let SIGINT and SIGTERM cancel main. Default true, unless the program listens to them itself. */
  handleSignals?: boolean | undefined;
  /** The name of the main task. Default "main". */
  name?: string | undefined;
}

/*
 * A runner's states: created -> (ready <-> running) -> closing -> closed. The loop is made by the first run.
 */
type State = "created" | "ready" | "running" | "closing" | "closed";

/**
 * One event loop for several `run`s, one after the other: what `run` does, in pieces.
 *
 * @example
 * ```ts
 * import { Runner, sleep } from "brio";
 *
 * await using runner = new Runner();
 * await runner.run(() => sleep("5ms"));
 * console.log(await runner.run(() => sleep("5ms", "again"))); // again
 * ```
 */
export class Runner implements AsyncDisposable, Stoppable {
  private readonly options: RunOptions;
  private readonly grace: number;
  private state: State = "created";
  private loop: EventLoop | null = null;
  private context: Context | null = null;
  private main: Task<unknown> | null = null;
  /** The signals that have asked this main, and the shutdown after it, to stop. */
  private readonly asked = new Set<StopSignal>();
  private stoppedBy: StopSignal | null = null;
  private stuck = false;
  private releaseSignals: (() => void) | null = null;

  constructor(options: RunOptions = {}) {
    if (typeof options !== "object" || options === null) {
      throw new TypeError(`run options are an object, such as { debug: true }; got ${inspect(options)}`);
    }
    const { cancellation = "sticky", shutdownTimeout = "10s", clock } = options;
    if (clock !== undefined && typeof clock?.arm !== "function") {
      throw new TypeError(`clock must be a Clock, such as new VirtualClock(); got ${inspect(clock)}`);
    }
    if (cancellation !== "sticky" && cancellation !== "once") {
      throw new RangeError(`cancellation must be "sticky" or "once"; got ${inspect(cancellation)}`);
    }
    this.grace = milliseconds(shutdownTimeout, "shutdownTimeout");
    this.options = options;
  }

  /** The runner's loop. @throws RuntimeError if the runner is closed. */
  getLoop(): EventLoop {
    if (this.state === "closed" || this.state === "closing")
      throw new RuntimeError("this Runner is closed: make a new one");
    if (this.loop === null) {
      const { clock, cancellation, debug = process.env.BRIO_DEBUG === "1" } = this.options;
      this.loop = new EventLoop(clock, cancellation === "once");
      this.loop.setDebug(debug);
      this.context = copyContext();
      this.state = "ready";
    }
    return this.loop;
  }

  /**
   * Runs `main` as a task until it ends; tasks that it leaves behind go on in the next `run`, or are cancelled by
   * {@link close}. Context variables that it sets are kept for the next `run`.
   *
   * *Cancel safety*: cancelled through `options.signal`, it ends as soon as main has ended.
   *
   * @throws what main throws; RuntimeError inside a running loop, while the runner runs, or when it is closed.
   */
  async run<T>(main: Source<T>, options: Pick<RunOptions, "signal" | "name"> = this.options): Promise<T> {
    refuseInsideLoop(main);
    const loop = this.getLoop();
    if (this.state === "running") {
      throw new RuntimeError(
        "this Runner is running: await its run() before the next, or use another Runner",
      );
    }
    if (options.signal !== undefined) checkSignal(options.signal);
    const name = options.name ?? "main";
    const task = spawn<T>(loop, main, { name, context: this.context ?? undefined }, "run()");
    this.state = "running";
    loop.running = true;
    try {
      return await this.finish(task, options.signal);
    } finally {
      this.state = "ready";
      loop.running = false;
    }
  }

  private async finish<T>(task: Task<T>, signal: AbortSignal | undefined): Promise<T> {
    this.main = task as Task<unknown>;
    this.asked.clear();
    this.stoppedBy = null;
    const unlink =
      signal === undefined
        ? null
        : linkSignal(signal, (reason) => task.cancelWith({ reason, by: "an AbortSignal" }));
    if (this.options.handleSignals !== false) this.releaseSignals ??= stopOnSignals(this);
    try {
      const deadlock = await ended(task as Task<unknown>);
      if (deadlock !== null) {
        this.stuck = !task.done();
        task.markRetrieved();
        throw deadlock;
      }
      return task.result();
    } catch (error) {
      if (this.stoppedBy !== null && error instanceof CancelledError) leaveQuietly(error, this.stoppedBy);
      throw error;
    } finally {
      this.main = null;
      unlink?.();
    }
  }

  /** @internal */
  handles(signal: StopSignal): boolean {
    return this.loop?.signals.has(signal) ?? false;
  }

  /** @internal */
  stop(signal: StopSignal): "begun" | "again" | "idle" {
    if (this.main === null && this.state !== "closing") return "idle";
    if (this.asked.size > 0 && this.loop?.signals.hurry()) return "begun";
    if (this.asked.has(signal)) return "again";
    this.asked.add(signal);
    if (this.main !== null) {
      this.stoppedBy = signal;
      this.main.cancelWith({ reason: undefined, by: signal });
    }
    return "begun";
  }

  /**
   * Cancels what is left, waits for it, reports errors that nobody has seen, and closes the loop. Twice is fine.
   *
   * *Cancel safety*: it can't be cancelled; it ends at the latest after `shutdownTimeout`.
   *
   * @throws RuntimeError while the runner runs.
   */
  async close(): Promise<void> {
    if (this.state === "closed" || this.state === "closing") return;
    if (this.state === "running")
      throw new RuntimeError("runner.close(): the runner is running; await its run() first");
    const { loop } = this;
    if (loop === null) {
      this.state = "closed";
      return;
    }
    this.state = "closing";
    try {
      await shutDown(loop, this.stuck ? 0 : this.grace);
      if (loop.hasDefaultExecutor && !this.stuck) await this.closeExecutor(loop);
    } finally {
      this.state = "closed";
      reportFailures(loop);
      loop.close();
      this.releaseSignals?.();
    }
  }

  /** What its calls belonged to has ended: so have they. */
  private async closeExecutor(loop: EventLoop): Promise<void> {
    const close = (): Promise<void> => loop.shutdownDefaultExecutor(this.grace);
    const task = spawn<void>(loop, close, { name: "closing the default executor" }, "run()");
    await new Promise<void>((resolve) => task.observe(new Watcher(() => resolve(), null)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Waits until the task has ended, or can't end any more: then resolves with the report. */
function ended(task: Task<unknown>): Promise<DeadlockError | null> {
  return new Promise((resolve) => {
    let deadlock: DeadlockError | null = null;
    const unwatch = watchForDeadlock(task.loop, () => {
      if (deadlock === null) {
        // Cancelled, so that clean-up runs; if that does not wake anything either, main is left behind.
        deadlock = deadlockOf(task.loop);
        task.cancelWith({ reason: deadlock, by: "the deadlock report" });
      } else {
        unwatch();
        resolve(deadlock);
      }
    });
    task.observe(
      new Watcher(() => {
        unwatch();
        resolve(deadlock);
      }, null),
    );
  });
}

function refuseInsideLoop(main: Source<unknown>): void {
  const loop = ambient.getStore()?.loop;
  if (loop === undefined || loop.isClosed()) return;
  if (main instanceof Coroutine) main.close();
  throw new RuntimeError(
    "run() was called inside a running event loop: await the coroutine, or start it with createTask(...)",
  );
}
