import {
  CancelledError,
  createTask,
  ExceptionGroup,
  sleep,
  type TaskGroup,
  taskGroup,
  timeout,
  uncancellable,
} from "brio";
import { describe, expect, it } from "vitest";
import { everywhere } from "./everywhere.ts";

/** Counts who is alive. */
class Population {
  alive = 0;

  live(ms: number) {
    return async (): Promise<void> => {
      this.alive++;
      try {
        await sleep(ms);
      } finally {
        this.alive--;
      }
    };
  }
}

describe("taskGroup, cancelled anywhere", () => {
  it("has no child alive when it ends", async () => {
    await everywhere(
      async (trial) => {
        const people = new Population();
        trial.check(() => expect(people.alive).toBe(0));
        try {
          await taskGroup(async (group) => {
            group.createTask(people.live(1));
            group.createTask(people.live(3));
            await people.live(2)();
          });
        } finally {
          expect(people.alive).toBe(0);
        }
        await sleep("1ms");
      },
      { structured: true },
    );
  });

  it("has no grandchild alive either, nor a child that a child has started", async () => {
    await everywhere(
      async (trial) => {
        const people = new Population();
        trial.check(() => expect(people.alive).toBe(0));
        const family = (depth: number) => async (): Promise<void> => {
          await taskGroup(async (group: TaskGroup) => {
            group.createTask(people.live(2));
            group.createTask(async () => {
              await sleep("1ms");
              group.createTask(people.live(1));
            });
            if (depth > 0) group.createTask(family(depth - 1));
            await people.live(1)();
          });
          expect(people.alive).toBeGreaterThanOrEqual(0);
        };
        await family(1)();
      },
      { structured: true },
    );
  });

  it("reports the failures of its children, and no cancellation of its own making", async () => {
    const isGroup = (error: unknown): boolean => error instanceof ExceptionGroup;
    await everywhere(
      async (trial) => {
        const failed: string[] = [];
        let caught: readonly unknown[] = [];
        trial.check(({ status, error }) => {
          const reported = status === "failed" && error instanceof ExceptionGroup ? error.exceptions : caught;
          expect(reported.map((each) => (each as Error).message).sort()).toEqual([...failed].sort());
        });
        const fail = (name: string, ms: number) => async () => {
          await sleep(ms);
          failed.push(name);
          throw new Error(name);
        };
        try {
          await taskGroup(async (group) => {
            group.createTask(fail("early", 1));
            group.createTask(async () => {
              try {
                await sleep("1h");
              } finally {
                await uncancellable(fail("in clean-up", 1));
              }
            });
            await sleep("5ms");
          });
        } catch (error) {
          if (!(error instanceof ExceptionGroup)) throw error;
          caught = error.exceptions;
        }
        await sleep("1ms");
      },
      { structured: true, allow: isGroup, maySwallow: true, endsWithin: 1 },
    );
  });

  it("ends within a timeout together with all of its children", async () => {
    await everywhere(
      async (trial) => {
        const people = new Population();
        trial.check(() => expect(people.alive).toBe(0));
        const work = () =>
          taskGroup(async (group) => {
            group.createTask(people.live(2));
            await timeout("3ms", () =>
              taskGroup((inner) => {
                inner.createTask(people.live(10));
                inner.createTask(people.live(1));
              }),
            );
          });
        await timeout("4ms", work).catch((error: unknown) => {
          if (error instanceof CancelledError) throw error;
        });
        expect(people.alive).toBe(0);
      },
      { structured: true },
    );
  });

  it("waits for children that need time to clean up", async () => {
    await everywhere(
      async (trial) => {
        let dirty = 0;
        trial.check(() => expect(dirty).toBe(0));
        const careful = async () => {
          dirty++;
          try {
            await sleep("2ms");
          } finally {
            await uncancellable(() => sleep("2ms"));
            dirty--;
          }
        };
        await taskGroup(async (group) => {
          group.createTask(careful);
          group.createTask(careful);
          await sleep("1ms");
        });
        expect(dirty).toBe(0);
      },
      { structured: true, maySwallow: true, endsWithin: 2 },
    );
  });
});

describe("a task in an await using, cancelled anywhere", () => {
  it("has ended when its block has", async () => {
    await everywhere(
      async (trial) => {
        const people = new Population();
        trial.check(() => expect(people.alive).toBe(0));
        {
          await using _ = createTask(people.live(5));
          await sleep("2ms");
        }
        expect(people.alive).toBe(0);
        await sleep("1ms");
      },
      { structured: true },
    );
  });
});
