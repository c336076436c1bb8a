import { createTask, LifoQueue, PriorityQueue, Queue, QueueEmpty, QueueFull, sleep } from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

describe("Queue", () => {
  it("is empty until something is put in, and again when it was taken out", async () => {
    await runVirtual(async () => {
      const queue = new Queue<number>();
      const states = [[queue.empty(), queue.qsize()]];
      await queue.put(1);
      states.push([queue.empty(), queue.qsize()]);
      expect(await queue.get()).toBe(1);
      states.push([queue.empty(), queue.qsize()]);
      expect(states).toEqual([
        [true, 0],
        [false, 1],
        [true, 0],
      ]);
    });
  });

  it("is full when it holds maxsize items, and never without a maxsize", () => {
    const bounded = new Queue<number>(2);
    const unbounded = new Queue<number>();
    const seen: boolean[][] = [];
    for (let i = 0; i < 3; i++) {
      seen.push([bounded.full(), unbounded.full()]);
      if (!bounded.full()) bounded.putNowait(i);
      unbounded.putNowait(i);
    }
    expect(seen).toEqual([
      [false, false],
      [false, false],
      [true, false],
    ]);
  });

  it("takes a maxsize of 0 or less for no bound", () => {
    for (const queue of [new Queue<number>(0), new Queue<number>(-1)]) {
      for (let i = 0; i < 100; i++) queue.putNowait(i);
      expect([queue.maxsize, queue.full(), queue.qsize()]).toEqual([0, false, 100]);
    }
  });

  it.each([1.3, Number.NaN, Number.POSITIVE_INFINITY])("refuses a maxsize of %d", (maxsize) => {
    expect(() => new Queue(maxsize)).toThrow(RangeError);
    expect(() => new LifoQueue(maxsize)).toThrow(RangeError);
    expect(() => new PriorityQueue(maxsize)).toThrow(RangeError);
  });

  it("gives out items in the order in which they were put in", async () => {
    await runVirtual(async () => {
      const queue = new Queue<number>();
      for (const item of [1, 3, 2]) await queue.put(item);
      expect([await queue.get(), await queue.get(), await queue.get()]).toEqual([1, 3, 2]);
    });
  });

  it("keeps the order through growing, wrapping around and shrinking", () => {
    const queue = new Queue<number>();
    let put = 0;
    let got = 0;
    const mistakes: number[] = [];
    const take = (n: number) => {
      for (let i = 0; i < n; i++) if (queue.getNowait() !== got++) mistakes.push(got - 1);
    };
    const add = (n: number) => {
      for (let i = 0; i < n; i++) queue.putNowait(put++);
    };
    for (const [more, less] of [
      [5, 3],
      [10, 11],
      [5000, 4990],
      [7, 15],
      [3, 3],
      [20_000, 20_003],
    ] as const) {
      add(more);
      take(less);
    }
    expect(mistakes).toEqual([]);
    expect([queue.qsize(), got]).toEqual([put - got, 25_025]);
  });

  it("holds any value, undefined and null among them", () => {
    const queue = new Queue<unknown>();
    const values = [undefined, null, 0, "", Number.NaN];
    for (const value of values) queue.putNowait(value);
    expect(values.map(() => queue.getNowait())).toEqual(values);
    expect(queue.empty()).toBe(true);
  });

  it("lets a producer run ahead of its consumer by maxsize items", async () => {
    await runVirtual(async () => {
      const queue = new Queue<number>(2);
      const events: string[] = [];
      const producer = createTask(async () => {
        for (let i = 0; i < 4; i++) {
          await queue.put(i);
          events.push(`put ${i}`);
        }
      });
      await sleep(0);
      events.push(`got ${await queue.get()}`);
      await sleep(0);
      events.push(`got ${await queue.get()}`);
      await producer;
      expect(events).toEqual(["put 0", "put 1", "got 0", "put 2", "got 1", "put 3"]);
      expect(queue.maxsize).toBe(2);
    });
  });

  it("says in a string what it is, how much it holds of what it may, and that it was shut down", () => {
    const queue = new Queue<number>(3);
    queue.putNowait(1);
    const shown = [String(queue), String(new LifoQueue()), String(new PriorityQueue(5))];
    queue.shutdown();
    shown.push(String(queue));
    expect(shown).toEqual([
      "<Queue 1 of 3>",
      "<LifoQueue 0>",
      "<PriorityQueue 0 of 5>",
      "<Queue 1 of 3 shut down>",
    ]);
  });

  it("tells in its statistics what it holds, what is unfinished, and who waits", async () => {
    await runVirtual(async () => {
      const queue = new Queue<number>(1);
      const seen = [queue.statistics()];
      const getters = [createTask(() => queue.get()), createTask(() => queue.get())];
      await sleep(0);
      seen.push(queue.statistics());
      const putters = [1, 2, 3, 4, 5].map((item) => createTask(() => queue.put(item)));
      await sleep(10);
      seen.push(queue.statistics());
      queue.shutdown();
      seen.push(queue.statistics());
      const idle = {
        size: 0,
        maxsize: 1,
        unfinished: 0,
        gettersWaiting: 0,
        puttersWaiting: 0,
        shutDown: false,
      };
      expect(seen).toEqual([
        idle,
        { ...idle, gettersWaiting: 2 },
        { ...idle, size: 1, unfinished: 3, puttersWaiting: 2 },
        { ...idle, size: 1, unfinished: 3, puttersWaiting: 2, shutDown: true },
      ]);
      for (const task of [...getters, ...putters]) await task.catch(() => {});
    });
  });
});

describe("Queue, without waiting", () => {
  it("gives out by getNowait what was put in by putNowait, outside a loop too", () => {
    const queue = new Queue<number>();
    queue.putNowait(1);
    expect(queue.getNowait()).toBe(1);
  });

  it("throws QueueEmpty from getNowait when there is nothing", () => {
    expect(() => new Queue().getNowait()).toThrow(QueueEmpty);
  });

  it("throws QueueFull from putNowait when there is no room, and has not put the item in", () => {
    const queue = new Queue<number>(1);
    queue.putNowait(1);
    expect(() => queue.putNowait(2)).toThrow(QueueFull);
    expect(queue.statistics()).toMatchObject({ size: 1, unfinished: 1 });
    expect(queue.getNowait()).toBe(1);
    expect(queue.empty()).toBe(true);
  });
});
