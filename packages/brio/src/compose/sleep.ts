import { ambientScope, outsideTask } from "../cancel/scope.ts";
import { PlainSource, Wait } from "../cancel/wait.ts";
import { type Duration, milliseconds } from "../loop/duration.ts";

const TIME = new PlainSource<unknown>("the clock", "sleep");
const TURN = new PlainSource<unknown>("the next turn", "sleep");
const CHECK = new PlainSource<undefined>("the next turn", "checkpoint");
const NOTHING = new PlainSource<never>("nothing: only cancellation ends it", "sleepForever");

/**
 * Waits for `delay` (milliseconds, or a string such as `"1s"`), and resolves with `result`. `sleep(0)` gives
 * everything that is ready one turn.
 *
 * *Cancel safety*: nothing is lost; its timer is gone at once.
 *
 * @throws RangeError if `delay` is negative or NaN; TypeError if its unit is unknown.
 *
 * @example
 * ```ts
 * import { run, sleep } from "brio";
 *
 * await run(async () => {
 *   console.log(await sleep("20ms", "rested")); // rested
 * });
 * ```
 */
export function sleep(delay: Duration): Promise<void>;
export function sleep<T>(delay: Duration, result: T): Promise<T>;
export function sleep(delay: Duration, result?: unknown): Promise<unknown> {
  const scope = ambientScope();
  if (scope === undefined) return outsideTask("sleep()");
  let length: number;
  try {
    length = milliseconds(delay, "delay");
  } catch (error) {
    return Promise.reject(error);
  }
  if (length === 0) return new Wait(scope, TURN).beginGranted(result);
  const wait = new Wait<unknown>(scope, TIME);
  wait.value = result;
  if (length !== Number.POSITIVE_INFINITY) wait.grantAt(scope.loop.time() + length);
  return wait.begin();
}

/**
 * Waits until it is cancelled.
 *
 * *Cancel safety*: nothing is lost.
 *
 * @example
 * ```ts
 * import { moveOnAfter, run, sleepForever } from "brio";
 *
 * await run(async () => {
 *   await moveOnAfter("5ms", () => sleepForever());
 *   console.log("woken"); // woken
 * });
 * ```
 */
export function sleepForever(): Promise<never> {
  const scope = ambientScope();
  return scope === undefined ? outsideTask("sleepForever()") : new Wait<never>(scope, NOTHING).begin();
}

/**
 * Gives everything that is ready one turn, and throws `CancelledError` if the scope is cancelled: for long
 * computations. The same as `sleep(0)`.
 *
 * *Cancel safety*: nothing is lost.
 *
 * @example
 * ```ts
 * import { checkpoint, run } from "brio";
 *
 * await run(async () => {
 *   let sum = 0;
 *   for (let i = 1; i <= 10_000; i++) {
 *     sum += i;
 *     if (i % 1000 === 0) await checkpoint();
 *   }
 *   console.log(sum); // 50005000
 * });
 * ```
 */
export function checkpoint(): Promise<void> {
  const scope = ambientScope();
  if (scope === undefined) return outsideTask("checkpoint()");
  return new Wait<undefined>(scope, CHECK).beginGranted(undefined);
}

/** Waits, to be refused, only if the scope is cancelled: before an operation that might not have to wait. */
export async function heedCancellation(): Promise<void> {
  if (ambientScope()?.blocked) await checkpoint();
}
