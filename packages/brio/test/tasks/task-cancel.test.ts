import { CancelledError, createTask, currentTask, getRunningLoop, sleep, type Task, wait } from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

/** How a task ended, without its error being reported. */
function ending(task: Task<unknown>): string {
  if (task.cancelled()) return "cancelled";
  return task.exception() === undefined ? `returned ${String(task.result())}` : `threw ${task.exception()}`;
}

describe("cancelling a task", () => {
  it("ends a sleep, and no time passes", () =>
    runVirtual(async () => {
      const loop = getRunningLoop();
      const task = createTask(async () => {
        await sleep("10s");
        return 12;
      });
      await sleep(0);
      expect(task.cancel()).toBe(true);
      await expect(Promise.resolve(task)).rejects.toThrow(CancelledError);
      expect([task.done(), task.cancelled(), loop.time()]).toEqual([true, true, 0]);
      expect(task.cancel()).toBe(false);
    }));

  it("takes effect in the loop, not inside cancel()", () =>
    runVirtual(async () => {
      const task = createTask(() => sleep("1h"));
      await sleep(0);
      task.cancel();
      expect([task.done(), task.cancelling()]).toEqual([false, 1]);
      await sleep(0);
      expect(task.cancelled()).toBe(true);
    }));

  it("ends a task that only yields", () =>
    runVirtual(async () => {
      const log: string[] = [];
      const task = createTask(async () => {
        for (let turn = 1; turn <= 9; turn++) {
          log.push(`turn ${turn}`);
          await sleep(0);
        }
      });
      await sleep(0);
      task.cancel();
      await sleep(0);
      expect([ending(task), ...log]).toEqual(["cancelled", "turn 1"]);
    }));

  it("before it began means that it never begins", () =>
    runVirtual(async () => {
      const log: string[] = [];
      const task = createTask(() => void log.push("begun"));
      task.cancel("too early");
      await expect(Promise.resolve(task)).rejects.toMatchObject({ reason: "too early" });
      expect([ending(task), ...log]).toEqual(["cancelled"]);
    }));

  it("at a later time ends it at that time", () =>
    runVirtual(async () => {
      const loop = getRunningLoop();
      const task = createTask(() => sleep("10s"));
      loop.callLater(100, () => task.cancel());
      await expect(Promise.resolve(task)).rejects.toThrow(CancelledError);
      expect(loop.time()).toBe(100);
    }));

  it("cancels the future that it waits for", () =>
    runVirtual(async () => {
      const future = getRunningLoop().createFuture();
      const task = createTask(() => future);
      await sleep(0);
      task.cancel("enough");
      expect(future.cancelled()).toBe(true);
      await expect(Promise.resolve(task)).rejects.toMatchObject({ reason: "enough" });
    }));

  it("is what happens to it when the future that it waits for is cancelled, but it was not asked to", () =>
    runVirtual(async () => {
      const future = getRunningLoop().createFuture();
      const task = createTask(() => future);
      await sleep(0);
      future.cancel();
      await sleep(0);
      expect([ending(task), task.cancelling()]).toEqual(["cancelled", 0]);
    }));

  it("together with its future cancels it once", () =>
    runVirtual(async () => {
      const log: string[] = [];
      const future = getRunningLoop().createFuture();
      const task = createTask(async () => {
        try {
          await future;
        } catch (error) {
          log.push(`caught ${String(error instanceof CancelledError && error.reason)}`);
          throw error;
        }
      });
      await sleep(0);
      future.cancel("the future");
      expect(task.cancel("the task")).toBe(true);
      await sleep(0);
      expect([ending(task), ...log]).toEqual(["cancelled", "caught the future"]);
    }));

  it("twice before it could react throws one CancelledError, with the first reason", () =>
    runVirtual(async () => {
      const log: unknown[] = [];
      const task = createTask(async () => {
        await sleep("1h").catch((error: CancelledError) => {
          log.push(error.reason);
          throw error;
        });
      });
      await sleep(0);
      expect([task.cancel("first"), task.cancel("second"), task.cancelling()]).toEqual([true, true, 2]);
      await sleep(0);
      expect([ending(task), ...log]).toEqual(["cancelled", "first"]);
    }));

  it("that a wait has just been granted to makes that wait throw all the same", () =>
    runVirtual(async () => {
      const future = getRunningLoop().createFuture<number>();
      const task = createTask(() => future);
      await sleep(0);
      future.setResult(1);
      task.cancel();
      await sleep(0);
      expect([ending(task), future.result()]).toEqual(["cancelled", 1]);
    }));
});

