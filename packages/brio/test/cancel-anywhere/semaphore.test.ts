import { BoundedSemaphore, Semaphore, sleep, taskGroup, timeout } from "brio";
import { describe, expect, it } from "vitest";
import { everywhere, Room } from "./everywhere.ts";

describe.each([
  ["Semaphore", Semaphore],
  ["BoundedSemaphore", BoundedSemaphore],
])("%s, cancelled anywhere", (_, Kind) => {
  it("has all of its permits in the end, and never gave out more", async () => {
    await everywhere(
      async (trial) => {
        const slots = trial.watch(new Kind(2));
        const room = new Room(2);
        const use = () => slots.with(() => room.enter(() => sleep("1ms")));
        await taskGroup(async (group) => {
          for (let i = 0; i < 4; i++) group.createTask(use);
          await use();
        });
      },
      { structured: true },
    );
  });

  it("hands a permit on when the one it was handed to is cancelled", async () => {
    await everywhere(async (trial) => {
      const slots = trial.watch(new Kind(1));
      let served = 0;
      trial.check(({ struck }) => {
        if (!struck.includes("main") && !struck.includes("body"))
          expect(served).toBeGreaterThanOrEqual(3 - struck.length);
      });
      await taskGroup(async (group) => {
        await using _ = await slots.acquire();
        for (let i = 0; i < 3; i++) group.createTask(() => slots.with(() => void served++));
        await sleep("1ms");
      });
    });
  });

  it("keeps its permits when releases come in bunches while waiters are cancelled", async () => {
    await everywhere(async (trial) => {
      const slots = trial.watch(new Kind(2));
      const room = new Room(2);
      await taskGroup(async (group) => {
        await slots.acquire();
        try {
          await slots.acquire();
        } catch (error) {
          slots.release();
          throw error;
        }
        for (let i = 0; i < 3; i++) group.createTask(() => slots.with(() => room.enter(() => sleep(0))));
        try {
          await sleep("1ms");
        } finally {
          slots.release();
          slots.release();
        }
      });
    });
  });

  it("loses no permit to acquires whose time is over", async () => {
    await everywhere(async (trial) => {
      const slots = trial.watch(new Kind(1));
      const impatient = async () => {
        let held = false;
        try {
          await timeout("2ms", async () => {
            await slots.acquire();
            held = true;
            await sleep("1ms");
          });
        } catch (error) {
          if ((error as Error).name !== "TimeoutError") throw error;
        } finally {
          if (held) slots.release();
        }
      };
      await taskGroup((group) => {
        for (let i = 0; i < 4; i++) group.createTask(impatient);
      });
    });
  });
});
