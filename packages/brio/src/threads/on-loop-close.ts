import type { Loop } from "../loop/loop.ts";

/**
 * For executors: calls `close` when the loop ends, to give back at once what must not be left behind it. It must not throw.
 *
 * @returns how to take that back
 *
 * @example
 * ```ts
 * import { getRunningLoop, run } from "brio";
 * import { onLoopClose } from "brio/threads";
 *
 * await run(async () => {
 *   onLoopClose(getRunningLoop(), () => console.log("closed")); // closed
 * });
 * ```
 */
export function onLoopClose(loop: Loop, close: () => void): () => void {
  const resource = { loopCloses: close };
  loop.resources.add(resource);
  return () => void loop.resources.delete(resource);
}
