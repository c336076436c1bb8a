import { readFile } from "node:fs/promises";
import {
  CancelledError,
  createTask,
  Event,
  gather,
  getRunningLoop,
  interruptible,
  Lock,
  Queue,
  run,
  sleep,
  taskGroup,
} from "brio";
import { runVirtual, waitAllTasksBlocked } from "brio/testing";
import { describe, expect, it } from "vitest";

describe("waitAllTasksBlocked", () => {
  it("resolves when the others have come as far as they can, however many turns that takes", async () => {
    await runVirtual(async () => {
      const events: string[] = [];
      const gate = new Event();
      createTask(async () => {
        for (let i = 0; i < 5; i++) await sleep(0);
        events.push("at the gate");
        await gate.wait();
        events.push("through the gate");
      });
      await waitAllTasksBlocked();
      events.push("all blocked");
      gate.set();
      await waitAllTasksBlocked();
      events.push("all blocked again");
      expect(events).toEqual(["at the gate", "all blocked", "through the gate", "all blocked again"]);
    });
  });

  it("lets no virtual time pass", async () => {
    await runVirtual(async () => {
      const nap = createTask(() => sleep("1s"));
      await waitAllTasksBlocked();
      expect(getRunningLoop().time()).toBe(0);
      expect(nap.done()).toBe(false);
      await nap;
      await waitAllTasksBlocked();
      expect(getRunningLoop().time()).toBe(1000);
    });
  });

  it("follows a wake-up through a chain of tasks", async () => {
    await runVirtual(async () => {
      const queues = [new Queue<number>(), new Queue<number>(), new Queue<number>()] as const;
      for (const [at, queue] of queues.entries()) {
        const next = queues[at + 1];
        if (next !== undefined) createTask(async () => next.put((await queue.get()) + 1));
      }
      await waitAllTasksBlocked();
      await queues[0].put(1);
      await waitAllTasksBlocked();
      expect(queues[2].getNowait()).toBe(3);
    });
  });

  it("works in real time, before a timer that is due later", async () => {
    await run(async () => {
      const lock = new Lock();
      await lock.acquire();
      const waiter = createTask(() => lock.acquire());
      const nap = createTask(() => sleep("1h"));
      await waitAllTasksBlocked();
      expect(lock.statistics().waiting).toBe(1);
      expect(nap.done()).toBe(false);
      lock.release();
      await waiter;
    });
  });

  it("resolves at once when no other task is there", async () => {
    await runVirtual(async () => {
      await waitAllTasksBlocked();
      await waitAllTasksBlocked();
      expect(getRunningLoop().time()).toBe(0);
    });
  });

  it("sends on all who wait for it together, in the order in which they came", async () => {
    await runVirtual(async () => {
      const events: string[] = [];
      const observer = (name: string) => async () => {
        await waitAllTasksBlocked();
        events.push(name);
      };
      await gather(observer("a"), observer("b"), observer("c"));
      expect(events).toEqual(["a", "b", "c"]);
    });
  });

  it("takes a task that waits for I/O for blocked", async () => {
    await run(async () => {
      const events: string[] = [];
      const reading = createTask(async () => {
        await interruptible(readFile(import.meta.filename));
        events.push("read");
      });
      await waitAllTasksBlocked();
      events.push("all blocked");
      await reading;
      expect(events).toEqual(["all blocked", "read"]);
    });
  });

  it("works for a task that comes from a promise which is not brio's, while the loop rests", async () => {
    await runVirtual(async () => {
      await readFile(import.meta.filename);
      await waitAllTasksBlocked();
      await readFile(import.meta.filename);
      const events: string[] = [];
      createTask(async () => void events.push("ran"));
      await waitAllTasksBlocked();
      expect(events).toEqual(["ran"]);
    });
  });

  it("can be cancelled, and listens no more", async () => {
    await runVirtual(async () => {
      const events: string[] = [];
      const loop = getRunningLoop();
      const listeners = loop.idleListeners.size;
      const spinning = createTask(async () => {
        for (;;) await sleep(0);
      });
      const waiting = createTask(async () => {
        try {
          await waitAllTasksBlocked();
        } catch (error) {
          events.push(error instanceof CancelledError ? "cancelled" : String(error));
          throw error;
        }
      });
      await sleep(0);
      expect(loop.idleListeners.size).toBe(listeners + 1);
      waiting.cancel();
      await sleep(0);
      await sleep(0);
      expect(events).toEqual(["cancelled"]);
      expect(loop.idleListeners.size).toBe(listeners);
      spinning.cancel();
    });
  });

  it("makes a deadlock visible to the test instead of ending the run", async () => {
    await runVirtual(async () => {
      const a = new Lock();
      const b = new Lock();
      const both = (first: Lock, second: Lock) => () =>
        first.with(async () => {
          await sleep("1ms");
          await second.acquire();
        });
      await taskGroup(async (group) => {
        const tasks = [group.createTask(both(a, b)), group.createTask(both(b, a))];
        await sleep("1ms");
        await waitAllTasksBlocked();
        expect([a.statistics().waiting, b.statistics().waiting]).toEqual([1, 1]);
        for (const task of tasks) task.cancel();
      });
    });
  });

  it("needs a task", async () => {
    await expect(waitAllTasksBlocked()).rejects.toThrow(/waitAllTasksBlocked\(\) needs a running event loop/);
  });
});
