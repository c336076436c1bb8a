import { inspect } from "node:util";
import { CancelledError, TimeoutError } from "../cancel/errors.ts";
import { requireScope, Scope } from "../cancel/scope.ts";
import { type Duration, milliseconds } from "../loop/duration.ts";
import { RuntimeError } from "../loop/errors.ts";
import type { Alarm } from "../loop/handle.ts";

/*
 * A timeout's states: created -> active -> expiring -> expired, or active -> exited.
 * While it is expiring, its scope is cancelled and the body unwinds; at the end the cancellation is turned into
 * TimeoutError, unless somebody further out asked for one as well.
 */
type State = "created" | "active" | "expiring" | "expired" | "exited";

/**
 * The deadline of a running {@link timeout}: its body can look at it and move it.
 *
 * @example
 * ```ts
 * import { getRunningLoop, run, sleep, timeout } from "brio";
 *
 * await run(async () => {
 *   const loop = getRunningLoop();
 *   await timeout("1s", async (limit) => {
 *     for (let chunk = 0; chunk < 3; chunk++) {
 *       await sleep("5ms");
 *       limit.reschedule(loop.time() + 1000); // something arrived: a second for the next
 *     }
 *     console.log(limit.expired()); // false
 *   });
 * });
 * ```
 */
export class Timeout {
  private deadline: number | null;
  private state: State = "created";
  private scope: Scope | null = null;
  private alarm: Alarm | null = null;

  /** @internal */
  constructor(when: number | null) {
    this.deadline = when;
  }

  /** The loop time, in milliseconds, at which it expires; null: never. */
  when(): number | null {
    return this.deadline;
  }

  /** True from the moment the time was over, also while the body still runs. */
  expired(): boolean {
    return this.state === "expiring" || this.state === "expired";
  }

  /**
   * Moves the deadline to the loop time `when` (null: no deadline).
   *
   * @throws RuntimeError if the timeout has expired, or its body has ended.
   */
  reschedule(when: number | null): void {
    if (this.state !== "active" || this.scope === null) {
      const why =
        this.state === "created"
          ? "has not been entered"
          : this.state === "exited"
            ? "has ended"
            : "has expired";
      throw new RuntimeError(`this timeout ${why}: only an active one can be rescheduled`);
    }
    checkLoopTime(when);
    this.deadline = when;
    this.alarm?.cancel();
    this.alarm = null;
    if (when === null || when === Number.POSITIVE_INFINITY) return;
    const { loop } = this.scope;
    const expire = (): void => this.expire();
    this.alarm = when <= loop.time() ? loop.soon(expire) : loop.alarm(when, expire);
  }

  /** @internal */
  async run<T>(body: (timeout: Timeout) => PromiseLike<T> | T, caller: string, example: string): Promise<T> {
    if (typeof body !== "function") {
      throw new TypeError(
        `${caller} takes a function as its body: ${caller.replace("()", `(${example}, () => work())`)}`,
      );
    }
    const outer = requireScope(caller);
    const scope = new Scope(outer.loop, outer.owner, outer, outer.variables);
    outer.enter(scope);
    this.scope = scope;
    this.state = "active";
    this.reschedule(this.deadline);
    const baseline = scope.baseline();
    try {
      return await scope.run(call<T>, this, body);
    } catch (error) {
      this.leave(scope);
      if (this.expired() && error instanceof CancelledError && scope.outerRequests() <= baseline) {
        throw new TimeoutError("the time set by a timeout was over", { cause: error });
      }
      throw error;
    } finally {
      this.leave(scope);
    }
  }

  private leave(scope: Scope): void {
    if (scope.exited) return;
    this.alarm?.cancel();
    this.state = this.expired() ? "expired" : "exited";
    scope.exit(this.expired());
  }

  private expire(): void {
    if (this.state !== "active" || this.scope === null) return;
    this.state = "expiring";
    this.alarm = null;
    this.scope.cancel({ reason: undefined, by: "a timeout" });
  }
}

function checkLoopTime(when: number | null): void {
  if (when === null || (typeof when === "number" && !Number.isNaN(when))) return;
  throw new TypeError(
    `when is not a loop time: ${inspect(when)}; pass loop.time() + milliseconds, or null for no limit`,
  );
}

async function call<T>(timeout: Timeout, body: (timeout: Timeout) => PromiseLike<T> | T): Promise<T> {
  return await body(timeout);
}

/**
 * Runs `body` and cancels it when it takes longer than `delay` (null: no limit). It runs in the calling task.
 *
 * *Cancel safety*: cancelling it cancels the body and waits for it to end.
 *
 * @throws TimeoutError if the time was over and the body ended because of that. A body that swallows the
 * cancellation and returns gives its value; any other error of the body is thrown as it is; a cancellation from
 * outside wins.
 *
 * @example
 * ```ts
 * import { run, sleep, TimeoutError, timeout } from "brio";
 *
 * await run(async () => {
 *   try {
 *     await timeout("20ms", () => sleep("1h"));
 *   } catch (error) {
 *     console.log(error instanceof TimeoutError); // true
 *   }
 * });
 * ```
 */
export async function timeout<T>(
  delay: Duration | null,
  body: (timeout: Timeout) => PromiseLike<T> | T,
): Promise<T> {
  const length = delay === null ? null : milliseconds(delay, "delay"); // undefined is a mistake, not "no limit"
  const when = length === null ? null : requireScope("timeout()").loop.time() + length;
  return await new Timeout(when).run(body, "timeout()", '"1s"');
}

/**
 * Like {@link timeout}, with a deadline in loop time (milliseconds, as `loop.time()` gives them; null: no limit).
 *
 * *Cancel safety*: cancelling it cancels the body and waits for it to end.
 *
 * @throws TimeoutError as {@link timeout} does.
 *
 * @example
 * ```ts
 * import { getRunningLoop, run, sleep, TimeoutError, timeoutAt } from "brio";
 *
 * await run(async () => {
 *   const deadline = getRunningLoop().time() + 20; // for both steps together
 *   try {
 *     await timeoutAt(deadline, () => sleep("5ms"));
 *     await timeoutAt(deadline, () => sleep("1h"));
 *   } catch (error) {
 *     console.log(error instanceof TimeoutError); // true
 *   }
 * });
 * ```
 */
export async function timeoutAt<T>(
  when: number | null,
  body: (timeout: Timeout) => PromiseLike<T> | T,
): Promise<T> {
  checkLoopTime(when);
  return await new Timeout(when).run(body, "timeoutAt()", "loop.time() + 1000");
}
