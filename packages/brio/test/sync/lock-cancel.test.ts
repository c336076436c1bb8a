import { CancelledError, createTask, currentTask, Lock, sleep } from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

/** A maker of tasks that acquire the lock, keep it, and say how it went. */
function contend(lock: Lock, events: string[]) {
  return (name: string) =>
    createTask(
      async () => {
        try {
          await lock.acquire();
          events.push(`${name} has it`);
        } catch (error) {
          if (error instanceof CancelledError) events.push(`${name} cancelled`);
          throw error;
        }
      },
      { name },
    );
}

describe("Lock, when waiters are cancelled", () => {
  it("forgets a cancelled waiter", async () => {
    await runVirtual(async () => {
      const lock = new Lock();
      await lock.acquire();
      const waiter = createTask(() => lock.acquire());
      await sleep(0);
      waiter.cancel();
      await expect(waiter).rejects.toThrow(CancelledError);
      expect(lock.statistics()).toMatchObject({ locked: true, waiting: 0 });
    });
  });

  it("passes over a waiter that was cancelled in the same step as the release, and serves the next", async () => {
    await runVirtual(async () => {
      const lock = new Lock();
      const events: string[] = [];
      const contender = contend(lock, events);
      await lock.acquire();
      const first = contender("first");
      const second = contender("second");
      await sleep(0);
      first.cancel();
      lock.release();
      await second;
      expect(events).toEqual(["first cancelled", "second has it"]);
      expect(first.cancelled()).toBe(true);
      expect(lock.locked()).toBe(true);
    });
  });

  it("passes the wake-up on when the waiter it was meant for is cancelled before its turn", async () => {
    await runVirtual(async () => {
      const lock = new Lock();
      const events: string[] = [];
      const contender = contend(lock, events);
      await lock.acquire();
      const first = contender("first");
      const second = contender("second");
      await sleep(0);
      lock.release();
      first.cancel();
      await second;
      expect(events).toEqual(["first cancelled", "second has it"]);
      expect(lock.statistics()).toEqual({ locked: true, holder: "second", waiting: 0 });
    });
  });

  it("is given to one waiter only when a release meets a cancellation", async () => {
    await runVirtual(async () => {
      const lock = new Lock();
      const events: string[] = [];
      const contender = contend(lock, events);
      await lock.acquire();
      const [first, , third] = [contender("first"), contender("second"), contender("third")];
      await sleep(0);
      first.cancel();
      lock.release();
      await sleep(10);
      expect(events).toEqual(["first cancelled", "second has it"]);
      third.cancel();
      await expect(third).rejects.toThrow(CancelledError);
      expect(lock.statistics()).toMatchObject({ locked: true, waiting: 0 });
    });
  });

  it("passes a wake-up along a whole row of waiters that are cancelled in turn", async () => {
    await runVirtual(async () => {
      const lock = new Lock();
      const events: string[] = [];
      const contender = contend(lock, events);
      await lock.acquire();
      const row = ["a", "b", "c"].map(contender);
      const last = contender("last");
      await sleep(0);
      lock.release();
      for (const task of row) task.cancel();
      await last;
      expect(events).toEqual(["a cancelled", "b cancelled", "c cancelled", "last has it"]);
    });
  });

  it("wakes the next only when the cancelled one in front has had its turn", async () => {
    await runVirtual(async () => {
      const lock = new Lock();
      const events: string[] = [];
      const contender = contend(lock, events);
      await lock.acquire();
      const [first, second] = [contender("first"), contender("second")];
      await sleep(0);
      first.cancel();
      lock.release();
      createTask(async () => void events.push("another task"));
      await second;
      expect(events).toEqual(["first cancelled", "another task", "second has it"]);
    });
  });

  it("wakes nobody when one who waits behind others is cancelled", async () => {
    await runVirtual(async () => {
      const lock = new Lock();
      const events: string[] = [];
      const contender = contend(lock, events);
      await lock.acquire();
      contender("first");
      const second = contender("second");
      await sleep(0);
      second.cancel();
      await sleep(10);
      expect(events).toEqual(["second cancelled"]);
      expect(lock.statistics()).toMatchObject({ locked: true, waiting: 1 });
    });
  });

  it("is free for a newcomer at once when all who waited are cancelled", async () => {
    await runVirtual(async () => {
      const lock = new Lock();
      const events: string[] = [];
      const contender = contend(lock, events);
      await lock.acquire();
      const waiter = contender("waiter");
      await sleep(0);
      waiter.cancel();
      lock.release();
      await lock.acquire(); // no other task runs: the cancelled waiter does not count
      events.push("newcomer has it");
      await sleep(0);
      expect(events).toEqual(["newcomer has it", "waiter cancelled"]);
      expect(lock.statistics()).toMatchObject({ locked: true, waiting: 0 });
    });
  });

  it("leaves the lock to the newcomer who took it when the woken waiter is cancelled too late", async () => {
    await runVirtual(async () => {
      const lock = new Lock();
      const events: string[] = [];
      const contender = contend(lock, events);
      await lock.acquire();
      const [first, second] = [contender("first"), contender("second")];
      await sleep(0);
      lock.release();
      await sleep(0); // first has it
      first.cancel();
      await sleep(10);
      expect(events).toEqual(["first has it"]);
      expect(second.done()).toBe(false);
    });
  });
});

describe("Lock, in a cancelled scope", () => {
  it("refuses to wait, and keeps the refused out of the line", async () => {
    await runVirtual(async () => {
      const lock = new Lock();
      await lock.acquire();
      const events: string[] = [];
      const task = createTask(async () => {
        await sleep("1h").catch(() => {});
        await lock.acquire().catch((error: unknown) => events.push(String((error as Error).name)));
      });
      await sleep(0);
      task.cancel();
      await task;
      expect(events).toEqual(["CancelledError"]);
      expect(lock.statistics().waiting).toBe(0);
    });
  });

  it("is still acquired where there is nothing to wait for", async () => {
    await runVirtual(async () => {
      const lock = new Lock();
      const events: string[] = [];
      const task = createTask(async () => {
        currentTask()?.cancel();
        await lock.acquire();
        events.push("acquired");
        lock.release();
        await sleep(1);
        events.push("slept");
      });
      await expect(task).rejects.toThrow(CancelledError);
      expect(events).toEqual(["acquired"]);
    });
  });
});
