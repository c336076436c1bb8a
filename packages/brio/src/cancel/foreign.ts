import { type Cancellation, CancelledError, cancelledError } from "./errors.ts";
import { ParkingLot } from "./parking-lot.ts";
import { requireScope } from "./scope.ts";
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

/** Work that is told to stop through an AbortSignal, and waited for until it has. */
class AbortableWork implements WaitSource<unknown> {
  readonly kind = "interruptible";
  /** What the work has brought about, a connection say, would be lost. */
  readonly final = true;
  private readonly controller = new AbortController();
  private readonly debug: boolean;
  private stopped = false;
  private outcome: Outcome | null = null;

  constructor(debug: boolean) {
    this.debug = debug;
  }

  get outside(): boolean {
    return true;
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  settled(wait: Wait<unknown>, outcome: Outcome): void {
    this.outcome = outcome;
    wait.grant();
  }

  divert(_wait: Wait<unknown>, cause: Cancellation): boolean {
    if (!this.stopped) {
      this.stopped = true;
      this.controller.abort(cancelledError(cause, this.debug));
    }
    return true;
  }

  take(): unknown {
    const outcome = this.outcome as Outcome; // a wait is granted once there is an outcome
    if (outcome.ok) return outcome.value;
    if (this.stopped && isAbort(outcome.error)) throw this.controller.signal.reason;
    throw outcome.error;
  }

  withdraw(): undefined {}

  toString(): string {
    return this.stopped ? "abortable work (told to stop)" : "abortable work";
  }
}

const NOT_BEGUN = new PlainSource<never>("abortable work", "interruptible");

function isAbort(error: unknown): boolean {
  return error instanceof CancelledError || (error instanceof Error && error.name === "AbortError");
}

/**
 * Waits for something that is not brio's in a way that can be cancelled.
 *
 * Given a promise, cancelling ends the *waiting*: the work behind it goes on. Given a function, it is called with
 * an `AbortSignal`; cancelling aborts that, waits until the work has ended, and its `AbortError` becomes
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
export async function interruptible<T>(
  work: PromiseLike<T> | ((signal: AbortSignal) => PromiseLike<T> | T),
): Promise<T> {
  const scope = requireScope("interruptible()");
  if (typeof work === "function") {
    // In a scope that is cancelled already, the work is not even begun.
    if (scope.blocked) await new Wait<never>(scope, NOT_BEGUN).begin();
    const source = new AbortableWork(scope.loop.debug);
    const promise = Promise.resolve(work(source.signal));
    const wait = new Wait<unknown>(scope, source);
    promise.then(
      (value) => source.settled(wait, { ok: true, value }),
      (error: unknown) => source.settled(wait, { ok: false, error }),
    );
    return (await wait.begin()) as T; // the work's own value
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
