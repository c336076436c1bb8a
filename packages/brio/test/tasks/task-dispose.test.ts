import { CancelledError, createTask, getRunningLoop, sleep, uncancellable } from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

describe("await using task", () => {
  it("cancels the task at the end of the block, and waits until it has ended", () =>
    runVirtual(async () => {
      const log: string[] = [];
      {
        await using _ = createTask(async () => {
          try {
            await sleep("1h");
          } catch (error) {
            log.push(String(error instanceof CancelledError && error.reason));
          } finally {
            await uncancellable(() => sleep(5));
            log.push("task ends");
          }
        });
        await sleep(10);
        log.push("block ends");
      }
      log.push(`after it, at ${getRunningLoop().time()}`);
      expect(log).toEqual(["block ends", "disposed", "task ends", "after it, at 15"]);
    }));

  it("does nothing to a task that has ended well", () =>
    runVirtual(async () => {
      let seen: unknown;
      {
        await using task = createTask(() => sleep(1, "value"));
        seen = await task;
      }
      expect(seen).toBe("value");
    }));

  it("throws what the task throws while it is cancelled", () =>
    runVirtual(async () => {
      const block = async (): Promise<void> => {
        await using _ = createTask(() =>
          sleep("1h").catch(() => Promise.reject(new RangeError("cleaning up"))),
        );
        await sleep(0);
      };
      await expect(block()).rejects.toThrow(RangeError);
    }));

  it("throws what the task has thrown before, if nobody has seen it", async () => {
    const reports: string[] = [];
    await runVirtual(async () => {
      getRunningLoop().setExceptionHandler((_loop, { message }) => void reports.push(message));
      const block = async (): Promise<void> => {
        await using _ = createTask(() => Promise.reject(new RangeError("early")));
        await sleep(0);
      };
      await expect(block()).rejects.toThrow("early");
    });
    expect(reports).toEqual([]);
  });

  it("waits for the task to the end, even when the waiting task is cancelled meanwhile", () =>
    runVirtual(async () => {
      const log: string[] = [];
      const outer = createTask(async () => {
        await using _ = createTask(async () => {
          try {
            await sleep("1h");
          } finally {
            await uncancellable(() => sleep(100));
            log.push("inner ends");
          }
        });
        await sleep(1);
      });
      await sleep(50);
      outer.cancel();
      await outer.catch(() => {});
      log.push(`outer has ended at ${getRunningLoop().time()}`);
      expect(log).toEqual(["inner ends", "outer has ended at 101"]);
    }));
});

describe("a task with a signal", () => {
  it("is cancelled, with the signal's reason, when it is aborted", () =>
    runVirtual(async () => {
      const controller = new AbortController();
      const task = createTask(() => sleep("1h"), { signal: controller.signal });
      await sleep(1);
      controller.abort({ why: "closed" });
      await expect(Promise.resolve(task)).rejects.toMatchObject({
        reason: { why: "closed" },
        by: "an AbortSignal",
      });
      expect(task.cancelled()).toBe(true);
    }));

  it("never begins when it was aborted before", () =>
    runVirtual(async () => {
      const log: string[] = [];
      const task = createTask(() => log.push("begun"), { signal: AbortSignal.abort("too late") });
      await expect(Promise.resolve(task)).rejects.toMatchObject({ reason: "too late" });
      expect(log).toEqual([]);
    }));

  it("is not touched by an abort after its end, and does not listen any longer", () =>
    runVirtual(async () => {
      const controller = new AbortController();
      const { signal } = controller;
      let listeners = 0;
      const { addEventListener, removeEventListener } = signal;
      signal.addEventListener = (...args: Parameters<typeof addEventListener>): void => {
        listeners++;
        addEventListener.apply(signal, args);
      };
      signal.removeEventListener = (...args: Parameters<typeof removeEventListener>): void => {
        listeners--;
        removeEventListener.apply(signal, args);
      };
      const task = createTask(() => sleep(1, "value"), { signal });
      expect(listeners).toBe(1);
      await task;
      await sleep(0);
      expect(listeners).toBe(0);
      controller.abort();
      expect([task.result(), task.cancelling()]).toEqual(["value", 0]);
    }));

  it("must be given a signal, and not a controller", () =>
    runVirtual(() => {
      // @ts-expect-error the controller's signal is meant
      expect(() => createTask(() => 1, { signal: new AbortController() })).toThrow(
        /signal must be an AbortSignal/,
      );
    }));
});
