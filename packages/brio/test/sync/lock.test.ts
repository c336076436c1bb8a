import { CancelledError, createTask, Lock, RuntimeError, sleep, TimeoutError, timeout } from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

describe("Lock", () => {
  it("is unlocked at first, locked by acquire, and unlocked by release", async () => {
    await runVirtual(async () => {
      const lock = new Lock();
      const states = [lock.locked()];
      await lock.acquire();
      states.push(lock.locked());
      lock.release();
      states.push(lock.locked());
      expect(states).toEqual([false, true, false]);
    });
  });

  it("resolves acquire with the lock itself, whether or not it had to wait", async () => {
    await runVirtual(async () => {
      const lock = new Lock();
      expect(await lock.acquire()).toBe(lock);
      const waiter = createTask(() => lock.acquire());
      await sleep(0);
      lock.release();
      expect(await waiter).toBe(lock);
    });
  });

  it("lets no other task run when it is free", async () => {
    await runVirtual(async () => {
      const lock = new Lock();
      const events: string[] = [];
      const other = createTask(async () => void events.push("other"));
      await lock.acquire();
      lock.release();
      await lock.acquire();
      events.push("acquired twice");
      await other;
      expect(events).toEqual(["acquired twice", "other"]);
    });
  });

  it("serves waiters in the order in which they came, one for each release", async () => {
    await runVirtual(async () => {
      const lock = new Lock();
      const events: string[] = [];
      const contender = (name: string) =>
        createTask(async () => {
          await lock.acquire();
          events.push(name);
        });
      await lock.acquire();
      const first = contender("first");
      const second = contender("second");
      await sleep(0);
      events.push("release");
      lock.release();
      await sleep(0);
      await sleep(0);
      const third = contender("third");
      events.push("release");
      lock.release();
      await sleep(0);
      events.push("release");
      lock.release();
      await sleep(0);
      expect(events).toEqual(["release", "first", "release", "second", "release", "third"]);
      expect([first, second, third].map((task) => task.done())).toEqual([true, true, true]);
    });
  });

  it("makes a newcomer queue behind whoever waits, even in the moment in which it is free", async () => {
    await runVirtual(async () => {
      const lock = new Lock();
      const events: string[] = [];
      await lock.acquire();
      const waiter = createTask(async () => {
        await lock.acquire();
        events.push("waiter");
        lock.release();
      });
      await sleep(0);
      lock.release();
      events.push(lock.locked() ? "locked" : "free");
      await lock.acquire();
      events.push("newcomer");
      await waiter;
      expect(events).toEqual(["free", "waiter", "newcomer"]);
    });
  });

  it("stays unlocked between a release and the turn of the waiter that it woke", async () => {
    await runVirtual(async () => {
      const lock = new Lock();
      await lock.acquire();
      const waiter = createTask(() => lock.acquire());
      await sleep(0);
      lock.release();
      expect(lock.locked()).toBe(false);
      expect(() => lock.release()).toThrow(RuntimeError);
      await waiter;
      expect(lock.locked()).toBe(true);
    });
  });

  it("may be released by a task that did not acquire it", async () => {
    await runVirtual(async () => {
      const lock = new Lock();
      await createTask(() => lock.acquire());
      await createTask(async () => lock.release());
      expect(lock.locked()).toBe(false);
    });
  });

  it("refuses to be released when it is not locked", () => {
    expect(() => new Lock().release()).toThrow(RuntimeError);
  });

  it("is not acquired by awaiting the lock itself", async () => {
    await runVirtual(async () => {
      const lock = new Lock();
      await lock;
      expect(lock.locked()).toBe(false);
    });
  });

  it("says in a string whether it is locked, by whom, and how many wait", async () => {
    await runVirtual(
      async () => {
        const lock = new Lock();
        const shown = [String(lock)];
        await lock.acquire();
        shown.push(String(lock));
        createTask(() => lock.acquire());
        createTask(() => lock.acquire());
        await sleep(0);
        shown.push(String(lock));
        expect(shown).toEqual([
          "<Lock unlocked, 0 waiting>",
          '<Lock locked by "owner", 0 waiting>',
          '<Lock locked by "owner", 2 waiting>',
        ]);
      },
      { name: "owner" },
    );
  });

  it("tells in its statistics who holds it and how many wait, at each step of a hand-over", async () => {
    await runVirtual(
      async () => {
        const lock = new Lock();
        const seen = [lock.statistics()];
        await lock.acquire();
        const heir = createTask(() => lock.acquire(), { name: "heir" });
        await sleep(0);
        seen.push(lock.statistics());
        lock.release();
        seen.push(lock.statistics());
        await heir;
        seen.push(lock.statistics());
        lock.release();
        seen.push(lock.statistics());
        expect(seen).toEqual([
          { locked: false, holder: null, waiting: 0 },
          { locked: true, holder: "owner", waiting: 1 },
          { locked: false, holder: null, waiting: 1 },
          { locked: true, holder: "heir", waiting: 0 },
          { locked: false, holder: null, waiting: 0 },
        ]);
      },
      { name: "owner" },
    );
  });
});

