import { type Duration, milliseconds, optionalMilliseconds } from "../loop/duration.ts";
import { RuntimeError } from "../loop/errors.ts";
import type { Alarm } from "../loop/handle.ts";
import { CancelledError } from "./errors.ts";
import { requireScope, Scope } from "./scope.ts";
import { ShieldedScope } from "./uncancellable.ts";

/** What a {@link CancelScope} is made with. */
export interface CancelScopeOptions {
  /** The loop time, in milliseconds, at which the scope cancels itself. Default: never. */
  deadline?: number | null;
  /** Like `deadline`, as a duration from the moment the scope is entered. */
  timeout?: Duration | null;
  /** Keep cancellation from outside away from the body. Default false. */
  shield?: boolean;
}

/**
 * A piece of work that can be cancelled as a whole, without cancelling the task it runs in.
 *
 * When the scope was cancelled and its body ends with `CancelledError`, `run` resolves with `undefined`; a
 * cancellation from outside goes on to the outside.
 *
 * *Cancel safety*: cancelling `run` cancels the body and waits for it to end.
 *
 * @example
 * ```ts
 * import { CancelScope, run, sleep } from "brio";
 *
 * await run(async () => {
 *   const scope = new CancelScope({ timeout: "50ms" });
 *   await scope.run(() => sleep("1h"));
 *   console.log(scope.cancelledCaught); // true
 * });
 * ```
 */
export class CancelScope {
  private readonly options: CancelScopeOptions;
  private scope: Scope | null = null;
  private alarm: Alarm | null = null;
  private called = false;
  private caught = false;
  private reason: unknown;
  private by: string | undefined;
  private when: number | null;

  constructor(options: CancelScopeOptions = {}) {
    this.options = options;
    this.when = checkedDeadline(options.deadline);
    if (options.timeout !== undefined && options.timeout !== null) milliseconds(options.timeout, "timeout");
  }

  /** True once {@link cancel} was called or the deadline has passed. */
  get cancelCalled(): boolean {
    return this.called;
  }

  /** True if the body ended with `CancelledError` because this scope was cancelled. */
  get cancelledCaught(): boolean {
    return this.caught;
  }

  /** The loop time at which the scope cancels itself, or null. */
  get deadline(): number | null {
    return this.when;
  }

  set deadline(when: number | null) {
    this.when = checkedDeadline(when);
    this.arm();
  }

  /** Cancels what runs in the scope, or what will. */
  cancel(reason?: unknown): void {
    this.cancelBy(reason, "a cancel scope");
  }

  private cancelBy(reason: unknown, by: string): void {
    if (this.called) return;
    this.called = true;
    this.reason = reason;
    this.by = by;
    this.scope?.cancel({ reason, by });
  }

  /**
   * Runs `body` in the scope; resolves with its value, or with `undefined` if the scope was cancelled.
   *
   * *Cancel safety*: cancelling it cancels the body and waits for it to end.
   *
   * @throws RuntimeError if the scope was run before: a scope runs once.
   */
  async run<T>(body: (scope: CancelScope) => PromiseLike<T> | T): Promise<T | undefined> {
    return await this.runAs("CancelScope.run()", body);
  }

  /** @internal `caller` names what the user called. */
  async runAs<T>(caller: string, body: (scope: CancelScope) => PromiseLike<T> | T): Promise<T | undefined> {
    if (typeof body !== "function") {
      const call = caller === "moveOnAfter()" ? 'moveOnAfter("1s", () => work())' : "scope.run(() => work())";
      throw new TypeError(`${caller} takes a function as its body: ${call}`);
    }
    if (this.scope !== null)
      throw new RuntimeError("CancelScope.run() was called before: make a new CancelScope");
    const outer = requireScope(caller);
    const scope = this.options.shield
      ? new ShieldedScope(outer, null)
      : new Scope(outer.loop, outer.owner, outer, outer.variables);
    this.scope = scope;
    outer.enter(scope);
    const { timeout } = this.options;
    if (timeout !== undefined && timeout !== null) {
      this.when = Math.min(
        this.when ?? Number.POSITIVE_INFINITY,
        outer.loop.time() + milliseconds(timeout, "timeout"),
      );
    }
    if (this.called) scope.cancel({ reason: this.reason, by: this.by });
    this.arm();
    const baseline = scope.baseline();
    try {
      return await scope.run(call<T>, this, body);
    } catch (error) {
      if (!(error instanceof CancelledError) || !this.called || scope.outerRequests() > baseline) throw error;
      this.caught = true;
      return undefined;
    } finally {
      this.alarm?.cancel();
      scope.exit();
    }
  }

  private arm(): void {
    this.alarm?.cancel();
    this.alarm = null;
    const { scope, when } = this;
    if (scope === null || scope.exited || when === null || when === Number.POSITIVE_INFINITY) return;
    const expire = (): void => this.cancelBy(undefined, "a deadline");
    this.alarm = when <= scope.loop.time() ? scope.loop.soon(expire) : scope.loop.alarm(when, expire);
  }
}

function checkedDeadline(when: number | null | undefined): number | null {
  if (when === null || when === undefined) return null;
  if (typeof when === "number" && !Number.isNaN(when)) return when;
  throw new TypeError(
    `deadline is not a loop time: ${String(when)}; pass loop.time() + milliseconds, or null`,
  );
}

async function call<T>(scope: CancelScope, body: (scope: CancelScope) => PromiseLike<T> | T): Promise<T> {
  return await body(scope);
}

/**
 * Runs `body` and gives up on it after `delay`: resolves with its value, or with `undefined` when time was over.
 *
 * *Cancel safety*: cancelling it cancels the body and waits for it to end.
 *
 * @throws what `body` throws; RangeError or TypeError if `delay` is not a duration; RuntimeError outside a task.
 *
 * @example
 * ```ts
 * import { moveOnAfter, run, sleep } from "brio";
 *
 * await run(async () => {
 *   const answer = await moveOnAfter("50ms", async () => {
 *     await sleep("1h");
 *     return 42;
 *   });
 *   console.log(answer); // undefined
 * });
 * ```
 */
export function moveOnAfter<T>(
  delay: Duration | null,
  body: (scope: CancelScope) => PromiseLike<T> | T,
): Promise<T | undefined> {
  try {
    if (delay === undefined)
      throw new TypeError('moveOnAfter() takes a duration first, such as "1s", or null for no limit');
    const length = optionalMilliseconds(delay, "delay");
    return new CancelScope({ timeout: length }).runAs("moveOnAfter()", body);
  } catch (error) {
    return Promise.reject(error);
  }
}
