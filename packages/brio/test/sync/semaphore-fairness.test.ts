import { CancelledError, createTask, gather, Semaphore, sleep, type Task, TimeoutError, waitFor } from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

/** A maker of tasks that acquire the semaphore, keep the permit, and say so. */
function entering(semaphore: Semaphore, events: string[]) {
  return (name: string): Task<void> =>
    createTask(async () => {
      await semaphore.acquire();
      events.push(name);
    });
}

describe("Semaphore, first come first served", () => {
  it("lets tasks that come again queue behind those who wait", async () => {
    await runVirtual(async () => {
      const semaphore = new Semaphore(1);
      const events: string[] = [];
      const twice = (name: string) => async () => {
        for (const round of [1, 2]) {
          await semaphore.acquire();
          events.push(`${name}${round}`);
          await sleep(10);
          semaphore.release();
        }
      };
      await gather(twice("a"), twice("b"), twice("c"));
      expect(events).toEqual(["a1", "b1", "c1", "a2", "b2", "c2"]);
    });
  });

  it("lets a task that releases and acquires in one step queue behind those who wait", async () => {
    await runVirtual(async () => {
      const semaphore = new Semaphore(1);
      const events: string[] = [];
      const enter = entering(semaphore, events);
      const tasks = [
        enter("first"),
        createTask(async () => {
          await semaphore.acquire();
          events.push("second");
          semaphore.release();
          await semaphore.acquire();
          events.push("second again");
        }),
        enter("third"),
      ];
      await sleep(0);
      semaphore.release();
      semaphore.release();
      await gather(...tasks);
      expect(events).toEqual(["first", "second", "third", "second again"]);
    });
  });

  it("is locked while somebody waits, even with permits to spare", async () => {
    await runVirtual(async () => {
      const semaphore = new Semaphore(0);
      const events: string[] = [];
      const enter = entering(semaphore, events);
      enter("waiter");
      await sleep(0);
      semaphore.release();
      semaphore.release(); // one for the waiter, one to spare
      events.push(`${semaphore.statistics().value} to spare, locked: ${semaphore.locked()}`);
      await semaphore.acquire();
      events.push("newcomer");
      expect(events).toEqual(["1 to spare, locked: true", "waiter", "newcomer"]);
    });
  });

  it("wakes everybody who had to queue only because others were in front", async () => {
    await runVirtual(async () => {
      const semaphore = new Semaphore(0);
      const events: string[] = [];
      const enter = entering(semaphore, events);
      const first = createTask(async () => {
        await semaphore.acquire();
        events.push("first");
        createTask(async () => void events.push("started by first"));
      });
      const second = createTask(async () => {
        for (let i = 0; i < 3; i++) semaphore.release();
        events.push(`value ${semaphore.statistics().value}, locked: ${semaphore.locked()}`);
        await semaphore.acquire();
        events.push("second");
      });
      const third = enter("third");
      await gather(first, second, third);
      await sleep(0);
      expect(events).toEqual(["value 2, locked: true", "first", "second", "third", "started by first"]);
      expect(semaphore.statistics()).toEqual({ value: 0, waiting: 0 });
    });
  });
});

