import {
  createTask,
  LifoQueue,
  moveOnAfter,
  PriorityQueue,
  Queue,
  QueueShutDown,
  sleep,
  type Task,
  taskGroup,
} from "brio";
import { describe, expect, it } from "vitest";
import { everywhere, Ledger } from "./everywhere.ts";

/** What is left in a queue, taken out. */
function rest<T>(queue: Queue<T>): T[] {
  const items: T[] = [];
  while (!queue.empty()) items.push(queue.getNowait());
  return items;
}

/** Gives up on tasks that wait for others which may have been cancelled. */
function cancelAll(tasks: Iterable<Task<unknown>>): void {
  for (const task of tasks) task.cancel();
}

describe.each([
  ["Queue", Queue<number>],
  ["PriorityQueue", PriorityQueue<number>],
  ["LifoQueue", LifoQueue<number>],
])("%s, cancelled anywhere", (_, Kind) => {
  it("loses and doubles no item between producers and consumers", async () => {
    await everywhere(
      async (trial) => {
        const queue = trial.watch(new Kind(1));
        const ledger = new Ledger<number>();
        trial.check(() => ledger.balance(rest(queue)));
        await taskGroup(async (group) => {
          for (const first of [0, 10]) {
            group.createTask(async () => {
              for (let i = first; i < first + 2; i++) await ledger.putting(i, (item) => queue.put(item));
            });
            group.createTask(async () => {
              for (let i = 0; i < 2; i++) await ledger.getting(() => queue.get());
            });
          }
          await sleep("1ms");
          cancelAll(group.tasks);
        });
      },
      { structured: true },
    );
  });

  it("gives an item that a cancelled get was woken for to the next", async () => {
    await everywhere(async (trial) => {
      const queue = trial.watch(new Kind());
      const ledger = new Ledger<number>();
      trial.check(({ struck }) => {
        const left = rest(queue);
        ledger.balance(left);
        // Three want to get, two items are there: if only one of the three was cancelled, nothing is left.
        if (!struck.includes("main") && !struck.includes("body")) expect(left).toEqual([]);
      });
      await taskGroup(async (group) => {
        for (let i = 0; i < 3; i++) group.createTask(() => ledger.getting(() => queue.get()));
        await sleep("1ms");
        await ledger.putting(1, (item) => queue.put(item));
        await ledger.putting(2, (item) => queue.put(item));
        await sleep("1ms");
        cancelAll(group.tasks);
      });
    });
  });

  it("gives the room that a cancelled put was woken for to the next", async () => {
    await everywhere(async (trial) => {
      const queue = trial.watch(new Kind(1));
      const ledger = new Ledger<number>();
      trial.check(({ struck }) => {
        ledger.balance(rest(queue));
        // One more than can be got wants to put: if only one of them was cancelled, all room was used.
        if (!struck.includes("main") && !struck.includes("body"))
          expect(ledger.count).toEqual({ put: 3, got: 2 });
      });
      await taskGroup(async (group) => {
        await ledger.putting(0, (item) => queue.put(item));
        for (const item of [1, 2, 3]) group.createTask(() => ledger.putting(item, (one) => queue.put(one)));
        await sleep("1ms");
        await ledger.getting(() => queue.get());
        await ledger.getting(() => queue.get());
        await sleep("1ms");
        cancelAll(group.tasks);
      });
    });
  });

  it("takes nothing out in a get whose time is over, and puts nothing in by a put", async () => {
    await everywhere(async (trial) => {
      const queue = trial.watch(new Kind(1));
      const ledger = new Ledger<number>();
      trial.check(() => ledger.balance(rest(queue)));
      await taskGroup((group) => {
        group.createTask(async () => {
          for (const item of [1, 2, 3]) {
            await moveOnAfter("2ms", () => ledger.putting(item, (one) => queue.put(one)));
          }
        });
        group.createTask(async () => {
          await sleep("2ms");
          for (let i = 0; i < 3; i++) await moveOnAfter("2ms", () => ledger.getting(() => queue.get()));
        });
      });
    });
  });

  it("lets join end when everything is dealt with, whoever is cancelled", async () => {
    await everywhere(async (trial) => {
      const queue = trial.watch(new Kind(2));
      const ledger = new Ledger<number>();
      trial.check(() => ledger.balance(rest(queue)));
      await taskGroup(async (group) => {
        const worker = async () => {
          for (;;) {
            await ledger.getting(() => queue.get());
            try {
              await sleep("1ms");
            } finally {
              queue.taskDone();
            }
          }
        };
        // Two, as one may be cancelled.
        const workers = [group.createTask(worker), group.createTask(worker)];
        for (const item of [1, 2, 3]) await ledger.putting(item, (one) => queue.put(one));
        await queue.join();
        expect(queue.statistics().unfinished).toBe(0);
        cancelAll(workers);
      });
    });
  });

  it("ends for everybody when it is shut down", async () => {
    await everywhere(async (trial) => {
      const queue = trial.watch(new Kind(1));
      const ledger = new Ledger<number>();
      trial.check(() => ledger.balance(rest(queue)));
      await taskGroup(async (group) => {
        for (let i = 0; i < 2; i++) {
          group.createTask(async () => {
            for (;;) {
              try {
                await ledger.getting(() => queue.get());
              } catch (error) {
                if (error instanceof QueueShutDown) return;
                throw error;
              }
            }
          });
          group.createTask(async () => {
            try {
              for (let item = i; ; item += 2) {
                await ledger.putting(item, (one) => queue.put(one));
                await sleep("1ms");
              }
            } catch (error) {
              if (!(error instanceof QueueShutDown)) throw error;
            }
          });
        }
        try {
          await sleep("2ms");
        } finally {
          queue.shutdown();
        }
      });
    });
  });

  it("drops what it holds at once when it is shut down immediately, and counts it as done", async () => {
    await everywhere(async (trial) => {
      const queue = trial.watch(new Kind(2));
      const joined: string[] = [];
      trial.check(({ struck }) => {
        expect(queue.qsize()).toBe(0);
        expect(queue.statistics().unfinished).toBe(0);
        if (struck.length === 0) expect(joined).toEqual(["joined"]);
      });
      try {
        await taskGroup(async (group) => {
          group.createTask(async () => {
            try {
              for (;;) await queue.put(1);
            } catch (error) {
              if (!(error instanceof QueueShutDown)) throw error;
            }
          });
          await sleep("1ms");
          group.createTask(async () => {
            await queue.join();
            joined.push("joined");
          });
          await sleep("1ms");
          queue.shutdown({ immediate: true });
        });
      } finally {
        queue.shutdown({ immediate: true });
      }
    });
  });
});

