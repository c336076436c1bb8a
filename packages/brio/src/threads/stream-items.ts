import { inspect } from "node:util";
import { uncancellable } from "../cancel/uncancellable.ts";
import type { AnyFunction } from "./reference.ts";

/**
 * For executors, where the function runs: calls it, iterates what it gives, and hands each item to `send`, which waits while
 * the reader is behind. A cancellation that comes while it waits ends the generator: its `finally` runs.
 *
 * *Cancel safety*: cancelled, it ends what it iterates.
 *
 * @param name what the function is called in errors
 * @throws what the function, or iterating its result, throws; TypeError if that can't be iterated.
 *
 * @example
 * ```ts
 * import { run } from "brio";
 * import { sendItems } from "brio/threads";
 *
 * await run(async () => {
 *   const count = function* (to: number) {
 *     for (let n = 1; n <= to; n++) yield n;
 *   };
 *   await sendItems(count, [2], async (item) => console.log(item)); // 1, then 2
 * });
 * ```
 */
export async function sendItems(
  fn: AnyFunction,
  args: readonly unknown[],
  send: (item: unknown) => Promise<void>,
  name: string = fn.name,
): Promise<void> {
  const result = await (fn as (...args: readonly unknown[]) => unknown)(...args); // what its caller's types allow
  const iterator = iteratorOf(result, name);
  let ended = false;
  try {
    for (;;) {
      const next = await iterator.next();
      if (next.done === true) {
        ended = true;
        return;
      }
      await send(next.value);
    }
  } catch (error) {
    if (ended) throw error;
    // A generator that has thrown has ended: then this does nothing.
    await uncancellable(async () => iterator.return?.());
    throw error;
  }
}

function iteratorOf(result: unknown, name: string): Iterator<unknown> | AsyncIterator<unknown> {
  const { [Symbol.asyncIterator]: asynchronous, [Symbol.iterator]: synchronous } = Object(result) as Partial<
    AsyncIterable<unknown> & Iterable<unknown>
  >;
  if (typeof asynchronous === "function") return asynchronous.call(result);
  if (typeof synchronous === "function" && typeof result !== "string")
    return synchronous.call(result) as Iterator<unknown>;
  throw new TypeError(
    `stream() needs a function that gives something to iterate, such as a generator function; ${name} gave ${inspect(result)}`,
  );
}
