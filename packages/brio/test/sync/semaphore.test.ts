import { BoundedSemaphore, createTask, gather, RuntimeError, Semaphore, sleep } from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

describe("Semaphore", () => {
  it("has one permit unless it is told how many", async () => {
    await runVirtual(async () => {
      const semaphore = new Semaphore();
      const states = [semaphore.locked()];
      await semaphore.acquire();
      states.push(semaphore.locked());
      semaphore.release();
      states.push(semaphore.locked());
      expect(states).toEqual([false, true, false]);
    });
  });

  it("is locked from the beginning with 0 permits", () => {
    expect(new Semaphore(0).locked()).toBe(true);
  });

  it("resolves acquire with the semaphore itself, whether or not it had to wait", async () => {
    await runVirtual(async () => {
      const semaphore = new Semaphore(1);
      expect(await semaphore.acquire()).toBe(semaphore);
      const waiter = createTask(() => semaphore.acquire());
      await sleep(0);
      semaphore.release();
      expect(await waiter).toBe(semaphore);
    });
  });

  it("lets as many in as there are permits, and the rest one for each release", async () => {
    await runVirtual(async () => {
      const semaphore = new Semaphore(3);
      const events: string[] = [];
      await semaphore.acquire();
      await semaphore.acquire();
      const enter = (name: string) =>
        createTask(async () => {
          await semaphore.acquire();
          events.push(name);
        });
      const tasks = ["a", "b", "c"].map(enter);
      await sleep(0);
      expect(events).toEqual(["a"]);
      expect(semaphore.statistics()).toEqual({ value: 0, waiting: 2 });
      tasks.push(enter("d"));
      semaphore.release();
      semaphore.release();
      expect(semaphore.statistics()).toEqual({ value: 0, waiting: 2 }); // both are promised
      await sleep(0);
      expect(events).toEqual(["a", "b", "c"]);
      expect(semaphore.statistics()).toEqual({ value: 0, waiting: 1 });
      semaphore.release();
      await gather(...tasks);
      expect(events).toEqual(["a", "b", "c", "d"]);
    });
  });

  it("lets no other task run when there is a permit", async () => {
    await runVirtual(async () => {
      const semaphore = new Semaphore(2);
      const events: string[] = [];
      const other = createTask(async () => void events.push("other"));
      await semaphore.acquire();
      await semaphore.acquire();
      events.push("acquired twice");
      await other;
      expect(events).toEqual(["acquired twice", "other"]);
    });
  });

  it("takes permits that were never acquired, and has more than it began with", async () => {
    await runVirtual(async () => {
      const semaphore = new Semaphore(1);
      semaphore.release();
      expect(semaphore.statistics()).toEqual({ value: 2, waiting: 0 });
      await semaphore.acquire();
      await semaphore.acquire();
      expect(semaphore.locked()).toBe(true);
    });
  });

  it("is not acquired by awaiting the semaphore itself", async () => {
    await runVirtual(async () => {
      const semaphore = new Semaphore();
      await semaphore;
      expect(semaphore.statistics()).toEqual({ value: 1, waiting: 0 });
    });
  });

  it.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])("refuses to begin with %d permits", (value) => {
    expect(() => new Semaphore(value)).toThrow(RangeError);
    expect(() => new BoundedSemaphore(value)).toThrow(RangeError);
  });

  it("says in a string what it is, how many permits it has and how many wait", async () => {
    await runVirtual(async () => {
      const semaphore = new Semaphore(1);
      const shown = [String(semaphore), String(new BoundedSemaphore(4))];
      await semaphore.acquire();
      shown.push(String(semaphore));
      const waiter = createTask(() => semaphore.acquire());
      await sleep(0);
      shown.push(String(semaphore));
      semaphore.release();
      await waiter;
      expect(shown).toEqual([
        "<Semaphore value 1, 0 waiting>",
        "<BoundedSemaphore value 4, 0 waiting>",
        "<Semaphore value 0, 0 waiting>",
        "<Semaphore value 0, 1 waiting>",
      ]);
    });
  });
});

describe("Semaphore, held for a piece of work", () => {
  it("bounds how many functions given to with() run at once", async () => {
    await runVirtual(async () => {
      const semaphore = new Semaphore(2);
      const events: string[] = [];
      const work = (name: string, length: number) => () =>
        semaphore.with(async () => {
          events.push(`${name} in`);
          await sleep(length);
          events.push(`${name} out`);
          return name;
        });
      const names = await gather(work("a", 30), work("b", 10), work("c", 10));
      expect(names).toEqual(["a", "b", "c"]);
      expect(events).toEqual(["a in", "b in", "b out", "c in", "c out", "a out"]);
      expect(semaphore.statistics()).toEqual({ value: 2, waiting: 0 });
    });
  });

  it("gets its permit back from with() when the function throws or its task is cancelled", async () => {
    await runVirtual(async () => {
      const semaphore = new Semaphore(1);
      const failure = new Error("no");
      const fail = (): never => {
        throw failure;
      };
      await expect(semaphore.with(fail)).rejects.toBe(failure);
      expect(semaphore.statistics().value).toBe(1);
      const sleeper = createTask(() => semaphore.with(() => sleep("1h")));
      await sleep(0);
      expect(semaphore.statistics().value).toBe(0);
      sleeper.cancel();
      await sleep(0);
      expect(semaphore.statistics().value).toBe(1);
    });
  });

  it("gets its permit back at the end of a block that holds it with await using", async () => {
    await runVirtual(async () => {
      const semaphore = new Semaphore(1);
      const states: boolean[] = [];
      {
        await using held = await semaphore.acquire();
        states.push(held.locked());
      }
      states.push(semaphore.locked());
      expect(states).toEqual([true, false]);
    });
  });
});

describe("BoundedSemaphore", () => {
  it("refuses a release above the permits it began with, and is as it was before", async () => {
    await runVirtual(async () => {
      const semaphore = new BoundedSemaphore(2);
      await semaphore.acquire();
      semaphore.release();
      expect(() => semaphore.release()).toThrow(RangeError);
      expect(semaphore.statistics()).toEqual({ value: 2, waiting: 0 });
    });
  });

  it("hands permits over to who waits as a Semaphore does", async () => {
    await runVirtual(async () => {
      const semaphore = new BoundedSemaphore();
      const events: string[] = [];
      const tasks = ["a", "b", "c"].map((name) =>
        createTask(() =>
          semaphore.with(async () => {
            await sleep(1);
            events.push(name);
          }),
        ),
      );
      await gather(...tasks);
      expect(events).toEqual(["a", "b", "c"]);
      expect(semaphore.statistics()).toEqual({ value: 1, waiting: 0 });
    });
  });

  it("refuses a release too many even while a permit is on its way to a waiter", async () => {
    await runVirtual(async () => {
      const semaphore = new BoundedSemaphore(1);
      await semaphore.acquire();
      const waiter = createTask(() => semaphore.acquire());
      await sleep(0);
      semaphore.release(); // promised to the waiter: as good as taken
      semaphore.release();
      await waiter;
      expect(() => semaphore.release()).toThrow(RangeError);
    });
  });

  it("is released at the end of a block only if it was acquired", async () => {
    await runVirtual(async () => {
      const semaphore = new BoundedSemaphore();
      const forgetful = async () => {
        await using _held = await semaphore; // .acquire() is missing
      };
      await expect(forgetful()).rejects.toThrow(RangeError);
      await expect(forgetful()).rejects.not.toThrow(RuntimeError);
    });
  });
});
