import {
  Barrier,
  BrokenBarrierError,
  Condition,
  Event,
  Lock,
  moveOnAfter,
  sleep,
  taskGroup,
  uncancellable,
} from "brio";
import { waitAllTasksBlocked } from "brio/testing";
import { describe, expect, it } from "vitest";
import { everywhere, Room } from "./everywhere.ts";

describe("Event, cancelled anywhere", () => {
  it("wakes everybody who was not cancelled, and forgets the others", async () => {
    await everywhere(
      async (trial) => {
        const ready = trial.watch(new Event());
        const woken: string[] = [];
        trial.check(({ struck }) => {
          if (struck.includes("main") || struck.includes("body")) return;
          for (const name of ["a", "b", "c"])
            expect(woken.includes(name) || struck.includes(name)).toBe(true);
        });
        await taskGroup(async (group) => {
          for (const name of ["a", "b", "c"]) {
            group.createTask(async () => void ((await ready.wait()) && woken.push(name)), { name });
          }
          await sleep("1ms");
          ready.set();
          ready.clear();
        });
      },
      { structured: true },
    );
  });
});

describe("Condition, cancelled anywhere", () => {
  it("loses no notification, and its lock is free in the end", async () => {
    await everywhere(
      async (trial) => {
        const changed = trial.watch(new Condition());
        const taken = trial.watch(new Event());
        let stock = 0;
        const buy = () =>
          changed.with(async () => {
            await changed.waitFor(() => stock > 0);
            stock--;
            taken.set();
          });
        await taskGroup(async (group) => {
          const buyers = [group.createTask(buy), group.createTask(buy)];
          await waitAllTasksBlocked();
          await changed.with(() => {
            stock++;
            changed.notify(1);
          });
          // One buyer may have been cancelled; then the other must have been notified.
          await taken.wait();
          for (const buyer of buyers) buyer.cancel();
        });
      },
      { structured: true },
    );
  });

  it("holds its lock whenever a wait ends, also by cancellation", async () => {
    await everywhere(
      async (trial) => {
        const lock = trial.watch(new Lock());
        const changed = trial.watch(new Condition(lock));
        const room = new Room(1);
        const wait = () =>
          changed.with(async () => {
            try {
              await changed.wait();
            } finally {
              expect(changed.locked()).toBe(true);
              await room.enter(async () => {});
            }
          });
        await taskGroup(async (group) => {
          group.createTask(wait);
          group.createTask(wait);
          group.createTask(() => lock.with(() => room.enter(() => sleep("2ms"))));
          await sleep("1ms");
          await changed.with(() =>
            room.enter(async () => {
              changed.notifyAll();
              await sleep("1ms");
            }),
          );
        });
      },
      { endsWithin: 2 },
    );
  });
});

describe("Barrier, cancelled anywhere", () => {
  it("lets a cancelled task go, and those who come later meet", async () => {
    await everywhere(async (trial) => {
      const barrier = trial.watch(new Barrier(2));
      const met: number[] = [];
      trial.check(({ struck }) => {
        const outside = struck.length === 0 || struck.every((name) => name.startsWith("early"));
        if (outside) expect(met.sort()).toEqual([0, 1]);
        else expect(met).not.toEqual([0, 0]);
      });
      await taskGroup(async (group) => {
        const early = [1, 2, 3].map((n) => group.createTask(() => barrier.wait(), { name: `early ${n}` }));
        await waitAllTasksBlocked();
        for (const task of early) task.cancel();
      });
      await moveOnAfter("1ms", () =>
        taskGroup((group) => {
          for (const name of ["late 1", "late 2"]) {
            group.createTask(async () => void met.push(await barrier.wait()), { name });
          }
        }),
      );
    });
  });

  it("tells everybody who waits when it is aborted, and is whole after a reset", async () => {
    await everywhere(async (trial) => {
      const barrier = trial.watch(new Barrier(3));
      const ends: string[] = [];
      trial.check(({ struck }) => {
        if (struck.length === 0) expect(ends).toEqual(["BrokenBarrierError", "BrokenBarrierError"]);
      });
      const wait = async () => {
        try {
          await barrier.wait();
        } catch (error) {
          ends.push((error as Error).name);
          if (!(error instanceof BrokenBarrierError)) throw error;
        }
      };
      try {
        await taskGroup(async (group) => {
          group.createTask(wait);
          group.createTask(wait);
          await waitAllTasksBlocked();
          await barrier.abort();
        });
      } finally {
        await uncancellable(() => barrier.reset());
      }
    });
  });
});
