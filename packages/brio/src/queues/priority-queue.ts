import { inspect } from "node:util";
import { Queue } from "./queue.ts";
import { Heap } from "./store.ts";

/** How a {@link PriorityQueue} orders its items. */
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
    const { compare } = options;
    if (compare !== undefined && typeof compare !== "function") {
      throw new TypeError(
        `compare must be a function, as in new PriorityQueue(0, { compare: (a, b) => a.priority - b.priority }); got ${inspect(compare)}`,
      );
    }
    super(maxsize, new Heap<T>(compare === undefined ? compareNaturally : checked(compare)));
  }
}

/** An order that says nothing, such as `a > b` or the difference of two undefineds, would lose itself in the heap. */
function checked<T>(compare: (a: T, b: T) => number): (a: T, b: T) => number {
  return (a, b) => {
    const order = compare(a, b);
    if (typeof order === "number" && !Number.isNaN(order)) return order;
    throw new TypeError(
      `compare must return a number, as (a, b) => a.priority - b.priority does; got ${inspect(order)} for ${inspect(a)} and ${inspect(b)}`,
    );
  };
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
  if (a instanceof Date && b instanceof Date) return !Number.isNaN(a.getTime() + b.getTime());
  if (typeof a === "string") return typeof b === "string";
  const numeric = (x: unknown): boolean =>
    typeof x === "bigint" || (typeof x === "number" && !Number.isNaN(x));
  return numeric(a) && numeric(b);
}
