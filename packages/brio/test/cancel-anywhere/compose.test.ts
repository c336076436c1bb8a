import {
  asCompleted,
  CancelledError,
  createTask,
  currentTask,
  FIRST_COMPLETED,
  gather,
  getRunningLoop,
  interval,
  moveOnAfter,
  retry,
  shield,
  sleep,
  type Task,
  TimeoutError,
  taskGroup,
  uncancellable,
  wait,
  waitFor,
} from "brio";
import { describe, expect, it } from "vitest";
import { everywhere } from "./everywhere.ts";

/** Makes a child that notes how it began and ended. */
function children() {
  const begun = new Set<string>();
  const ended = new Map<string, string>();
  const child = (name: string, ms: number) => async (): Promise<string> => {
    begun.add(name);
    try {
      await sleep(ms);
    } catch (error) {
      ended.set(name, "cancelled");
      throw error;
    }
    ended.set(name, "done");
    return name;
  };
  return { child, begun, ended };
}

/** Cancels tasks and waits until they have ended, whatever happens to the caller. */
async function disposeOf(tasks: Iterable<Task<unknown>>): Promise<void> {
  for (const task of tasks) await task[Symbol.asyncDispose]();
}

describe("gather, cancelled anywhere", () => {
  it("takes every child with it, and waits until they have ended", async () => {
    await everywhere(
      async (trial) => {
        const { child, begun, ended } = children();
        trial.check(() => expect([...ended.keys()].sort()).toEqual([...begun].sort()));
        const results = await gather([child("a", 1), child("b", 2), child("c", 3)], {
          returnExceptions: true,
        });
        for (const [at, name] of ["a", "b", "c"].entries()) {
          const result = results[at];
          expect(result instanceof CancelledError || result === name).toBe(true);
        }
      },
      { structured: true },
    );
  });

  it("gives results in their places, or ends with the first cancellation", async () => {
    await everywhere(async (trial) => {
      const { child } = children();
      let results: readonly string[] = [];
      trial.check(({ status, struck }) => {
        if (status === "returned" && struck.length === 0) expect(results).toEqual(["a", "b"]);
        if (struck.some((name) => name.startsWith("Task-"))) {
          expect(status === "cancelled" || results.length === 2).toBe(true);
        }
      });
      results = await gather(child("a", 2), child("b", 1));
    });
  });

  it("takes the children of a gather in a gather with it", async () => {
    await everywhere(async (trial) => {
      const { child, begun, ended } = children();
      trial.check(() => expect(ended.size).toBe(begun.size));
      await gather([gather(child("a", 1), child("b", 2)), child("c", 1)], { returnExceptions: true });
    });
  });
});

describe("wait, cancelled anywhere", () => {
  it("leaves what it waits for running, and tells what is done", async () => {
    await everywhere(
      async (trial) => {
        const { child, begun, ended } = children();
        trial.check(() => expect(ended.size).toBe(begun.size));
        const tasks = [createTask(child("a", 1)), createTask(child("b", 5))];
        try {
          const { done, pending } = await wait(tasks, { returnWhen: FIRST_COMPLETED, timeout: "3ms" });
          for (const task of done) expect(task.done()).toBe(true);
          for (const task of pending) expect(task.done()).toBe(false);
          expect(done.size + pending.size).toBe(2);
        } catch (error) {
          expect(tasks.some((task) => !task.cancelled())).toBe(true);
          throw error;
        } finally {
          await disposeOf(tasks);
        }
      },
      { structured: true },
    );
  });
});

describe("waitFor, cancelled anywhere", () => {
  it.each(["2ms", "9ms"] as const)("ends what it waits for before it ends, within %s", async (limit) => {
    await everywhere(
      async (trial) => {
        const { child, begun, ended } = children();
        trial.check(() => expect(ended.size).toBe(begun.size));
        const task = createTask(child("task", 5));
        try {
          await waitFor(task, limit);
        } catch (error) {
          if (!(error instanceof TimeoutError)) throw error;
        } finally {
          expect(task.done()).toBe(true);
        }
        await waitFor(child("inline", 5), limit).catch((error: unknown) => {
          if (!(error instanceof TimeoutError)) throw error;
        });
      },
      { structured: true },
    );
  });

  it("does not begin what has no time at all, and ends what had begun", async () => {
    await everywhere(async (trial) => {
      const { child, begun, ended } = children();
      trial.check(() => {
        expect(begun.has("inline")).toBe(false);
        expect(ended.size).toBe(begun.size);
      });
      const isTimeout = (error: unknown) => {
        if (!(error instanceof TimeoutError)) throw error;
      };
      const task = createTask(child("task", 5));
      await sleep("1ms");
      await waitFor(task, 0).catch(isTimeout);
      await waitFor(child("inline", 5), 0).catch(isTimeout);
    });
  });
});

