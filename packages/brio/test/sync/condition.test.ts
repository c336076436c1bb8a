import { Condition, createTask, Lock, RuntimeError, sleep } from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

/** Starts a task that takes the condition, waits to be notified, says so, and releases it. */
function waiterOf(condition: Condition, events: string[]) {
  return (name: string) =>
    createTask(async () => {
      await condition.acquire();
      const woken = await condition.wait();
      events.push(`${name} ${woken}`);
      condition.release();
    });
}

describe("Condition", () => {
  it("releases its lock while it waits, and has it again when the wait is over", async () => {
    await runVirtual(async () => {
      const condition = new Condition();
      const events: string[] = [];
      const waiter = createTask(async () => {
        await condition.acquire();
        await condition.wait();
        events.push(`woken, locked: ${condition.locked()}`);
      });
      await sleep(0);
      events.push(`waiting, locked: ${condition.locked()}`);
      await condition.acquire();
      condition.notify();
      await sleep(10);
      events.push("notified, lock not released yet");
      condition.release();
      await waiter;
      expect(events).toEqual([
        "waiting, locked: false",
        "notified, lock not released yet",
        "woken, locked: true",
      ]);
    });
  });

  it("wakes by notify() the one that waits longest", async () => {
    await runVirtual(async () => {
      const condition = new Condition();
      const events: string[] = [];
      const waiter = waiterOf(condition, events);
      for (const name of ["a", "b", "c"]) waiter(name);
      await sleep(0);
      await condition.with(() => condition.notify());
      await sleep(10);
      events.push("next");
      await condition.with(() => condition.notify());
      await sleep(10);
      expect(events).toEqual(["a true", "next", "b true"]);
      expect(condition.statistics().waiting).toBe(1);
    });
  });

  it("hands the lock to those it woke one after the other, in their order", async () => {
    await runVirtual(async () => {
      const condition = new Condition();
      const events: string[] = [];
      const holder = (name: string) =>
        createTask(async () => {
          await condition.acquire();
          await condition.wait();
          events.push(name);
        });
      for (const name of ["a", "b", "c"]) holder(name);
      await sleep(0);
      await condition.acquire();
      condition.notify(2);
      await sleep(0);
      for (const _ of [1, 2]) {
        events.push("release");
        condition.release();
        await sleep(0);
      }
      events.push("notify, release");
      condition.notify();
      condition.release();
      await sleep(0);
      await sleep(0);
      expect(events).toEqual(["release", "a", "release", "b", "notify, release", "c"]);
      expect(condition.locked()).toBe(true); // by c
    });
  });

  it("wakes by notify(n) the first n, not counting those that are on their way already", async () => {
    await runVirtual(async () => {
      const condition = new Condition();
      const events: string[] = [];
      const waiter = waiterOf(condition, events);
      for (const name of ["a", "b", "c", "d"]) waiter(name);
      await sleep(0);
      await condition.with(() => {
        condition.notify(1);
        condition.notify(2);
      });
      await sleep(10);
      expect(events).toEqual(["a true", "b true", "c true"]);
    });
  });

  it("wakes everybody by notify(n) with an n that is larger than the line", async () => {
    await runVirtual(async () => {
      const condition = new Condition();
      const events: string[] = [];
      const waiter = waiterOf(condition, events);
      for (const name of ["a", "b", "c"]) waiter(name);
      await sleep(0);
      await condition.with(() => condition.notify(1));
      await sleep(10);
      events.push("many");
      await condition.with(() => {
        condition.notify(1);
        condition.notify(2048);
      });
      await sleep(10);
      expect(events).toEqual(["a true", "many", "b true", "c true"]);
    });
  });

  it("wakes everybody who waits now by notifyAll(), and nobody who comes later", async () => {
    await runVirtual(async () => {
      const condition = new Condition();
      const events: string[] = [];
      const waiter = waiterOf(condition, events);
      waiter("a");
      waiter("b");
      await sleep(0);
      await condition.with(() => condition.notifyAll());
      waiter("late");
      await sleep(10);
      expect(events).toEqual(["a true", "b true"]);
      expect(condition.statistics().waiting).toBe(1);
    });
  });

  it("does nothing by notify() when nobody waits", async () => {
    await runVirtual(async () => {
      const condition = new Condition();
      const events: string[] = [];
      await condition.with(() => condition.notify());
      waiterOf(condition, events)("late");
      await sleep(10);
      expect(events).toEqual([]);
    });
  });

  it("refuses to wait without its lock", async () => {
    await runVirtual(async () => {
      await expect(new Condition().wait()).rejects.toThrow(RuntimeError);
    });
  });

  it("refuses to notify one or all without its lock", () => {
    expect(() => new Condition().notify()).toThrow(RuntimeError);
    expect(() => new Condition().notifyAll()).toThrow(RuntimeError);
  });

  it("refuses to be released when it is not locked", () => {
    expect(() => new Condition().release()).toThrow(RuntimeError);
  });
});

