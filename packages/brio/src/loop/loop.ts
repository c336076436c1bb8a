import { followPromises } from "./ambient.ts";
import type { Clock } from "./clock.ts";
import { type Duration, milliseconds } from "./duration.ts";
import { Handle, TimerHandle } from "./handle.ts";
import { watchOrigins } from "./origins.ts";
import { type ExceptionContext, formatReport } from "./report.ts";
import { Scheduler } from "./scheduler.ts";

/** A task in the loop's list of unfinished ones. */
export interface ListedTask {
  /** @internal */
  previousTask: ListedTask | null;
  /** @internal */
  nextTask: ListedTask | null;
}

/** What a loop must not leave open behind it: connections, servers. */
export interface Resource {
  /** @internal May it call into the program though no task waits for it? Then nothing is a deadlock while it is open. */
  readonly callsIn?: boolean;
  /** @internal The run ends: nothing new is let in any more, while its tasks end. Must not throw. */
  runEnds?(): void;
  /** @internal The loop is about to close: everything is given back at once. Must not throw. */
  loopCloses(): void;
}

/** What `loop.setExceptionHandler` takes: it is told of each error that reaches nobody else. */
export type ExceptionHandler = (loop: Loop, context: ExceptionContext) => void;

/** What runs callbacks, and whom errors are told that reach nobody else. Its public face is `EventLoop`. */
export class Loop extends Scheduler {
  /** @internal Is a cancellation delivered once, as in asyncio? */ readonly once: boolean;
  /** @internal */ firstTask: ListedTask | null = null;
  /** @internal */ lastTask: ListedTask | null = null;
  /** @internal What is open. */ readonly resources: Set<Resource> = new Set();
  /** A callback or step that takes longer than this, in milliseconds, is reported in debug mode. Default 100. */
  slowCallbackDuration = 100;
  private handler: ExceptionHandler | null = null;

  /** @internal */
  constructor(clock?: Clock, once = false) {
    super(clock);
    followPromises();
    this.once = once;
  }

  // -- time and callbacks ------------------------------------------------------------------------------

  /**
   * Runs `callback(...args)` on the loop's next turn, after what is ready already. It runs without a current
   * task, with a copy of the caller's context variables; what it throws goes to the exception handler.
   */
  callSoon<A extends unknown[]>(callback: (...args: A) => void, ...args: A): Handle {
    this.assertOpen();
    const handle = new Handle(this, bound(callback, args, "callSoon"), label(callback));
    this.push(handle);
    return handle;
  }

  /** Like {@link callSoon}, for code that is not running in the loop: listeners, native callbacks, other loops. */
  callSoonThreadsafe<A extends unknown[]>(callback: (...args: A) => void, ...args: A): Handle {
    return this.callSoon(callback, ...args);
  }

  /** Like {@link callSoon}, after `delay`. */
  callLater<A extends unknown[]>(delay: Duration, callback: (...args: A) => void, ...args: A): TimerHandle {
    return this.timer(
      this.time() + milliseconds(delay, "delay"),
      bound(callback, args, "callLater"),
      callback,
    );
  }

  /** Like {@link callSoon}, when {@link time} reaches `when` (milliseconds). */
  callAt<A extends unknown[]>(when: number, callback: (...args: A) => void, ...args: A): TimerHandle {
    if (typeof when !== "number" || Number.isNaN(when)) {
      throw new TypeError(
        `when is not a loop time: ${String(when)}; pass milliseconds, such as loop.time() + 500`,
      );
    }
    return this.timer(when, bound(callback, args, "callAt"), callback);
  }

  private timer(when: number, callback: () => void, named: object): TimerHandle {
    this.assertOpen();
    const forget = (): void => this.timerDied();
    const handle = new TimerHandle(this, callback, label(named), when, forget);
    this.addTimer(when, handle);
    return handle;
  }

  // -- errors and debug --------------------------------------------------------------------------------

  /** Replaces what is done with errors that nobody awaits; null restores the default, which writes to stderr. */
  setExceptionHandler(handler: ExceptionHandler | null): void {
    if (handler !== null && typeof handler !== "function") {
      throw new TypeError(
        `handler must be a function (loop, context) => void, or null; got ${typeof handler}`,
      );
    }
    this.handler = handler;
  }

  /** What was given to {@link setExceptionHandler}; null: the default. */
  getExceptionHandler(): ExceptionHandler | null {
    return this.handler;
  }

  /** Writes the report to stderr. */
  defaultExceptionHandler(context: ExceptionContext): void {
    console.error(formatReport(context));
  }

  /** Reports an error that reaches nobody. A handler that throws is itself reported by the default one. */
  callExceptionHandler(context: ExceptionContext): void {
    if (this.handler !== null) {
      try {
        this.handler(this, context);
        return;
      } catch (exception) {
        this.reportByDefault({ message: "Unhandled error in exception handler", exception });
      }
    }
    this.reportByDefault(context);
  }

  /** @internal Calls a user's callback. What it throws is reported, and what the promise of an async one rejects with. */
  callBack(callback: () => unknown, context: ExceptionContext): void {
    const report = (exception: unknown): void => this.callExceptionHandler({ ...context, exception });
    try {
      const result = callback();
      if (result instanceof Promise) result.then(undefined, report);
    } catch (exception) {
      report(exception);
    }
  }

  private reportByDefault(context: ExceptionContext): void {
    try {
      this.defaultExceptionHandler(context);
    } catch {
      // stderr is gone, say: nobody is left to be told, and the loop must go on.
    }
  }

  /** Switches debug mode: creation lines, slow callbacks, swallowed cancellations are reported. */
  setDebug(enabled: boolean): void {
    this.debug = enabled;
    if (enabled) watchOrigins();
  }

  /** Is debug mode on? */
  getDebug(): boolean {
    return this.debug;
  }

  protected override ran(what: object, took: number): void {
    if (took < this.slowCallbackDuration) return;
    this.callExceptionHandler({
      message: `Executing ${String(what)} took ${(took / 1000).toFixed(3)} seconds`,
    });
  }
}

function bound<A extends unknown[]>(callback: (...args: A) => void, args: A, caller: string): () => void {
  if (typeof callback !== "function") {
    throw new TypeError(
      `${caller}() takes a function as its callback, got ${typeof callback}: loop.${caller}(() => work()); a coroutine is run by loop.createTask(...)`,
    );
  }
  return args.length === 0 ? (callback as () => void) : () => callback(...args);
}

function label(callback: object): string {
  return `${(callback as { name?: string }).name || "<anonymous>"}()`;
}
