import { CancelledError, createTask, currentTask, getRunningLoop, run, sleep, type Task, wait } from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

const reasonOf = (error: unknown): unknown => (error instanceof CancelledError ? error.reason : error);

describe("cancelling a task that awaits a task", () => {
  it("cancels the inner one first, and waits for it", () =>
    runVirtual(async () => {
      const log: string[] = [];
      const inner = createTask(async () => {
        try {
          await sleep("1h");
        } finally {
          log.push("inner ends");
        }
      });
      const outer = createTask(async () => {
        try {
          await inner;
        } finally {
          log.push("outer ends");
        }
      });
      await sleep(0);
      outer.cancel();
      await wait([outer]);
      expect(log).toEqual(["inner ends", "outer ends"]);
      expect([inner.cancelled(), outer.cancelled()]).toEqual([true, true]);
    }));

  it("through a function cancels the wait in the innermost function", () =>
    runVirtual(async () => {
      const log: string[] = [];
      const future = getRunningLoop().createFuture();
      const inner = async (): Promise<void> => {
        try {
          await future;
        } catch (error) {
          log.push("inner caught it");
          throw error;
        }
      };
      const task = createTask(async () => {
        try {
          await inner();
        } catch {
          log.push("outer caught it");
        }
      });
      await sleep(0);
      task.cancel();
      await task;
      expect(log).toEqual(["inner caught it", "outer caught it"]);
      expect(future.cancelled()).toBe(true);
    }));

  it("lets the outer one go on with the value, when the inner one swallows the cancellation", () =>
    runVirtual(async () => {
      const inner = createTask(async () => {
        await sleep("1h").catch(() => {});
        return "survived";
      });
      const outer = createTask(async () => `got ${await inner}`);
      await sleep(0);
      outer.cancel();
      expect(await outer).toBe("got survived");
      expect([outer.cancelling(), inner.cancelling()]).toEqual([1, 1]);
    }));

  it("leaves the inner one alone, when the outer one only asks wait() about it", () =>
    runVirtual(async () => {
      const inner = createTask(() => sleep("1s", "untouched"));
      const outer = createTask(async () => {
        await wait([inner]);
      });
      await sleep(0);
      outer.cancel();
      await wait([outer]);
      expect([outer.cancelled(), inner.done()]).toEqual([true, false]);
      expect(await inner).toBe("untouched");
    }));

  it("in a chain of ten ends the innermost first", () =>
    runVirtual(async () => {
      const log: number[] = [];
      let task: Task<unknown> = createTask(() => sleep("1h"));
      for (let depth = 9; depth >= 0; depth--) {
        const awaited = task;
        task = createTask(async () => {
          try {
            await awaited;
          } finally {
            log.push(depth);
          }
        });
      }
      await sleep(0);
      task.cancel();
      await wait([task]);
      expect(log).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    }));
});

