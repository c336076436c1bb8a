import type { Loop } from "../loop/loop.ts";
import { requireFrame } from "../tasks/awaitable.ts";
import { arrivedValues, type CarriedValues, carriedValues } from "../tasks/carried.ts";
import { Context, currentVariables } from "../tasks/context.ts";
import { spawn } from "../tasks/create-task.ts";
import type { Task } from "../tasks/task.ts";
import { CALL, type CallHooks } from "./call-context.ts";
import type { AnyFunction } from "./reference.ts";

/** How {@link runCall} runs a function. */
export interface RunCallOptions extends CallHooks {
  /** The values of context variables that have come with the call: {@link carriedContext}. */
  readonly variables?: CarriedValues | undefined;
  /** The name of the task. */
  readonly name?: string | undefined;
}

/**
 * For executors, where the function runs: runs it as a task of the running loop, with the context variables that were carried
 * along and no others. Cancelling the task cancels the function.
 *
 * @throws RuntimeError outside a loop.
 *
 * @example
 * ```ts
 * import { run } from "brio";
 * import { reportProgress, runCall } from "brio/threads";
 *
 * await run(async () => {
 *   const half = (n: number) => {
 *     reportProgress("halving");
 *     return n / 2;
 *   };
 *   console.log(await runCall(half, [42], { progress: (value) => console.log(value) })); // halving, then 21
 * });
 * ```
 */
export function runCall(
  fn: AnyFunction,
  args: readonly unknown[],
  options: RunCallOptions = {},
): Task<unknown> {
  return startCall(requireFrame("runCall()").loop, fn, args, options);
}

export function startCall(
  loop: Loop,
  fn: AnyFunction,
  args: readonly unknown[],
  options: RunCallOptions,
): Task<unknown> {
  const context = new Context();
  context.values = arrivedValues(options.variables).set(CALL, options);
  context.ownsValues = true;
  const call = fn as (...args: readonly unknown[]) => unknown; // what its caller's types allow
  return spawn<unknown>(loop, () => call(...args), { name: options.name, context }, "runCall()");
}

/**
 * For executors, where a call is made: the values of the context variables that travel with it; undefined if there are none.
 *
 * @example
 * ```ts
 * import { ContextVar, run } from "brio";
 * import { carriedContext } from "brio/threads";
 *
 * const requestId = new ContextVar<string>("requestId", { carried: true });
 *
 * await run(async () => {
 *   requestId.set("r-17");
 *   console.log(carriedContext()); // { requestId: 'r-17' }
 * });
 * ```
 */
export function carriedContext(): CarriedValues | undefined {
  return carriedValues(currentVariables());
}
