import { createTask, gather, LifoQueue, PriorityQueue, sleep } from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

/** Everything that is in the queue, as it comes out. */
function drain<T>(queue: PriorityQueue<T> | LifoQueue<T>): T[] {
  const items: T[] = [];
  while (!queue.empty()) items.push(queue.getNowait());
  return items;
}

function filled<T>(items: Iterable<T>, compare?: (a: T, b: T) => number): PriorityQueue<T> {
  const queue = compare === undefined ? new PriorityQueue<T>() : new PriorityQueue<T>(0, { compare });
  for (const item of items) queue.putNowait(item);
  return queue;
}

describe("LifoQueue", () => {
  it("gives out the newest item first", async () => {
    await runVirtual(async () => {
      const queue = new LifoQueue<number>();
      for (const item of [1, 3, 2]) await queue.put(item);
      expect([await queue.get(), await queue.get(), await queue.get()]).toEqual([2, 3, 1]);
    });
  });

  it("gives the newest at the moment of the get, whatever came and went before", () => {
    const queue = new LifoQueue<number>();
    queue.putNowait(1);
    queue.putNowait(2);
    const got = [queue.getNowait()];
    queue.putNowait(3);
    expect([...got, ...drain(queue)]).toEqual([2, 3, 1]);
  });
});

describe("PriorityQueue", () => {
  it("gives out the smallest item first", async () => {
    await runVirtual(async () => {
      const queue = new PriorityQueue<number>();
      for (const item of [1, 3, 2]) await queue.put(item);
      expect([await queue.get(), await queue.get(), await queue.get()]).toEqual([1, 2, 3]);
    });
  });

  it("sorts any number of items, coming and going", () => {
    const queue = new PriorityQueue<number>();
    const model: number[] = [];
    const mistakes: string[] = [];
    let seed = 1;
    for (let i = 0; i < 20_000; i++) {
      seed = (seed * 16807) % 2147483647;
      if (model.length === 0 || seed % 100 < 53) {
        const item = seed % 1000;
        queue.putNowait(item);
        let at = model.length;
        while (at > 0 && (model[at - 1] as number) < item) at--; // the model is sorted, smallest last
        model.splice(at, 0, item);
      } else {
        const [got, expected] = [queue.getNowait(), model.pop()];
        if (got !== expected) mistakes.push(`${got} instead of ${expected}`);
      }
    }
    expect(mistakes).toEqual([]);
    expect(drain(queue)).toEqual(model.reverse());
  });

  it("orders negative numbers, fractions, infinities and bigints among each other", () => {
    const items = [3n, -1, 2.5, Number.POSITIVE_INFINITY, 0, -7n, Number.NEGATIVE_INFINITY];
    expect(drain(filled<number | bigint>(items))).toEqual([
      Number.NEGATIVE_INFINITY,
      -7n,
      -1,
      0,
      2.5,
      3n,
      Number.POSITIVE_INFINITY,
    ]);
  });

  it("orders strings by their code units, and dates by their time", () => {
    expect(drain(filled(["b", "a", "B", "ab", ""]))).toEqual(["", "B", "a", "ab", "b"]);
    const [early, late] = [new Date(1), new Date(2)];
    expect(drain(filled([late, early]))).toEqual([early, late]);
  });

  it("orders arrays item by item, and a shorter one before one that goes on", () => {
    const items: (number | string)[][] = [[2, "a"], [1, "b"], [1], [1, "a", 3], [1, "a"]];
    expect(drain(filled(items))).toEqual([[1], [1, "a"], [1, "a", 3], [1, "b"], [2, "a"]]);
  });

  it("orders by the function that it is given", () => {
    const jobs = [
      { name: "sweep", priority: 3 },
      { name: "alarm", priority: 1 },
      { name: "mail", priority: 2 },
    ];
    expect(drain(filled(jobs, (a, b) => a.priority - b.priority)).map((job) => job.name)).toEqual([
      "alarm",
      "mail",
      "sweep",
    ]);
    expect(drain(filled([1, 3, 2], (a, b) => b - a))).toEqual([3, 2, 1]);
  });

  it("refuses an item that it can't order, and is as it was before", async () => {
    await runVirtual(async () => {
      const queue = filled<unknown>([2, 1]);
      for (const item of ["text", {}, null, undefined, Number.NaN, [1], new Date(Number.NaN), true]) {
        expect(() => queue.putNowait(item)).toThrow(TypeError);
        await expect(queue.put(item)).rejects.toThrow(TypeError);
      }
      expect(queue.statistics()).toMatchObject({ size: 2, unfinished: 2 });
      expect(drain(queue)).toEqual([1, 2]);
    });
  });

  it("refuses a date that is none", () => {
    expect(() => filled([new Date(0), new Date(Number.NaN)])).toThrow(TypeError);
  });

  it("loses no item when it finds out only at a get that it can't order two", async () => {
    await runVirtual(async () => {
      // Each was compared with [0, 0] alone, in its first place.
      const queue = filled<(number | string)[]>([
        [0, 0],
        [1, "a"],
        [1, 5],
      ]);
      expect(() => queue.getNowait()).toThrow(TypeError);
      await expect(queue.get()).rejects.toThrow(TypeError);
      expect(queue.statistics()).toMatchObject({ size: 3, unfinished: 3 });
      queue.shutdown({ immediate: true });
      expect(queue.statistics()).toMatchObject({ size: 0, unfinished: 0 });
    });
  });

  it("refuses an order that is no number, and names the mistake", () => {
    // What JavaScript lets through: a boolean instead of a number.
    const descending = ((a: number, b: number) => a < b) as unknown as (a: number, b: number) => number;
    expect(() => filled([1, 2], descending)).toThrow(/compare must return a number.*got true for 1 and 2/);
    const missing = (a: { at?: number }, b: { at?: number }) => Number(a.at) - Number(b.at);
    expect(() => filled([{}, {}], missing)).toThrow(/compare must return a number.*got NaN/);
  });

  it("serves the next putter when the one it woke has an item that can't be ordered", async () => {
    await runVirtual(async () => {
      const queue = new PriorityQueue<unknown>(2);
      queue.putNowait(1);
      queue.putNowait(2);
      const events: string[] = [];
      const put = (item: unknown) =>
        createTask(async () => {
          try {
            await queue.put(item);
            events.push(`put ${item}`);
          } catch (error) {
            events.push(`${(error as Error).name} for ${item}`);
          }
        });
      const tasks = [put("text"), put(3)];
      await sleep(0);
      expect(await queue.get()).toBe(1);
      await gather(...tasks);
      expect(events).toEqual(["TypeError for text", "put 3"]);
      expect(drain(queue)).toEqual([2, 3]);
    });
  });

  it("tells each getter of items that can't be ordered, instead of letting one wait for ever", async () => {
    await runVirtual(async () => {
      const queue = new PriorityQueue<(number | string)[]>();
      const getters = [createTask(() => queue.get()), createTask(() => queue.get())];
      await sleep(0);
      for (const item of [
        [0, 0],
        [1, "a"],
        [1, 5],
      ]) {
        queue.putNowait(item);
      }
      for (const getter of getters) await expect(getter).rejects.toThrow(TypeError);
      expect(queue.qsize()).toBe(3);
    });
  });

  it("gives a getter that waited the smallest of what was put in before its turn", async () => {
    await runVirtual(async () => {
      const queue = new PriorityQueue<number>();
      const getter = createTask(() => queue.get());
      await sleep(0);
      queue.putNowait(5);
      queue.putNowait(1);
      expect(await getter).toBe(1);
    });
  });
});
