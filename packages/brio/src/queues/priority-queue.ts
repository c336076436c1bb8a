import { inspect } from "node:util";
import { Queue } from "./queue.ts";
import { Heap } from "./store.ts";

export interface PriorityQueueOptions<T> {
  /** Less than 0 if `a` comes first. Default: numbers, bigints, strings and dates in their order, arrays item by item. */
  compare?: (a: T, b: T) => number;
}

/**
 * A queue that gives out the smallest item first. Equal items come in no particular order: put a counter into the
 * items, as in `[priority, counter, item]`, where that matters.
 *
 * @example
 * ```ts
 * import { PriorityQueue, run } from "brio";
 *
 * await run(async () => {
 *   const queue = new PriorityQueue<[number, string]>();
 *   await queue.put([2, "later"]);
 *   await queue.put([1, "first"]);
 *   console.log((await queue.get())[1]); // first
 * });
 * ```
 */
export class PriorityQueue<T> extends Queue<T> {
  constructor(maxsize = 0, options: PriorityQueueOptions<T> = {}) {
    const { compare = compareNaturally } = options;
    if (typeof compare !== "function") throw new TypeError("compare must be a function (a, b) => number");
    super(maxsize, new Heap<T>(compare));
  }
}

function compareNaturally(a: unknown, b: unknown): number {
  if (Array.isArray(a) && Array.isArray(b)) {
    for (let i = 0; i < Math.min(a.length, b.length); i++) {
      const order = compareNaturally(a[i], b[i]);
      if (order !== 0) return order;
    }
    return a.length - b.length;
  }
  if (!comparable(a, b)) {
    throw new TypeError(
      `a PriorityQueue can't order ${inspect(a)} and ${inspect(b)}: pass { compare: (a, b) => a.priority - b.priority }`,
    );
  }
  const [x, y] = [a, b] as [number, number]; // or another pair that < can order
  return x < y ? -1 : x > y ? 1 : 0;
}

function comparable(a: unknown, b: unknown): boolean {
  if (a instanceof Date) return b instanceof Date;
  if (typeof a === "string") return typeof b === "string";
  const numeric = (x: unknown): boolean =>
    typeof x === "bigint" || (typeof x === "number" && !Number.isNaN(x));
  return numeric(a) && numeric(b);
}
