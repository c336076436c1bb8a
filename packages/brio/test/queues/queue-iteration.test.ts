import { CancelledError, createTask, gather, Queue, sleep, taskGroup } from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

describe("for await over a Queue", () => {
  it("gets items as they come, and ends when the queue is shut down and empty", async () => {
    await runVirtual(async () => {
      const queue = new Queue<number>(2);
      const events: string[] = [];
      await taskGroup((group) => {
        group.createTask(async () => {
          for await (const item of queue) events.push(`got ${item}`);
          events.push("end");
        });
        group.createTask(async () => {
          for (let i = 0; i < 4; i++) {
            await queue.put(i);
            await sleep(10);
          }
          queue.putNowait(4);
          queue.shutdown();
          events.push("shut down");
        });
      });
      expect(events).toEqual(["got 0", "got 1", "got 2", "got 3", "shut down", "got 4", "end"]);
    });
  });

  it("ends at once on a queue that was shut down and is empty", async () => {
    await runVirtual(async () => {
      const queue = new Queue<number>();
      queue.shutdown();
      const got: number[] = [];
      for await (const item of queue) got.push(item);
      expect(got).toEqual([]);
    });
  });

  it("drops the rest when the queue is shut down immediately", async () => {
    await runVirtual(async () => {
      const queue = new Queue<number>();
      for (let i = 0; i < 3; i++) queue.putNowait(i);
      const got: number[] = [];
      for await (const item of queue) {
        got.push(item);
        queue.shutdown({ immediate: true });
      }
      expect(got).toEqual([0]);
    });
  });

  it("shares the items out among several loops, each item to one", async () => {
    await runVirtual(async () => {
      const queue = new Queue<number>();
      const got: Record<string, number[]> = { a: [], b: [] };
      const worker = (name: string) => async () => {
        for await (const item of queue) {
          got[name]?.push(item);
          await sleep(10);
        }
      };
      const workers = gather(worker("a"), worker("b"));
      for (let i = 0; i < 6; i++) queue.putNowait(i);
      queue.shutdown();
      await workers;
      expect(got).toEqual({ a: [0, 2, 4], b: [1, 3, 5] });
    });
  });

  it("takes nothing further out when the loop is left", async () => {
    await runVirtual(async () => {
      const queue = new Queue<number>();
      for (let i = 0; i < 3; i++) queue.putNowait(i);
      for await (const item of queue) if (item === 1) break;
      expect(queue.qsize()).toBe(1);
      expect(await queue.get()).toBe(2);
    });
  });

  it("throws CancelledError into the loop when its task is cancelled, and takes no item", async () => {
    await runVirtual(async () => {
      const queue = new Queue<number>();
      const events: string[] = [];
      const task = createTask(async () => {
        try {
          for await (const item of queue) events.push(`got ${item}`);
          events.push("end");
        } catch (error) {
          events.push((error as Error).name);
          throw error;
        }
      });
      await sleep(0);
      queue.putNowait(1);
      task.cancel();
      await expect(task).rejects.toThrow(CancelledError);
      expect(events).toEqual(["CancelledError"]);
      expect(queue.qsize()).toBe(1);
    });
  });

  it("passes an error on that is not about the end of the queue", async () => {
    await runVirtual(async () => {
      const failure = new Error("broken store");
      class Broken extends Queue<number> {
        override get(): Promise<number> {
          return Promise.reject(failure);
        }
      }
      const drain = async () => {
        for await (const _ of new Broken()) expect.unreachable();
      };
      await expect(drain()).rejects.toBe(failure);
    });
  });
});
