import { createTask, Lock, sleep, taskGroup, waitFor } from "brio";
import { waitAllTasksBlocked } from "brio/testing";
import { describe, expect, it } from "vitest";
import { everywhere, Room } from "./everywhere.ts";

describe("Lock, cancelled anywhere", () => {
  it("is held by one task at a time, and free in the end", async () => {
    await everywhere(
      async (trial) => {
        const lock = trial.watch(new Lock());
        const room = new Room(1);
        const use = () => lock.with(() => room.enter(() => sleep("1ms")));
        await taskGroup(async (group) => {
          for (let i = 0; i < 3; i++) group.createTask(use);
          await use();
        });
      },
      { structured: true },
    );
  });

  it("is held from acquire to the end of an await using block", async () => {
    await everywhere(async (trial) => {
      const lock = trial.watch(new Lock());
      const room = new Room(1);
      const use = async () => {
        await using _ = await lock.acquire();
        await room.enter(() => sleep("1ms"));
      };
      await taskGroup(async (group) => {
        group.createTask(use);
        group.createTask(use);
        await use();
        await use();
      });
    });
  });

  it("wakes the next in line when the one it was meant for is cancelled", async () => {
    await everywhere(async (trial) => {
      const lock = trial.watch(new Lock());
      const lined: string[] = [];
      const served: string[] = [];
      trial.check(({ struck }) => {
        if (struck.includes("main") || struck.includes("body")) return;
        // Nobody else goes away empty-handed, and nobody is served before his time.
        expect(served).toEqual(lined.filter((name) => served.includes(name) || !struck.includes(name)));
      });
      await taskGroup(async (group) => {
        await using _ = await lock.acquire();
        for (const name of ["a", "b", "c"]) {
          group.createTask(
            () => {
              lined.push(name);
              return lock.with(() => void served.push(name));
            },
            { name },
          );
        }
        await sleep("1ms");
      });
    });
  });

  it("gives newcomers no way round those who wait, nor a double grant", async () => {
    await everywhere(async (trial) => {
      const lock = trial.watch(new Lock());
      const room = new Room(1);
      await taskGroup(async (group) => {
        for (let i = 0; i < 2; i++) {
          group.createTask(async () => {
            for (let j = 0; j < 3; j++) await lock.with(() => room.enter(() => sleep(0)));
          });
        }
        await lock.acquire();
        await room.enter(async () => {});
        lock.release();
      });
    });
  });

  it("is not held by an acquire whose time was over", async () => {
    await everywhere(async (trial) => {
      const lock = trial.watch(new Lock());
      const room = new Room(1);
      await taskGroup(async (group) => {
        for (let i = 0; i < 3; i++) {
          group.createTask(async () => {
            try {
              await waitFor(() => lock.acquire(), "2ms");
            } catch (error) {
              if ((error as Error).name === "TimeoutError") return;
              throw error;
            }
            try {
              await room.enter(() => sleep("2ms"));
            } finally {
              lock.release();
            }
          });
        }
      });
    });
  });

  it("passes through a holder that ends by cancellation to a waiter outside of its group", async () => {
    await everywhere(async (trial) => {
      const lock = trial.watch(new Lock());
      const holder = createTask(() => lock.with(() => sleep("1h")), { name: "holder" });
      await waitAllTasksBlocked();
      const waiter = createTask(() => lock.with(() => sleep("1ms")), { name: "waiter" });
      await waitAllTasksBlocked();
      holder.cancel();
      await waiter;
    });
  });
});
