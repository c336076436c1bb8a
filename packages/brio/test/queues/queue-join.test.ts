import { CancelledError, createTask, LifoQueue, PriorityQueue, Queue, sleep, taskGroup } from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

describe.each([
  { name: "Queue", make: () => new Queue<number>() },
  { name: "LifoQueue", make: () => new LifoQueue<number>() },
  { name: "PriorityQueue", make: () => new PriorityQueue<number>() },
])("$name.join", ({ make }) => {
  it("returns at once when nothing was put in, as often as it is called", async () => {
    await runVirtual(async () => {
      const queue = make();
      const events: string[] = [];
      createTask(async () => void events.push("other"));
      await queue.join();
      await queue.join();
      events.push("joined");
      await sleep(0);
      expect(events).toEqual(["joined", "other"]);
    });
  });

  it("waits until taskDone was called for each item that was put in", async () => {
    await runVirtual(async () => {
      const queue = make();
      for (let i = 0; i < 100; i++) queue.putNowait(i);
      let sum = 0;
      let open = 100;
      const seen = await taskGroup(async (group) => {
        for (let i = 0; i < 2; i++) {
          group.createTask(async () => {
            for await (const item of queue) {
              await sleep(item % 7);
              sum += item;
              open--;
              queue.taskDone();
            }
          });
        }
        await queue.join();
        const atJoin = { sum, open };
        queue.shutdown();
        return atJoin;
      });
      expect(seen).toEqual({ sum: 4950, open: 0 });
    });
  });

  it("is not content with an empty queue", async () => {
    await runVirtual(async () => {
      const queue = make();
      queue.putNowait(1);
      queue.getNowait();
      const join = createTask(() => queue.join());
      await sleep(10);
      expect(join.done()).toBe(false);
      queue.taskDone();
      await join;
    });
  });

  it("refuses a taskDone too many", () => {
    const queue = make();
    expect(() => queue.taskDone()).toThrow(RangeError);
    queue.putNowait(1);
    queue.taskDone();
    expect(() => queue.taskDone()).toThrow(RangeError);
    expect(queue.statistics().unfinished).toBe(0);
  });

  it("counts an item as unfinished whose getter was cancelled", async () => {
    await runVirtual(async () => {
      const queue = make();
      const getter = createTask(() => queue.get());
      await sleep(0);
      queue.putNowait(1);
      getter.cancel();
      await expect(getter).rejects.toThrow(CancelledError);
      expect(queue.statistics()).toMatchObject({ size: 1, unfinished: 1 });
      queue.taskDone();
      await queue.join();
    });
  });
});

describe("Queue.join", () => {
  it("is over when the count has reached 0, even if items came before the one who joined had its turn", async () => {
    await runVirtual(async () => {
      const queue = new Queue<number>();
      queue.putNowait(1);
      const events: string[] = [];
      const join = createTask(async () => {
        await queue.join();
        events.push(`joined with ${queue.statistics().unfinished} unfinished`);
      });
      await sleep(0);
      queue.taskDone();
      queue.putNowait(2);
      await join;
      expect(events).toEqual(["joined with 1 unfinished"]);
    });
  });

  it("wakes all who joined, in their order", async () => {
    await runVirtual(async () => {
      const queue = new Queue<number>();
      queue.putNowait(1);
      const events: string[] = [];
      for (const name of ["a", "b"]) {
        createTask(async () => {
          await queue.join();
          events.push(name);
        });
      }
      await sleep(0);
      queue.taskDone();
      await sleep(0);
      expect(events).toEqual(["a", "b"]);
    });
  });

  it("leaves the queue to others when it is cancelled", async () => {
    await runVirtual(async () => {
      const queue = new Queue<number>();
      queue.putNowait(1);
      const [first, second] = [createTask(() => queue.join()), createTask(() => queue.join())];
      await sleep(0);
      first.cancel();
      await expect(first).rejects.toThrow(CancelledError);
      queue.taskDone();
      await second;
    });
  });
});
