import { inspect } from "node:util";
import type { Transferable } from "node:worker_threads";
import { CancelledError } from "../cancel/errors.ts";
import { ambientScope } from "../cancel/scope.ts";
import { find } from "../loop/variables.ts";
import { currentVariables } from "../tasks/context.ts";

/** What a function that an executor runs can reach of its call. For executors: what they make of it. */
export interface CallHooks {
  /** Takes what the function reports. */
  readonly progress?: ((value: unknown) => void) | undefined;
  /** Has the caller cancelled the call? Must be quick, and true even while nothing else can run here. */
  readonly cancelRequested?: (() => boolean) | undefined;
}

/** The hooks of a call stand among its context variables, under this key. */
export const CALL: object = {};

function hooksHere(): CallHooks | undefined {
  return find(currentVariables().values, CALL)?.value as CallHooks | undefined; // runCall() puts them there
}

/**
 * In a function that an executor runs: tells the caller how far it is, through the `onProgress` that it gave. Elsewhere, and
 * if it gave none, it does nothing. The value is copied.
 *
 * @example
 * ```ts
 * import { run } from "brio";
 * import { InlineExecutor, reference, reportProgress } from "brio/threads";
 *
 * export const work = reference(import.meta.url, "work", async function () {
 *   for (const percent of [0, 50, 100]) reportProgress(percent);
 * });
 *
 * await run(async () => {
 *   await using executor = new InlineExecutor();
 *   await executor.with({ onProgress: (percent) => console.log(percent) }).submit(work); // 0, then 50, then 100
 * });
 * ```
 */
export function reportProgress(value: unknown): void {
  hooksHere()?.progress?.(value);
}

/**
 * In a function that an executor runs: has the caller cancelled the call? For functions that compute for long without
 * waiting; waits throw `CancelledError` by themselves. Elsewhere: is the running task being cancelled?
 *
 * In a thread it is known at once, in a process or on another machine only when the function has let others run.
 *
 * @example
 * ```ts
 * import { cancelRequested, reference } from "brio/threads";
 *
 * export const countPrimes = reference(import.meta.url, "countPrimes", function (limit: number) {
 *   let count = 0;
 *   for (let n = 2; n < limit && !cancelRequested(); n++) {
 *     let prime = true;
 *     for (let d = 2; d * d <= n && prime; d++) prime = n % d !== 0;
 *     if (prime) count++;
 *   }
 *   return count;
 * });
 *
 * console.log(countPrimes(100)); // 25
 * ```
 */
export function cancelRequested(): boolean {
  if (hooksHere()?.cancelRequested?.() === true) return true;
  return (ambientScope()?.inForce() ?? null) !== null;
}

/**
 * Throws `CancelledError` if {@link cancelRequested}: ends a long computation that nobody waits for any more.
 *
 * @throws CancelledError
 *
 * @example
 * ```ts
 * import { throwIfCancelled } from "brio/threads";
 *
 * for (let i = 0; i < 3; i++) throwIfCancelled();
 * console.log("went through"); // went through
 * ```
 */
export function throwIfCancelled(): void {
  if (cancelRequested()) throw new CancelledError(undefined, "the caller of the function");
}

const transfers = new WeakMap<object, readonly Transferable[]>();

/**
 * Says of what a function returns that parts of it are to be moved to the caller, not copied: `ArrayBuffer`s, ports. The
 * function must not use them afterwards. Between threads only; elsewhere they are copied.
 *
 * @throws TypeError if the value is no object, or the list no array.
 *
 * @example
 * ```ts
 * import { reference, transfer } from "brio/threads";
 *
 * export const noise = reference(import.meta.url, "noise", function (length: number) {
 *   const samples = Float32Array.from({ length }, Math.random);
 *   return transfer(samples, [samples.buffer]);
 * });
 *
 * console.log(noise(3).length); // 3
 * ```
 */
export function transfer<T extends object>(value: T, list: readonly Transferable[]): T {
  if (typeof value !== "object" || value === null || !Array.isArray(list)) {
    throw new TypeError(
      `transfer() takes what the function returns, and what is to be moved: transfer(array, [array.buffer]); got ${inspect(value)}`,
    );
  }
  transfers.set(value, list);
  return value;
}

/** What is to be moved with a result. */
export function transfersOf(value: unknown): readonly Transferable[] | undefined {
  return typeof value === "object" && value !== null ? transfers.get(value) : undefined;
}