describe("Semaphore, when waiters are cancelled", () => {
  it("forgets a cancelled waiter", async () => {
    await runVirtual(async () => {
      const semaphore = new Semaphore();
      await semaphore.acquire();
      const waiter = createTask(() => semaphore.acquire());
      await sleep(0);
      waiter.cancel();
      await expect(waiter).rejects.toThrow(CancelledError);
      expect(semaphore.statistics()).toEqual({ value: 0, waiting: 0 });
    });
  });

  it("gives the permit to the first who is not cancelled", async () => {
    await runVirtual(async () => {
      const semaphore = new Semaphore(0);
      const events: string[] = [];
      const enter = entering(semaphore, events);
      const [a, b] = [enter("a"), enter("b"), enter("c"), enter("d")];
      await sleep(0);
      a.cancel();
      b.cancel();
      semaphore.release();
      await sleep(10);
      expect(events).toEqual(["c"]);
      expect(semaphore.statistics()).toEqual({ value: 0, waiting: 1 });
    });
  });

  it("leaves the permits of cancelled waiters to those behind them, in order", async () => {
    await runVirtual(async () => {
      const semaphore = new Semaphore(0);
      const events: string[] = [];
      const enter = entering(semaphore, events);
      const [a] = [enter("a"), enter("b"), enter("c")];
      await sleep(0);
      a.cancel();
      await sleep(0);
      semaphore.release();
      semaphore.release();
      await sleep(10);
      expect(events).toEqual(["b", "c"]);
    });
  });

  it("hands a permit on when its receiver is cancelled before its turn", async () => {
    await runVirtual(async () => {
      const semaphore = new Semaphore(0);
      const events: string[] = [];
      const enter = entering(semaphore, events);
      const [a] = [enter("a"), enter("b")];
      await sleep(0);
      semaphore.release();
      a.cancel();
      await sleep(10);
      expect(events).toEqual(["b"]);
      expect(semaphore.statistics()).toEqual({ value: 0, waiting: 0 });
    });
  });

  it("keeps the permit of a receiver that is cancelled before its turn when nobody else waits", async () => {
    await runVirtual(async () => {
      const semaphore = new Semaphore(0);
      const waiter = createTask(() => semaphore.acquire());
      await sleep(0);
      semaphore.release();
      waiter.cancel();
      await expect(waiter).rejects.toThrow(CancelledError);
      expect(semaphore.statistics()).toEqual({ value: 1, waiting: 0 });
    });
  });

  it("hands on each of several permits whose receivers are cancelled before their turn", async () => {
    await runVirtual(async () => {
      const semaphore = new Semaphore(0);
      const events: string[] = [];
      const enter = entering(semaphore, events);
      const [a, b] = [enter("a"), enter("b"), enter("c"), enter("d")];
      await sleep(0);
      semaphore.release();
      semaphore.release();
      a.cancel();
      b.cancel();
      await sleep(10);
      expect(events).toEqual(["c", "d"]);
      expect(semaphore.statistics()).toEqual({ value: 0, waiting: 0 });
    });
  });

  it("serves at once all who queued behind a receiver that is cancelled before its turn", async () => {
    await runVirtual(async () => {
      const semaphore = new Semaphore(0);
      const events: string[] = [];
      const enter = entering(semaphore, events);
      const first = createTask(async () => {
        await semaphore.acquire().catch(() => events.push("first cancelled"));
        createTask(async () => void events.push("started by first"));
      });
      await sleep(0);
      // These run before the first, and queue behind it although there is a permit to spare.
      for (const name of ["b", "c", "d"]) enter(name);
      createTask(async () => {
        events.push(`${semaphore.statistics().waiting} wait, value ${semaphore.statistics().value}`);
        first.cancel();
      });
      semaphore.release();
      semaphore.release(); // one promised, one to spare
      await sleep(10);
      expect(events).toEqual(["4 wait, value 1", "first cancelled", "b", "c", "started by first"]);
      expect(semaphore.statistics()).toEqual({ value: 0, waiting: 1 });
    });
  });

  it("takes a cancelled waiter for nobody when a newcomer finds a permit", async () => {
    await runVirtual(async () => {
      const semaphore = new Semaphore(1);
      await semaphore.acquire();
      const waiter = createTask(() => semaphore.acquire());
      await sleep(0);
      waiter.cancel();
      semaphore.release();
      const events: string[] = [];
      createTask(async () => void events.push("other"));
      expect(semaphore.locked()).toBe(false);
      await semaphore.acquire(); // no other task runs
      events.push("newcomer");
      await sleep(0);
      expect(events).toEqual(["newcomer", "other"]);
    });
  });

  it("is free again after the holder has cancelled the one it woke", async () => {
    await runVirtual(async () => {
      const semaphore = new Semaphore(1);
      const events: string[] = [];
      const holder = createTask(async () => {
        await semaphore.with(() => sleep(0));
        heir.cancel();
      });
      const heir = createTask(() => semaphore.with(() => void events.push("heir ran")));
      const [first, second] = await gather([holder, heir], { returnExceptions: true });
      expect([first, second]).toEqual([undefined, expect.any(CancelledError)]);
      expect(await waitFor(() => semaphore.acquire(), 1000)).toBe(semaphore);
      expect(events).toEqual([]);
    });
  });

  it("has all its permits after the time to wait for one was over", async () => {
    await runVirtual(async () => {
      const semaphore = new Semaphore(1);
      await semaphore.acquire();
      await expect(waitFor(() => semaphore.acquire(), 10)).rejects.toThrow(TimeoutError);
      semaphore.release();
      expect(semaphore.statistics()).toEqual({ value: 1, waiting: 0 });
    });
  });
});
