import { getRunningLoop } from "../run/event-loop.ts";
import { provideDefaultExecutor } from "../run/loop-executor.ts";
import type { Task } from "../tasks/task.ts";
import { type Reference, requireReference } from "./reference.ts";
import { ThreadPool } from "./thread-pool.ts";

provideDefaultExecutor(() => new ThreadPool());

/**
 * Calls `fn(...args)` in a thread of the loop's default pool: one is made when it is first needed, and closed when the loop
 * ends. Another executor can be put in its place with `loop.setDefaultExecutor()`.
 *
 * *Cancel safety*: cancelling the task cancels the function, and the task ends when that has ended.
 *
 * @throws TypeError if `fn` is no reference; RuntimeError outside a loop.
 *
 * @example
 * ```ts
 * import { run } from "brio";
 * import { references, toThread } from "brio/threads";
 *
 * const { scryptSync } = references<typeof import("node:crypto")>("node:crypto");
 *
 * await run(async () => {
 *   const key = await toThread(scryptSync, "password", "salt", 32); // the loop goes on meanwhile
 *   console.log(key.length); // 32
 * });
 * ```
 */
export function toThread<A extends unknown[], R>(
  fn: Reference<(...args: A) => R>,
  ...args: A
): Task<Awaited<R>> {
  requireReference(fn, "toThread()");
  return getRunningLoop().runInExecutor(null, fn, ...args);
}