describe("PriorityQueue, given what it can't order, and cancelled anywhere", () => {
  it("gives the room that a refused item does not need to the next", async () => {
    await everywhere(async (trial) => {
      const queue = trial.watch(new PriorityQueue<number | string>(2));
      const ledger = new Ledger<number | string>();
      trial.check(({ struck }) => {
        ledger.balance(rest(queue));
        const calm = struck.length === 0 || struck.includes("refused");
        if (calm) expect(ledger.count).toEqual({ put: 3, got: 1 });
      });
      const put = async (item: number | string) => {
        try {
          await ledger.putting(item, (one) => queue.put(one));
        } catch (error) {
          if (!(error instanceof TypeError)) throw error;
        }
      };
      await taskGroup(async (group) => {
        await put(1);
        await put(2);
        group.createTask(() => put("neither"), { name: "refused" });
        group.createTask(() => put(3));
        await sleep("1ms");
        await ledger.getting(() => queue.get());
        await sleep("1ms");
        cancelAll(group.tasks);
      });
    });
  });
});

describe("Queue, read with for await and cancelled anywhere", () => {
  it("has lost no item that was put before it was shut down", async () => {
    await everywhere(async (trial) => {
      const queue = trial.watch(new Queue<number>());
      const put: number[] = [];
      const got: number[] = [];
      trial.check(() => expect([...got, ...rest(queue)]).toEqual(put));
      const reader = createTask(async () => {
        for await (const item of queue) {
          got.push(item);
          await sleep("1ms");
        }
      });
      try {
        for (let i = 0; i < 3; i++) {
          await queue.put(i);
          put.push(i);
          await sleep("1ms");
        }
      } finally {
        queue.shutdown();
      }
      await reader;
    });
  });
});
