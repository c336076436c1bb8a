import { type Cancellation, CancelledError, cancelledError } from "./errors.ts";
import { ParkingLot } from "./parking-lot.ts";
import { requireScope, type Scope } from "./scope.ts";
import { PlainSource, Wait, type WaitSource } from "./wait.ts";

/** How a promise that is not brio's ended. */
type Outcome = { ok: true; value: unknown } | { ok: false; error: unknown };

/** The waits for one foreign promise. It gets a single reaction, however often and long it is waited for. */
class ForeignPromise implements WaitSource<unknown> {
  readonly kind = "interruptible";
  readonly outside = true;
  private readonly lot = new ParkingLot<unknown>();
  private outcome: Outcome | null = null;

  constructor(promise: PromiseLike<unknown>) {
    promise.then(
      (value) => this.settle({ ok: true, value }),
      (error: unknown) => this.settle({ ok: false, error }),
    );
  }

  wait(wait: Wait<unknown>): Promise<unknown> {
    this.lot.add(wait);
    if (this.outcome !== null) wait.grant();
    return wait.begin();
  }

  take(wait: Wait<unknown>): unknown {
    this.lot.remove(wait);
    const outcome = this.outcome as Outcome; // a wait is granted once there is an outcome
    if (outcome.ok) return outcome.value;
    throw outcome.error;
  }

  withdraw(wait: Wait<unknown>): undefined {
    this.lot.remove(wait);
  }

  toString(): string {
    return "a promise";
  }

  private settle(outcome: Outcome): void {
    this.outcome = outcome;
    this.lot.grantAll();
  }
}

const known = new WeakMap<PromiseLike<unknown>, ForeignPromise>();

/** Work that is told to stop, and waited for until it has. */
class StoppableWork implements WaitSource<unknown> {
  readonly kind = "interruptible";
  readonly outside = true;
  /** What the work has brought about, a connection say, would be lost. */
  readonly final = true;
  private readonly stop: (reason: CancelledError) => void;
  private readonly debug: boolean;
  private reason: CancelledError | null = null;
  private outcome: Outcome | null = null;

  constructor(stop: (reason: CancelledError) => void, debug: boolean) {
    this.stop = stop;
    this.debug = debug;
  }

  settled(wait: Wait<unknown>, outcome: Outcome): void {
    this.outcome = outcome;
    wait.grant();
  }

  divert(_wait: Wait<unknown>, cause: Cancellation): boolean {
    if (this.reason === null) {
      this.reason = cancelledError(cause, this.debug);
      this.stop(this.reason);
    }
    return true;
  }

  take(): unknown {
    const outcome = this.outcome as Outcome; // a wait is granted once there is an outcome
    if (outcome.ok) return outcome.value;
    if (this.reason !== null && isAbort(outcome.error)) throw this.reason;
    throw outcome.error;
  }

  withdraw(): undefined {}

  toString(): string {
    return this.reason === null ? "abortable work" : "abortable work (told to stop)";
  }
}

const NOT_BEGUN = new PlainSource<never>("abortable work", "interruptible");

function isAbort(error: unknown): boolean {
  return error instanceof CancelledError || (error instanceof Error && error.name === "AbortError");
}

/** Options of {@link interruptible}. */
export interface InterruptibleOptions {
  /**
   * Tells the work to stop, where that takes no `AbortSignal`: it is called once, with the `CancelledError`, and must not
   * throw. Then the function is given none, and costs less.
   */
  readonly stop: (reason: CancelledError) => void;
}

/**
 * Waits for something that is not brio's in a way that can be cancelled.
 *
 * Given a promise, cancelling ends the *waiting*: the work behind it goes on. Given a function, it is called with
 * an `AbortSignal`; cancelling aborts that (or calls `stop`), waits until the work has ended, and its `AbortError` becomes
 * `CancelledError`. If the work succeeds in spite of the abort, its value is returned.
 *
 * *Cancel safety*: as above; nothing is lost that the promise or the work does not lose itself.
 *
 * @throws what the promise or the work ends with; TypeError for anything else; RuntimeError outside a task.
 *
 * @example
 * ```ts
 * import { setTimeout as delay } from "node:timers/promises";
 * import { interruptible, run, TimeoutError, timeout } from "brio";
 *
 * await run(async () => {
 *   try {
 *     await timeout("20ms", () => interruptible((signal) => delay(60_000, null, { signal })));
 *   } catch (error) {
 *     console.log(error instanceof TimeoutError); // true
 *   } // and the Node timer is gone
 * });
 * ```
 */
export function interruptible<T>(
  work: PromiseLike<T> | ((signal: AbortSignal) => PromiseLike<T> | T),
): Promise<T>;
export function interruptible<T>(work: () => PromiseLike<T> | T, options: InterruptibleOptions): Promise<T>;
export async function interruptible<T>(
  work: PromiseLike<T> | ((signal: AbortSignal) => PromiseLike<T> | T),
  options?: InterruptibleOptions,
): Promise<T> {
  const scope = requireScope("interruptible()");
  if (typeof work === "function") {
    // In a scope that is cancelled already, the work is not even begun.
    if (scope.blocked) await new Wait<never>(scope, NOT_BEGUN).begin();
    if (options !== undefined) return await waitFor(scope, work as () => PromiseLike<T> | T, options.stop);
    const controller = new AbortController();
    return await waitFor(
      scope,
      () => work(controller.signal),
      (reason) => controller.abort(reason),
    );
  }
  if (typeof (work as { then?: unknown } | null)?.then !== "function") {
    throw new TypeError(
      "interruptible() takes a promise, or a function: interruptible((signal) => fetch(url, { signal }))",
    );
  }
  let source = known.get(work);
  if (source === undefined) {
    source = new ForeignPromise(work);
    known.set(work, source);
  }
  return (await source.wait(new Wait<unknown>(scope, source))) as T; // the promise's own value
}

function waitFor<T>(
  scope: Scope,
  work: () => PromiseLike<T> | T,
  stop: (reason: CancelledError) => void,
): Promise<T> {
  const source = new StoppableWork(stop, scope.loop.debug);
  const promise = Promise.resolve(work());
  const wait = new Wait<unknown>(scope, source);
  promise.then(
    (value) => source.settled(wait, { ok: true, value }),
    (error: unknown) => source.settled(wait, { ok: false, error }),
  );
  return wait.begin() as Promise<T>; // the work's own value
}

/**
 * The `AbortSignal` of the innermost cancel scope: aborted, with the `CancelledError` as its reason, when that
 * scope is cancelled. For handing to APIs that take a signal; `interruptible` also waits for them to end.
 *
 * @throws RuntimeError outside a task.
 *
 * @example
 * ```ts
 * import { currentSignal, run } from "brio";
 *
 * await run(async () => {
 *   console.log(currentSignal().aborted); // false
 * });
 * ```
 */
export function currentSignal(): AbortSignal {
  return requireScope("currentSignal()").signal();
}
