import {
  createTask,
  currentSignal,
  getRunningLoop,
  interruptible,
  sleep,
  taskGroup,
  uncancellable,
  wrapFuture,
} from "brio";
import { describe, expect, it } from "vitest";
import { everywhere } from "./everywhere.ts";

/** A promise that is not brio's, settled by a callback of the loop so that it obeys virtual time. */
function later<T>(ms: number, value: T): Promise<T> {
  const loop = getRunningLoop();
  return new Promise((resolve) => {
    loop.callLater(ms, () => resolve(value));
  });
}

/** Work that can be told to stop, and takes a while to do so. */
function work(ms: number, state: { running: number }) {
  const loop = getRunningLoop();
  return (signal: AbortSignal): Promise<string> =>
    new Promise((resolve, reject) => {
      state.running++;
      const end = (fn: () => void) => {
        state.running--;
        fn();
      };
      const stop = () => {
        timer.cancel();
        loop.callLater(1, () => end(() => reject(signal.reason)));
      };
      const timer = loop.callLater(ms, () => {
        signal.removeEventListener("abort", stop);
        end(() => resolve("worked"));
      });
      signal.addEventListener("abort", stop);
    });
}

describe("interruptible, cancelled anywhere", () => {
  it("stops waiting for a promise, for one of several who wait for it", async () => {
    await everywhere(
      async (trial) => {
        const got: string[] = [];
        trial.check(({ struck }) => {
          if (!struck.includes("main") && !struck.includes("body"))
            expect(got.length).toBeGreaterThanOrEqual(3 - struck.length);
        });
        const promise = later(3, "value");
        await taskGroup(async (group) => {
          for (let i = 0; i < 2; i++) {
            group.createTask(async () => {
              await sleep(i);
              got.push(await interruptible(promise));
            });
          }
          got.push(await interruptible(promise));
        });
      },
      { maySwallow: true },
    );
  });

  it("stops the work, and waits until it has stopped", async () => {
    await everywhere(
      async (trial) => {
        const state = { running: 0 };
        trial.check(() => expect(state.running).toBe(0));
        await taskGroup(async (group) => {
          group.createTask(async () => {
            expect(await interruptible(work(3, state))).toBe("worked");
            await sleep(0);
          });
          expect(await interruptible(work(2, state))).toBe("worked");
          await sleep(0);
        });
      },
      { structured: true, maySwallow: true, endsWithin: 2 },
    );
  });

  it("hands errors of the work on, also while it is being stopped", async () => {
    await everywhere(
      async () => {
        const loop = getRunningLoop();
        await interruptible(
          (signal) =>
            new Promise((_, reject) => {
              loop.callLater(2, () =>
                reject(new RangeError(signal.aborted ? "while stopping" : "by itself")),
              );
            }),
        ).catch((error: unknown) => {
          if (!(error instanceof RangeError)) throw error;
        });
        await sleep("1ms");
      },
      { structured: true, maySwallow: true, endsWithin: 3 },
    );
  });
});

describe("wrapFuture, cancelled anywhere", () => {
  it("stops waiting for the promise", async () => {
    await everywhere(async (trial) => {
      let value = "";
      trial.check(({ struck }) => expect(value).toBe(struck.length === 0 ? "value" : value));
      value = await wrapFuture(later(2, "value"));
      await sleep(0);
    });
  });
});

describe("uncancellable, cancelled anywhere", () => {
  it("runs clean-up to its end once it has begun", async () => {
    await everywhere(
      async (trial) => {
        let begun = 0;
        let cleaned = 0;
        trial.check(() => expect(cleaned).toBe(begun));
        try {
          begun++;
          await sleep("2ms");
        } finally {
          await uncancellable(async () => {
            await sleep("1ms");
            await taskGroup((group) => {
              group.createTask(() => sleep("1ms"));
            });
            cleaned++;
          });
        }
        await sleep("1ms");
      },
      { structured: true, maySwallow: true, endsWithin: 2 },
    );
  });

  it("lets a cancellation in when the grace is over, and ends then", async () => {
    await everywhere(
      async (trial) => {
        const loop = getRunningLoop();
        let asked: number | null = null;
        let ended: number | null = null;
        trial.check(({ struck }) => {
          if (struck.length > 0 && asked !== null && ended !== null)
            expect(ended - asked).toBeLessThanOrEqual(5);
        });
        try {
          await uncancellable(
            async () => {
              currentSignal();
              for (let i = 0; i < 20; i++) {
                if (asked === null && loop.firstTask !== null && mainIsCancelled()) asked = loop.time();
                await sleep("1ms");
              }
            },
            { grace: "4ms" },
          );
        } finally {
          ended = loop.time();
        }
        await sleep(0);
      },
      { structured: true, maySwallow: true, endsWithin: 4 },
    );
  });
});

function mainIsCancelled(): boolean {
  return currentSignal().aborted;
}

describe("currentSignal, cancelled anywhere", () => {
  it("is aborted exactly when the scope it was asked for in was cancelled or is over", async () => {
    await everywhere(
      async (trial) => {
        const signals: { signal: AbortSignal; state: "waiting" | "done" | "cancelled" }[] = [];
        trial.check(() => {
          for (const { signal, state } of signals) {
            if (state === "cancelled") expect(signal.aborted).toBe(true);
            if (state === "waiting") expect.fail("a wait has not ended");
          }
        });
        const watch = async (ms: number) => {
          const entry: (typeof signals)[number] = { signal: currentSignal(), state: "waiting" };
          signals.push(entry);
          try {
            await sleep(ms);
            entry.state = "done";
          } catch (error) {
            entry.state = "cancelled";
            throw error;
          }
        };
        const helper = createTask(() => watch(3));
        try {
          await watch(2);
          await helper;
        } finally {
          await helper[Symbol.asyncDispose]();
        }
      },
      { structured: true },
    );
  });
});
