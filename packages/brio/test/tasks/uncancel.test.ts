import {
  CancelledError,
  createTask,
  currentTask,
  getRunningLoop,
  run,
  sleep,
  type Task,
  TimeoutError,
  timeout,
} from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

describe("cancelling() and uncancel()", () => {
  it("count what was asked for and not taken back", () =>
    runVirtual(async () => {
      const task = createTask(() => sleep("1h"));
      const counts = [task.cancelling()];
      task.cancel();
      counts.push(task.cancelling());
      task.cancel();
      counts.push(task.cancelling());
      counts.push(task.uncancel(), task.cancelling(), task.uncancel(), task.cancelling());
      expect(counts).toEqual([0, 1, 2, 1, 1, 0, 0]);
    }));

  it("never go below zero", () =>
    runVirtual(async () => {
      const task = createTask(() => sleep("1h"));
      expect([task.uncancel(), task.uncancel(), task.cancelling()]).toEqual([0, 0, 0]);
      task.cancel();
      expect(task.cancelling()).toBe(1);
    }));

  it("keep their count after the task has ended", () =>
    runVirtual(async () => {
      const task = createTask(() => sleep("1h"));
      await sleep(0);
      task.cancel();
      await task.catch(() => {});
      expect([task.cancelled(), task.cancelling(), task.cancel(), task.cancelling()]).toEqual([
        true,
        1,
        false,
        1,
      ]);
    }));

  it("do not stop a CancelledError that is on its way: the wait was struck", () =>
    runVirtual(async () => {
      const log: string[] = [];
      const task = createTask(async () => {
        try {
          await sleep("10s");
          log.push("slept");
        } catch {
          log.push("struck");
          currentTask()?.uncancel();
        }
        await sleep("1s");
        return "went on";
      });
      await sleep(0);
      task.cancel();
      expect(task.uncancel()).toBe(0);
      expect([await task, ...log]).toEqual(["went on", "struck"]);
    }));

  it("withdraw a cancellation that no wait has been struck by yet", () =>
    runVirtual(async () => {
      const task = createTask(async () => {
        currentTask()?.cancel();
        currentTask()?.uncancel();
        await sleep("1s");
        return "as if nothing had been";
      });
      expect(await task).toBe("as if nothing had been");
      expect(task.cancelling()).toBe(0);
    }));

  it("withdraw a cancellation of a task that has not begun", () =>
    runVirtual(async () => {
      const task = createTask(async () => "begun");
      task.cancel();
      task.uncancel();
      expect(await task).toBe("begun");
    }));

  it("keep a cancellation in force while another one was not taken back", () =>
    runVirtual(async () => {
      const log: string[] = [];
      const task = createTask(async () => {
        await sleep("1h").catch(() => log.push("struck"));
        expect(currentTask()?.uncancel()).toBe(1);
        await sleep("1h").catch((error: unknown) => {
          log.push("refused");
          throw error;
        });
      });
      await sleep(0);
      task.cancel();
      task.cancel();
      await task.catch(() => log.push("cancelled"));
      expect(log).toEqual(["struck", "refused", "cancelled"]);
    }));
});

describe("a structured block that a task builds by hand from cancel and uncancel", () => {
  /** A deadline as a task can build it, without `timeout`. */
  async function deadline(delay: number, body: () => Promise<unknown>): Promise<string> {
    const task = currentTask() as Task<unknown>; // called in tasks only
    let fired = false;
    const timer = getRunningLoop().callLater(delay, () => {
      fired = true;
      task.cancel();
    });
    try {
      await body();
      return "in time";
    } catch (error) {
      if (fired && error instanceof CancelledError && task.uncancel() === 0) return "too late";
      throw error;
    } finally {
      timer.cancel();
    }
  }

  it("lets what comes behind it go on after its deadline", () =>
    runVirtual(async () => {
      const task = createTask(async () => {
        const log = [await deadline(100, () => sleep("1s"))];
        await sleep("2s");
        log.push(`then went on until ${getRunningLoop().time()}`);
        return log;
      });
      expect(await task).toEqual(["too late", "then went on until 2100"]);
      expect(task.cancelling()).toBe(0);
    }));

  it("does nothing when the body is in time", () =>
    runVirtual(async () => {
      const task = createTask(() => deadline(100, () => sleep(50)));
      expect([await task, task.cancelling()]).toEqual(["in time", 0]);
    }));

  it("lets a cancellation from outside through, even when its own deadline has passed as well", () =>
    runVirtual(async () => {
      const task = createTask(() =>
        deadline(100, async () => {
          try {
            await sleep("1s");
          } finally {
            task.cancel("from outside");
          }
        }),
      );
      await task.catch(() => {});
      expect([task.cancelled(), task.cancelling()]).toEqual([true, 1]);
    }));

  it("agrees with timeout(), which does it for you", () =>
    runVirtual(async () => {
      const task = createTask(async () => {
        await expect(timeout(100, () => sleep("1s"))).rejects.toThrow(TimeoutError);
        await sleep("1s");
        return currentTask()?.cancelling();
      });
      expect(await task).toBe(0);
    }));
});

it("a run that was asked to end and took it back returns its value", async () => {
  const controller = new AbortController();
  const value = await run(
    async () => {
      controller.abort();
      await sleep("1h").catch(() => currentTask()?.uncancel());
      await sleep(1);
      return "value";
    },
    { signal: controller.signal },
  );
  expect(value).toBe("value");
});
