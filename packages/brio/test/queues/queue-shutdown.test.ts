import { createTask, LifoQueue, PriorityQueue, Queue, QueueShutDown, RuntimeError, sleep } from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

/** All four operations are refused. */
async function expectClosed(queue: Queue<string>): Promise<void> {
  await expect(queue.put("late")).rejects.toThrow(QueueShutDown);
  expect(() => queue.putNowait("late")).toThrow(QueueShutDown);
  await expect(queue.get()).rejects.toThrow(QueueShutDown);
  expect(() => queue.getNowait()).toThrow(QueueShutDown);
}

describe.each([
  { name: "Queue", make: (maxsize?: number) => new Queue<string>(maxsize) },
  { name: "LifoQueue", make: (maxsize?: number) => new LifoQueue<string>(maxsize) },
  { name: "PriorityQueue", make: (maxsize?: number) => new PriorityQueue<string>(maxsize) },
])("$name.shutdown", ({ make }) => {
  it("sends away who waits for an item, and whoever comes later", async () => {
    await runVirtual(async () => {
      const queue = make();
      const getter = createTask(() => queue.get());
      await sleep(0);
      queue.shutdown();
      await queue.join(); // nothing is unfinished
      await sleep(0);
      expect(getter.done()).toBe(true);
      await expect(getter).rejects.toThrow(QueueShutDown);
      await expectClosed(queue);
      expect(queue.qsize()).toBe(0);
    });
  });

  it("lets what is in the queue be taken out, and then refuses", async () => {
    await runVirtual(async () => {
      const queue = make(2);
      queue.putNowait("a");
      queue.putNowait("b");
      queue.shutdown();
      const got = [await queue.get(), queue.getNowait()];
      expect(got.sort()).toEqual(["a", "b"]);
      await expectClosed(queue);
    });
  });

  it("sends away who waits for room, also when somebody makes room before its turn", async () => {
    await runVirtual(async () => {
      const queue = make(1);
      queue.putNowait("data");
      const putter = createTask(() => queue.put("more"));
      await sleep(0);
      queue.shutdown();
      expect(await queue.get()).toBe("data");
      await expect(putter).rejects.toThrow(QueueShutDown);
      expect(queue.statistics()).toMatchObject({ size: 0, puttersWaiting: 0, unfinished: 1 });
    });
  });

  it("refuses put on a queue that is full, without waiting", async () => {
    await runVirtual(async () => {
      const queue = make(1);
      queue.putNowait("data");
      queue.shutdown();
      await expect(queue.put("late")).rejects.toThrow(QueueShutDown);
      expect(() => queue.putNowait("late")).toThrow(QueueShutDown);
    });
  });

  it("still lets join wait for what is unfinished", async () => {
    await runVirtual(async () => {
      const queue = make();
      queue.putNowait("data");
      const join = createTask(() => queue.join());
      await sleep(0);
      queue.shutdown();
      await queue.get();
      await sleep(10);
      expect(join.done()).toBe(false);
      queue.taskDone();
      await join;
      expect(() => queue.taskDone()).toThrow(RangeError);
    });
  });

  it("drops, when it is immediate, what is in the queue, and sends everybody away", async () => {
    await runVirtual(async () => {
      const queue = make(1);
      queue.putNowait("data");
      const join = createTask(() => queue.join());
      const putter = createTask(() => queue.put("more"));
      await sleep(0);
      queue.shutdown({ immediate: true });
      expect(queue.qsize()).toBe(0);
      await join; // what was dropped counts as dealt with
      await expect(putter).rejects.toThrow(QueueShutDown);
      await expectClosed(queue);
      expect(() => queue.taskDone()).toThrow(RangeError);
    });
  });

  it("still waits, when it is immediate, for what was taken out and is unfinished", async () => {
    await runVirtual(async () => {
      const queue = make();
      queue.putNowait("a");
      queue.putNowait("b");
      const join = createTask(() => queue.join());
      await queue.get();
      queue.shutdown({ immediate: true });
      await sleep(10);
      expect([join.done(), queue.qsize(), queue.statistics().unfinished]).toEqual([false, 0, 1]);
      await expectClosed(queue);
      queue.taskDone();
      await join;
      expect(() => queue.taskDone()).toThrow(RangeError);
    });
  });

  it("may be called again, first with and then without dropping the rest", async () => {
    await runVirtual(async () => {
      const queue = make();
      queue.putNowait("a");
      queue.shutdown();
      queue.shutdown();
      expect(queue.qsize()).toBe(1);
      queue.shutdown({ immediate: true });
      queue.shutdown();
      await expectClosed(queue);
      await queue.join();
    });
  });
});

describe("Queue.shutdown", () => {
  it("takes immediate as a plain argument too, as asyncio does", () => {
    const queue = new Queue<string>();
    queue.putNowait("a");
    queue.shutdown(false);
    const kept = queue.qsize();
    queue.shutdown(true);
    expect([kept, queue.qsize()]).toEqual([1, 0]);
  });

  it("serves those who were woken before it as far as there are items", async () => {
    await runVirtual(async () => {
      const queue = new Queue<string>();
      const [first, second] = [createTask(() => queue.get()), createTask(() => queue.get())];
      await sleep(0);
      queue.putNowait("a");
      queue.shutdown();
      expect(await first).toBe("a");
      await expect(second).rejects.toThrow(QueueShutDown);
    });
  });

  it("sends away, when it is immediate, those who were woken for an item that is dropped", async () => {
    await runVirtual(async () => {
      const queue = new Queue<string>();
      const getter = createTask(() => queue.get());
      await sleep(0);
      queue.putNowait("a");
      queue.shutdown({ immediate: true });
      await expect(getter).rejects.toThrow(QueueShutDown);
    });
  });

  it("names the operation that came too late", async () => {
    await runVirtual(async () => {
      const queue = new Queue<string>();
      queue.shutdown();
      await expect(queue.put("late")).rejects.toThrow("queue.put(): the queue was shut down");
      await expect(queue.get()).rejects.toThrow("queue.get(): the queue was shut down");
      expect(() => queue.putNowait("late")).toThrow("queue.putNowait(): the queue was shut down");
      expect(() => queue.getNowait()).toThrow("queue.getNowait(): the queue was shut down");
    });
  });

  it("is an error of its own, and not a RuntimeError", async () => {
    const error = new QueueShutDown("x");
    expect([error instanceof RuntimeError, error.name]).toEqual([false, "QueueShutDown"]);
  });
});