describe("a task that cancels itself", () => {
  it("is stopped at its next wait", () =>
    runVirtual(async () => {
      const log: string[] = [];
      const task = createTask(async () => {
        currentTask()?.cancel();
        log.push("goes on to the next wait");
        await sleep(100);
        log.push("never");
      });
      await sleep("1s");
      expect([ending(task), ...log]).toEqual(["cancelled", "goes on to the next wait"]);
    }));

  it("cancels the task that it waits for next", () =>
    runVirtual(async () => {
      const nested = createTask(() => sleep("1h"));
      const task = createTask(async () => {
        currentTask()?.cancel();
        await nested;
      });
      await wait([task, nested]);
      expect([ending(task), ending(nested)]).toEqual(["cancelled", "cancelled"]);
    }));

  it("ends cancelled when it returns without another wait", () =>
    runVirtual(async () => {
      const task = createTask(async () => {
        await sleep(0);
        currentTask()?.cancel();
        return "lost";
      });
      await sleep(0);
      await sleep(0);
      expect(ending(task)).toBe("cancelled");
    }));

  it("ends with its own error when it throws one", () =>
    runVirtual(async () => {
      const task = createTask(async () => {
        currentTask()?.cancel();
        throw new Error("mine");
      });
      await sleep(0);
      expect(ending(task)).toBe("threw Error: mine");
    }));
});

describe("a task that is asked to end", () => {
  it("may catch the CancelledError and return a value", () =>
    runVirtual(async () => {
      const first = getRunningLoop().createFuture<void>();
      const second = getRunningLoop().createFuture<void>();
      const task = createTask(async () => {
        await first;
        try {
          await second;
        } catch (error) {
          if (error instanceof CancelledError) return 42;
          throw error;
        }
        return 0;
      });
      await sleep(0);
      first.setResult();
      await sleep(0);
      task.cancel();
      expect(second.cancelled()).toBe(true);
      expect(await task).toBe(42);
      expect([task.cancelled(), task.cancelling()]).toEqual([false, 1]);
    }));

  it("may throw another error in its place", () =>
    runVirtual(async () => {
      const task = createTask(async () => {
        try {
          await sleep("1h");
        } catch {
          throw new RangeError("instead");
        }
      });
      await sleep(0);
      task.cancel();
      await sleep(0);
      expect(ending(task)).toBe("threw RangeError: instead");
    }));

  it("runs its finally blocks, from the inside out", () =>
    runVirtual(async () => {
      const log: string[] = [];
      const inner = async (): Promise<void> => {
        try {
          await sleep("1h");
        } finally {
          log.push("inner");
        }
      };
      const task = createTask(async () => {
        try {
          await inner();
        } finally {
          log.push("outer");
        }
      });
      await sleep(0);
      task.cancel();
      await sleep(0);
      expect([ending(task), ...log]).toEqual(["cancelled", "inner", "outer"]);
    }));

  it("is cancelled when it throws a CancelledError of its own, though nobody asked", () =>
    runVirtual(async () => {
      const task = createTask(async () => {
        throw new CancelledError("my own idea");
      });
      await expect(Promise.resolve(task)).rejects.toMatchObject({ reason: "my own idea" });
      expect([ending(task), task.cancelling()]).toEqual(["cancelled", 0]);
    }));
});
