import { Queue } from "./queue.ts";
import { Lifo } from "./store.ts";

/**
 * A queue that gives out the newest item first.
 *
 * @example
 * ```ts
 * import { LifoQueue, run } from "brio";
 *
 * await run(async () => {
 *   const queue = new LifoQueue<string>();
 *   await queue.put("older");
 *   await queue.put("newer");
 *   console.log(await queue.get()); // newer
 * });
 * ```
 */
export class LifoQueue<T> extends Queue<T> {
  constructor(maxsize = 0) {
    super(maxsize, new Lifo<T>());
  }
}
