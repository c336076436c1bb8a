import type { Scope } from "../cancel/scope.ts";
import { ambient } from "../loop/ambient.ts";
import type { Loop } from "../loop/loop.ts";
import { bind } from "../loop/variables.ts";
import { requireFrame } from "../tasks/awaitable.ts";
import { type CarriedValues, carriedValues, withArrived } from "../tasks/carried.ts";
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

/** @param inside begins it at once, inside this scope's step; otherwise on the loop's next turn */
export function startCall(
  loop: Loop,
  fn: AnyFunction,
  args: readonly unknown[],
  options: RunCallOptions,
  inside?: Scope,
): Task<unknown> {
  const context = new Context();
  context.values = withArrived(bind(null, CALL, options), options.variables ?? {});
  const call = fn as (...args: readonly unknown[]) => unknown; // what its caller's types allow
  const how = { name: options.name, context, eager: inside !== undefined };
  return spawn<unknown>(loop, () => call(...args), how, "runCall()", inside ?? ambient.getStore());
}

/** In a call whose function was not loaded when it began: its module's variables are known only now. */
export function arriveLate(variables: CarriedValues | undefined): void {
  if (variables === undefined) return;
  const here = currentVariables();
  here.values = withArrived(here.values, variables);
}

/**
 * For executors, where a call is made: the values of the context variables that travel with it; undefined if there are none.
 *
 * @example
 * ```ts
 * import { ContextVar, run } from "brio";
 * import { carriedContext } from "brio/threads";
 *
 * const traceId = new ContextVar<string>("traceId", { carried: true });
 *
 * await run(async () => {
 *   traceId.set("t-17");
 *   console.log(carriedContext()); // { traceId: 't-17' }
 * });
 * ```
 */
export function carriedContext(): CarriedValues | undefined {
  return carriedValues(currentVariables());
}