describe("the reason of a cancellation", () => {
  it("reaches the wait, and whoever awaits the task", () =>
    runVirtual(async () => {
      const seen: unknown[] = [];
      const task = createTask(async () => {
        await sleep("1h").catch((error: unknown) => {
          seen.push(reasonOf(error));
          throw error;
        });
      });
      await sleep(0);
      task.cancel({ why: "shutdown" });
      await task.catch((error: unknown) => seen.push(reasonOf(error)));
      expect(seen).toEqual([{ why: "shutdown" }, { why: "shutdown" }]);
    }));

  it("reaches the first reader in the very error that ended the task; later readers get a plain one", () =>
    runVirtual(async () => {
      let thrown: unknown;
      const task = createTask(() =>
        sleep("1h").catch((error: unknown) => {
          thrown = error;
          throw error;
        }),
      );
      await sleep(0);
      task.cancel("once only");
      await wait([task]);
      const read = (): unknown => {
        try {
          return task.result();
        } catch (error) {
          return error;
        }
      };
      expect(read()).toBe(thrown);
      expect(reasonOf(read())).toBeUndefined();
      expect(read()).toBeInstanceOf(CancelledError);
    }));

  it("is given by exception() as by result()", () =>
    runVirtual(async () => {
      const task = createTask(() => sleep("1h"));
      await sleep(0);
      task.cancel("why");
      await wait([task]);
      expect(() => task.exception()).toThrow(/cancelled by task "main": why/);
    }));

  it("is undefined when none was given", () =>
    runVirtual(async () => {
      const task = createTask(() => sleep("1h"));
      await sleep(0);
      task.cancel();
      const error = await task.catch((caught: unknown) => caught);
      expect(error).toMatchObject({
        reason: undefined,
        by: 'task "main"',
        message: 'cancelled by task "main"',
      });
    }));

  it("is the last one, when the task was asked several times before it could run", () =>
    runVirtual(async () => {
      const task = createTask(() => sleep("1h"));
      task.cancel("first");
      task.cancel("second");
      expect(reasonOf(await task.catch((error: unknown) => error))).toBe("second");
    }));

  it("is passed down to the tasks that are awaited", () =>
    runVirtual(async () => {
      const inner = createTask(() => sleep("1h"));
      const outer = createTask(() => inner);
      await sleep(0);
      outer.cancel("from the top");
      expect(reasonOf(await outer.catch((error: unknown) => error))).toBe("from the top");
      expect(inner.cancelled()).toBe(true);
    }));

  it("comes without a stack, which would cost more than the rest; in debug mode with one", async () => {
    const stackOf = async (): Promise<string> => {
      const task = createTask(async function worker() {
        await sleep("1h");
      });
      await sleep(0);
      task.cancel();
      return ((await task.catch((error: unknown) => error)) as Error).stack ?? "";
    };
    expect(await runVirtual(stackOf)).not.toMatch(/\n\s+at /);
    expect(await runVirtual(stackOf, { debug: true })).toMatch(/\n\s+at /);
  });
});

describe("after a cancellation that was swallowed", () => {
  /** A task that catches its cancellation and then waits for two more futures. */
  async function stubborn(log: string[], uncancel: boolean): Promise<void> {
    const loop = getRunningLoop();
    const later = loop.createFuture<void>();
    const task = createTask(async () => {
      try {
        await sleep("1h");
      } catch {
        log.push("swallowed");
        if (uncancel) currentTask()?.uncancel();
      }
      try {
        await later;
        log.push("waited on");
      } catch (error) {
        log.push("refused");
        throw error;
      }
    });
    await sleep(0);
    task.cancel();
    await sleep(0);
    later.setResult();
    await wait([task]);
    log.push(`cancelled: ${task.cancelled()}`, `future cancelled: ${later.cancelled()}`);
  }

  it("each later wait is refused, and what it would have waited for is left alone", async () => {
    const log: string[] = [];
    await runVirtual(() => stubborn(log, false));
    expect(log).toEqual(["swallowed", "refused", "cancelled: true", "future cancelled: false"]);
  });

  it("the task may wait again when it took the cancellation back", async () => {
    const log: string[] = [];
    await runVirtual(() => stubborn(log, true));
    expect(log).toEqual(["swallowed", "waited on", "cancelled: false", "future cancelled: false"]);
  });

  it("the task may wait again in the mode once, which is asyncio's", async () => {
    const log: string[] = [];
    await runVirtual(() => stubborn(log, false), { cancellation: "once" });
    expect(log).toEqual(["swallowed", "waited on", "cancelled: false", "future cancelled: false"]);
  });

  it("a retry loop with a catch-all comes to its end", () =>
    runVirtual(async () => {
      let attempts = 0;
      const task = createTask(async () => {
        for (; attempts < 100; attempts++) await sleep("1s").catch(() => {});
      });
      await sleep("3.5s");
      task.cancel();
      await wait([task]);
      expect([attempts, getRunningLoop().time()]).toEqual([100, 3500]);
    }));

  it("cancellation is a setting of run, which knows no other value", async () => {
    // @ts-expect-error there are two modes
    await expect(run(() => 1, { cancellation: "twice" })).rejects.toThrow(
      /cancellation must be "sticky" or "once"; got 'twice'/,
    );
  });
});
