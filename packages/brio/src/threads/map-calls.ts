import { inspect } from "node:util";
import { uncancellable } from "../cancel/uncancellable.ts";
import { wait } from "../compose/wait.ts";
import { Queue } from "../queues/queue.ts";
import { Semaphore } from "../sync/semaphore.ts";
import { isIterable, requireFrame } from "../tasks/awaitable.ts";
import { spawn } from "../tasks/create-task.ts";
import { Watcher } from "../tasks/listeners.ts";
import type { Task } from "../tasks/task.ts";
import type { MapOptions } from "./executor.ts";

/*
 * A feeder takes items and makes calls, as long as there is room; the reader takes what comes of them from a line:
 *
 *   items ── feeder ── submit ──> calls ──> line ── reader
 *               ^                                     │
 *               └───────────── room <─────────────────┘
 *
 * The line has each call as soon as it is made (ordered), or when it is done (as they come); then the reader waits for it,
 * or need not. The end of the items, and an error in taking them, come last in line: before them, every call has its turn.
 */

/**
 * For executors: `map` made of `submit`. Items are taken as results are, at most `lookAhead` ahead of the reader; leaving
 * the loop cancels the calls that are under way, and waits for them.
 *
 * *Cancel safety*: cancelled, it cancels the calls that are under way, and waits for them to end.
 *
 * @param submit makes a call
 * @param lookAhead how many calls there may be, if the options don't say
 *
 * @example
 * ```ts
 * import { createTask, run, sleep } from "brio";
 * import { mapCalls } from "brio/threads";
 *
 * await run(async () => {
 *   const double = (n: number) => createTask(() => sleep(5, n * 2));
 *   for await (const doubled of mapCalls(double, [1, 2], {}, 4)) console.log(doubled); // 2, then 4
 * });
 * ```
 */
export async function* mapCalls<T, R>(
  submit: (item: T) => Task<R>,
  items: Iterable<T> | AsyncIterable<T>,
  options: MapOptions,
  lookAhead: number,
): AsyncGenerator<R, void, undefined> {
  const { ordered = true } = options;
  const calls = new Set<Task<R>>();
  const room = new Semaphore(lookAhead);
  // Wrapped: a promise of a task would be one of its result.
  const line = new Queue<{ readonly call: Task<R> } | null>();
  const feed = async (): Promise<void> => {
    const iterator = iteratorOf(items);
    try {
      for (;;) {
        await room.acquire();
        const next = await iterator.next();
        if (next.done === true) return;
        const call = submit(next.value);
        calls.add(call);
        if (ordered) line.putNowait({ call });
        else call.observe(new Watcher(() => line.putNowait({ call }), null));
      }
    } finally {
      await iterator.return?.();
    }
  };
  const feeder = spawn<void>(
    requireFrame("executor.map()").loop,
    feed,
    { name: "items of map()" },
    "executor.map()",
  );
  feeder.observe(new Watcher(() => line.putNowait(null), null));
  let fed = false;
  try {
    while (!fed || calls.size > 0) {
      const next = await line.get();
      if (next === null) {
        fed = true;
        continue;
      }
      const result = await next.call;
      calls.delete(next.call);
      room.release();
      yield result;
    }
    await feeder;
  } finally {
    const left = [feeder, ...calls].filter((task) => !task.done());
    for (const task of left) task.cancel("the loop over map() was left");
    if (left.length > 0) await uncancellable(() => wait(left), { grace: null });
    // Nobody asks for these any more.
    for (const task of [feeder, ...calls]) task.markRetrieved();
  }
}

function iteratorOf<T>(items: Iterable<T> | AsyncIterable<T>): AsyncIterator<T> | Iterator<T> {
  if (isAsyncIterable(items)) return items[Symbol.asyncIterator]();
  return items[Symbol.iterator]();
}

function isAsyncIterable<T>(items: Iterable<T> | AsyncIterable<T>): items is AsyncIterable<T> {
  return typeof (items as Partial<AsyncIterable<T>>)[Symbol.asyncIterator] === "function";
}

/** Checks what `map` is given. @throws TypeError or RangeError */
export function checkMap(items: unknown, { lookAhead }: MapOptions): void {
  const iterable =
    isIterable(items) ||
    typeof (items as Partial<AsyncIterable<unknown>> | null | undefined)?.[Symbol.asyncIterator] ===
      "function";
  if (!iterable) {
    throw new TypeError(
      `executor.map() takes a function and its items, something that can be iterated: executor.map(work, [1, 2, 3]); got ${inspect(items)}`,
    );
  }
  if (lookAhead !== undefined && (!Number.isInteger(lookAhead) || lookAhead < 1))
    throw new RangeError(`lookAhead must be a whole number of calls >= 1; got ${inspect(lookAhead)}`);
}