describe("Condition.waitFor", () => {
  it("looks again at each notification, and goes on when the predicate holds", async () => {
    await runVirtual(async () => {
      const condition = new Condition();
      const events: string[] = [];
      let stock = 0;
      const buyer = createTask(() =>
        condition.with(async () => {
          const sold = await condition.waitFor(() => {
            events.push(`looks: ${stock}`);
            return stock > 1;
          });
          events.push(`buys: ${sold}`);
        }),
      );
      await sleep(0);
      for (const delivered of [1, 2]) {
        await condition.with(() => {
          stock = delivered;
          condition.notify();
        });
        await sleep(10);
      }
      await buyer;
      expect(events).toEqual(["looks: 0", "looks: 1", "looks: 2", "buys: true"]);
    });
  });

  it("resolves with the predicate's value, at once and without the lock if it holds already", async () => {
    await runVirtual(async () => {
      const items = [1, 2, 3];
      expect(await new Condition().waitFor(() => items)).toBe(items);
    });
  });

  it("refuses to wait without the lock if the predicate does not hold", async () => {
    await runVirtual(async () => {
      await expect(new Condition().waitFor(() => false)).rejects.toThrow(RuntimeError);
    });
  });

  it("holds the lock when the predicate throws", async () => {
    await runVirtual(async () => {
      const condition = new Condition();
      const failure = new Error("predicate");
      let broken = false;
      const waiter = createTask(async () => {
        await condition.acquire();
        await condition.waitFor(() => {
          if (broken) throw failure;
          return false;
        });
      });
      await sleep(0);
      await condition.with(() => {
        broken = true;
        condition.notify();
      });
      await expect(waiter).rejects.toBe(failure);
      expect(condition.locked()).toBe(true);
    });
  });
});

describe("Condition and its lock", () => {
  it("locks and unlocks one that is shared, whichever of the two is used", async () => {
    await runVirtual(async () => {
      const lock = new Lock();
      const conditions = [new Condition(lock), new Condition(lock)];
      const states = () => [lock.locked(), ...conditions.map((condition) => condition.locked())];
      const seen = [states()];
      await conditions[0]?.with(() => seen.push(states()));
      await lock.with(() => seen.push(states()));
      seen.push(states());
      const [unlocked, locked] = [
        [false, false, false],
        [true, true, true],
      ];
      expect(seen).toEqual([unlocked, locked, locked, unlocked]);
    });
  });

  it("notifies only its own waiters when it shares a lock with another condition", async () => {
    await runVirtual(async () => {
      const lock = new Lock();
      const [filled, emptied] = [new Condition(lock), new Condition(lock)];
      const events: string[] = [];
      waiterOf(filled, events)("consumer");
      waiterOf(emptied, events)("producer");
      await sleep(0);
      await lock.with(() => emptied.notifyAll());
      await sleep(10);
      expect(events).toEqual(["producer true"]);
    });
  });

  it("is held while the function given to with() runs, whatever its end", async () => {
    await runVirtual(async () => {
      const condition = new Condition();
      const seen: boolean[] = [];
      expect(await condition.with(() => seen.push(condition.locked()))).toBe(1);
      seen.push(condition.locked());
      const failure = new Error("no");
      const fail = (): never => {
        throw failure;
      };
      await expect(condition.with(fail)).rejects.toBe(failure);
      seen.push(condition.locked());
      expect(seen).toEqual([true, false, false]);
    });
  });

  it("is released at the end of a block that holds it with await using", async () => {
    await runVirtual(async () => {
      const condition = new Condition();
      const states: boolean[] = [];
      {
        await using held = await condition.acquire();
        expect(held).toBe(condition);
        states.push(condition.locked());
      }
      states.push(condition.locked());
      expect(states).toEqual([true, false]);
    });
  });

  it("tells who waits for a notification and who for the lock, in its statistics and as a string", async () => {
    await runVirtual(async () => {
      const condition = new Condition();
      const seen: unknown[] = [condition.statistics(), String(condition)];
      const waiter = waiterOf(condition, []);
      waiter("a");
      waiter("b");
      await sleep(0);
      seen.push(condition.statistics(), String(condition));
      await condition.acquire();
      condition.notify();
      await sleep(0);
      seen.push(condition.statistics(), String(condition));
      expect(seen).toEqual([
        { locked: false, waiting: 0, waitingForLock: 0 },
        "<Condition unlocked, 0 waiting>",
        { locked: false, waiting: 2, waitingForLock: 0 },
        "<Condition unlocked, 2 waiting>",
        { locked: true, waiting: 1, waitingForLock: 1 },
        "<Condition locked, 1 waiting>",
      ]);
      condition.release();
    });
  });
});