describe("asCompleted, cancelled anywhere", () => {
  it("gives each future once, in the order in which they ended", async () => {
    await everywhere(
      async (trial) => {
        const { child, begun, ended } = children();
        const seen: string[] = [];
        trial.check(({ struck }) => {
          expect(ended.size).toBe(begun.size);
          expect(new Set(seen).size).toBe(seen.length);
          if (struck.length === 0) expect([...seen].sort()).toEqual(["a", "b", "c"]);
        });
        const tasks = [createTask(child("a", 3)), createTask(child("b", 1)), createTask(child("c", 2))];
        try {
          for await (const future of asCompleted(tasks)) {
            if (!future.cancelled()) seen.push(future.result());
          }
        } finally {
          await disposeOf(tasks);
        }
      },
      { structured: true },
    );
  });
});

describe("asCompleted, read step by step and cancelled anywhere", () => {
  it("gives every future to who reads on after a step that was cancelled", async () => {
    await everywhere(async (trial) => {
      const { child } = children();
      const seen: string[] = [];
      trial.check(({ struck }) => {
        if (struck.length === 0) expect(seen).toEqual(["a", "b", "c"]);
      });
      const tasks = [createTask(child("a", 2)), createTask(child("b", 5)), createTask(child("c", 8))];
      try {
        const steps = asCompleted(tasks)[Symbol.asyncIterator]();
        for (;;) {
          const step = await moveOnAfter("1ms", () => steps.next());
          if (step === undefined) continue;
          if (step.done) break;
          if (!step.value.cancelled()) seen.push(step.value.result());
        }
      } finally {
        await disposeOf(tasks);
      }
    });
  });
});

describe("asCompleted, its results awaited by several tasks and cancelled anywhere", () => {
  it("gives each arrival at once to the first who is still there", async () => {
    await everywhere(async (trial) => {
      const { child, begun, ended } = children();
      const arrivals: number[] = [];
      const times: number[] = [];
      const loop = getRunningLoop();
      trial.check(({ struck }) => {
        expect(ended.size).toBe(begun.size);
        const calm = !struck.includes("main") && !struck.includes("body");
        if (calm) expect(times).toEqual(arrivals.slice(0, times.length));
      });
      const tasks = [createTask(child("a", 1)), createTask(child("b", 2)), createTask(child("c", 3))];
      for (const task of tasks) task.addDoneCallback(() => arrivals.push(loop.time()));
      try {
        await taskGroup((group) => {
          for (const next of asCompleted(tasks)) {
            group.createTask(async () => {
              try {
                await next;
              } catch (error) {
                // Cancelled, or given one that was.
                if (!(error instanceof CancelledError) || currentTask()?.cancelling() !== 0) throw error;
              }
              times.push(loop.time());
            });
          }
        });
      } finally {
        await disposeOf(tasks);
      }
    });
  });
});

describe("shield, cancelled anywhere", () => {
  it("leaves what is shielded running, to be awaited in the clean-up", async () => {
    await everywhere(
      async (trial) => {
        const { child, begun, ended } = children();
        trial.check(({ struck }) => {
          // Only its own cancellation stops it.
          if (begun.has("saving") && !struck.some((name) => name.startsWith("Task-"))) {
            expect(ended.get("saving")).toBe("done");
          }
        });
        const saving = createTask(child("saving", 5));
        try {
          await shield(saving);
        } finally {
          await uncancellable(() => wait([saving]), { grace: null });
        }
      },
      { structured: true, endsWithin: 5 },
    );
  });
});

describe("retry, cancelled anywhere", () => {
  it("ends the attempt or the pause, and begins no other attempt", async () => {
    await everywhere(
      async (trial) => {
        let running = 0;
        let attempts = 0;
        let stopped = false;
        trial.check(({ struck }) => {
          expect(running).toBe(0);
          if (struck.length === 0) expect(attempts).toBe(3);
          else expect(attempts).toBeLessThanOrEqual(3);
        });
        await retry(
          async (attempt) => {
            expect(stopped).toBe(false);
            attempts = attempt;
            running++;
            try {
              await sleep("1ms");
              if (attempt < 3) throw new Error("busy");
            } catch (error) {
              if (error instanceof CancelledError) stopped = true;
              throw error;
            } finally {
              running--;
            }
          },
          { attempts: 5, backoff: "2ms", jitter: 0 },
        );
      },
      { structured: true },
    );
  });
});

describe("interval, cancelled anywhere", () => {
  it("gives ticks without gaps, up to the one that is cancelled", async () => {
    await everywhere(
      async (trial) => {
        const ticks: number[] = [];
        trial.check(({ struck }) => {
          expect(ticks).toEqual([...ticks.keys()]);
          if (struck.length === 0) expect(ticks).toHaveLength(4);
        });
        for await (const tick of interval("2ms")) {
          ticks.push(tick);
          if (tick === 3) break;
          await sleep(tick === 1 ? "5ms" : "1ms");
        }
      },
      { structured: true },
    );
  });
});
