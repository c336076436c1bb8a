import { CancelledError, createTask, gather, getRunningLoop, RuntimeError, shield, sleep, wait } from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

describe("shield", () => {
  it("gives the result of what it shields", () =>
    runVirtual(async () => {
      const inner = getRunningLoop().createFuture<number>();
      const outer = shield(inner);
      inner.setResult(42);
      expect(await outer).toBe(42);
    }));

  it("throws what it throws", () =>
    runVirtual(async () => {
      const inner = getRunningLoop().createFuture();
      const outer = shield(inner);
      inner.setException(new Error("expected"));
      await expect(Promise.resolve(outer)).rejects.toThrow("expected");
    }));

  it("makes a task of a function, in the running loop", () =>
    runVirtual(async () => {
      const outer = shield(async () => 42);
      expect(outer.getLoop()).toBe(getRunningLoop());
      expect(await outer).toBe(42);
    }));

  it("needs a running loop for that", () => {
    expect(() => shield(() => 42)).toThrow(RuntimeError);
    expect(() => shield(() => 42)).toThrow(/shield\(\) needs a running event loop/);
  });

  it("returns what is done already as it is", () =>
    runVirtual(() => {
      const future = getRunningLoop().createFuture<number>();
      future.setResult(42);
      expect(shield(future)).toBe(future);
    }));
});

describe("shield, when the outer side is cancelled,", () => {
  it("leaves the inner side running", () =>
    runVirtual(async () => {
      const inner = createTask(() => sleep("1s", "done in peace"));
      const outer = shield(inner);
      await sleep(0);
      expect([outer.cancel(), outer.cancelled(), inner.done()]).toEqual([true, true, false]);
      expect([await inner, inner.cancelling()]).toEqual(["done in peace", 0]);
    }));

  it("leaves it running also when the task that awaits it is cancelled", () =>
    runVirtual(async () => {
      const log: string[] = [];
      const work = createTask(async () => {
        await sleep("1s");
        log.push("work done");
      });
      const task = createTask(async () => {
        try {
          await shield(work);
        } catch (error) {
          log.push(`interrupted: ${error instanceof CancelledError}`);
          throw error;
        }
      });
      await sleep(1);
      task.cancel();
      await wait([task]);
      expect([task.cancelled(), work.done()]).toEqual([true, false]);
      await work;
      expect(log).toEqual(["interrupted: true", "work done"]);
    }));

  it("drops the result that comes later", async () => {
    const reports: string[] = [];
    await runVirtual(async () => {
      getRunningLoop().setExceptionHandler((_loop, { message }) => void reports.push(message));
      const inner = getRunningLoop().createFuture<number>();
      const outer = shield(inner);
      outer.cancel();
      await sleep(0);
      inner.setResult(42);
      await sleep(0);
      expect([outer.cancelled(), inner.result()]).toEqual([true, 42]);
    });
    expect(reports).toEqual([]);
  });

  it("reports the error that comes later, as nobody awaits it", async () => {
    const reports: unknown[] = [];
    const error = new RangeError("too late");
    await runVirtual(async () => {
      getRunningLoop().setExceptionHandler((_loop, context) => void reports.push(context));
      const inner = getRunningLoop().createFuture();
      const outer = shield(inner);
      outer.cancel();
      await sleep(0);
      inner.setException(error);
      await sleep(0);
      expect(reports).toEqual([
        { message: "RangeError exception in shielded future", exception: error, future: inner },
      ]);
    });
    expect(reports).toHaveLength(1);
  });

  it("reports that error once, however many shields there were", async () => {
    const reports: string[] = [];
    await runVirtual(async () => {
      getRunningLoop().setExceptionHandler((_loop, { message }) => void reports.push(message));
      const inner = getRunningLoop().createFuture();
      for (let i = 0; i < 3; i++) {
        shield(inner).cancel();
        await sleep(0);
      }
      inner.setException(new Error("late"));
      await sleep(0);
    });
    expect(reports).toEqual(["Error exception in shielded future"]);
  });
});

describe("shield, when the inner side is cancelled,", () => {
  it("cancels the outer side", () =>
    runVirtual(async () => {
      const inner = createTask(() => sleep("1h"));
      const outer = shield(inner);
      await sleep(0);
      inner.cancel();
      await expect(Promise.resolve(outer)).rejects.toThrow(CancelledError);
      expect([inner.cancelled(), outer.cancelled()]).toEqual([true, true]);
    }));

  it("throws CancelledError into a task that was not asked to end itself", () =>
    runVirtual(async () => {
      const inner = createTask(() => sleep("1h"));
      const task = createTask(async () => {
        await shield(inner).catch(() => {});
        await sleep("1s");
        return "went on";
      });
      await sleep(0);
      inner.cancel();
      expect([await task, task.cancelling()]).toEqual(["went on", 0]);
    }));
});

describe("shield and gather", () => {
  it("shielding a gather protects all of its children", () =>
    runVirtual(async () => {
      const children = [1, 2].map(() => getRunningLoop().createFuture<number>());
      const gathered = gather(children);
      const outer = shield(gathered);
      await sleep(0);
      expect(outer.cancel()).toBe(true);
      await sleep(0);
      expect([outer.cancelled(), gathered.done()]).toEqual([true, false]);
      children.forEach((child, i) => {
        child.setResult(i);
      });
      expect(await gathered).toEqual([0, 1]);
    }));

  it("gathering shields cancels the shields, and not what they shield", () =>
    runVirtual(async () => {
      const children = [1, 2].map(() => getRunningLoop().createFuture<number>());
      const shields = children.map((child) => shield(child));
      const gathered = gather(shields);
      await sleep(0);
      expect(gathered.cancel()).toBe(true);
      await expect(Promise.resolve(gathered)).rejects.toThrow(CancelledError);
      expect(shields.map((each) => each.cancelled())).toEqual([true, true]);
      expect(children.map((child) => child.done())).toEqual([false, false]);
    }));
});