describe("Lock, held for a piece of work", () => {
  it("is held while the function given to with() runs, and passes its value on", async () => {
    await runVirtual(async () => {
      const lock = new Lock();
      const events: string[] = [];
      const section = (name: string) =>
        createTask(() =>
          lock.with(async () => {
            events.push(`${name} in`);
            await sleep(10);
            events.push(`${name} out`);
            return name;
          }),
        );
      const [a, b] = [section("a"), section("b")];
      expect([await a, await b]).toEqual(["a", "b"]);
      expect(events).toEqual(["a in", "a out", "b in", "b out"]);
      expect(lock.locked()).toBe(false);
    });
  });

  it("is released by with() when the function throws", async () => {
    await runVirtual(async () => {
      const lock = new Lock();
      const refusal = new Error("no");
      const fail = (): never => {
        throw refusal;
      };
      await expect(lock.with(fail)).rejects.toBe(refusal);
      expect(lock.locked()).toBe(false);
    });
  });

  it("is released by with() when the task is cancelled in it", async () => {
    await runVirtual(async () => {
      const lock = new Lock();
      const task = createTask(() => lock.with(() => sleep("1h")));
      await sleep(5);
      const before = lock.locked();
      task.cancel();
      await expect(task).rejects.toThrow(CancelledError);
      expect([before, lock.locked()]).toEqual([true, false]);
    });
  });

  it("does not run the function given to with() when its wait for the lock is cancelled", async () => {
    await runVirtual(async () => {
      const lock = new Lock();
      const events: string[] = [];
      await lock.acquire();
      const task = createTask(() => lock.with(() => void events.push("ran")));
      await sleep(0);
      task.cancel();
      await expect(task).rejects.toThrow(CancelledError);
      expect(events).toEqual([]);
      expect(lock.locked()).toBe(true); // by main, still
    });
  });

  it("keeps the error of a function that released the lock by mistake and then failed", async () => {
    await runVirtual(async () => {
      const lock = new Lock();
      const failure = new Error("the body's own");
      const body = (): never => {
        lock.release();
        throw failure;
      };
      const error = await lock.with(body).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(RuntimeError);
      expect((error as RuntimeError).cause).toBe(failure);
    });
  });

  it("is released at the end of a block that holds it with await using", async () => {
    await runVirtual(async () => {
      const lock = new Lock();
      const states: boolean[] = [];
      {
        await using held = await lock.acquire();
        states.push(held.locked());
      }
      states.push(lock.locked());
      expect(states).toEqual([true, false]);
    });
  });

  it("is released at the end of a block that throws while it holds it with await using", async () => {
    await runVirtual(async () => {
      const lock = new Lock();
      const failure = new Error("in the block");
      const block = async () => {
        await using _held = await lock.acquire();
        throw failure;
      };
      await expect(block()).rejects.toBe(failure);
      expect(lock.locked()).toBe(false);
    });
  });

  it("reports a block that holds it without having acquired it", async () => {
    await runVirtual(async () => {
      const lock = new Lock();
      const forgetful = async () => {
        await using _held = await lock; // .acquire() is missing
      };
      await expect(forgetful()).rejects.toThrow(RuntimeError);
      expect(lock.locked()).toBe(false);
    });
  });
});

describe("Lock, under a timeout", () => {
  it("is not held, and keeps no place in line, after the time to wait for it was over", async () => {
    await runVirtual(async () => {
      const lock = new Lock();
      await lock.acquire();
      await expect(timeout(10, () => lock.acquire())).rejects.toThrow(TimeoutError);
      expect(lock.statistics().waiting).toBe(0);
      lock.release();
      await sleep(0);
      expect(lock.locked()).toBe(false);
    });
  });
});
