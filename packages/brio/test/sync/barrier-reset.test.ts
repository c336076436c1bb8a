import { Barrier, BrokenBarrierError, createTask, gather, RuntimeError, sleep } from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

/** Waits at the barrier, and says under `name` how that went. */
async function pass(barrier: Barrier, events: string[], name: string): Promise<"passed" | "broken"> {
  let outcome: "passed" | "broken" = "passed";
  try {
    await barrier.wait();
  } catch (error) {
    if (!(error instanceof BrokenBarrierError)) throw error;
    outcome = "broken";
  }
  events.push(`${name} ${outcome}`);
  return outcome;
}

describe("Barrier.reset", () => {
  it("leaves an empty barrier as it is", async () => {
    await runVirtual(async () => {
      const barrier = new Barrier(1);
      await barrier.reset();
      expect(String(barrier)).toBe("<Barrier filling, 0 of 1>");
      expect(await barrier.wait()).toBe(0);
    });
  });

  it("sends away who waits, with BrokenBarrierError, and is whole afterwards", async () => {
    await runVirtual(async () => {
      const barrier = new Barrier(3);
      const events: string[] = [];
      const tasks = ["a", "b"].map((name) => createTask(() => pass(barrier, events, name)));
      await sleep(0);
      await barrier.reset();
      expect(String(barrier)).toBe("<Barrier resetting, 2 of 3>");
      await gather(...tasks);
      expect(events).toEqual(["a broken", "b broken"]);
      expect(barrier.statistics()).toEqual({ parties: 3, waiting: 0, broken: false });
      expect(String(barrier)).toBe("<Barrier filling, 0 of 3>");
    });
  });

  it("lets those it has sent away fill the barrier again, with others", async () => {
    await runVirtual(async () => {
      const barrier = new Barrier(3);
      const events: string[] = [];
      const persistent = (name: string) =>
        createTask(async () => {
          await pass(barrier, events, name);
          await pass(barrier, events, `${name} again`);
        });
      const tasks = [persistent("a"), persistent("b")];
      await sleep(0);
      await barrier.reset();
      await sleep(10);
      expect(barrier.nWaiting).toBe(2);
      tasks.push(createTask(async () => void (await pass(barrier, events, "c"))));
      await gather(...tasks);
      expect(events).toEqual(["a broken", "b broken", "c passed", "b again passed", "a again passed"]);
    });
  });

  it("makes who comes while it resets wait for the next filling", async () => {
    await runVirtual(async () => {
      const barrier = new Barrier(2);
      const events: string[] = [];
      createTask(() => pass(barrier, events, "a"));
      await sleep(0);
      createTask(() => pass(barrier, events, "early")); // its step comes before a's
      await barrier.reset();
      await sleep(10);
      expect(events).toEqual(["a broken"]);
      expect(barrier.nWaiting).toBe(1);
      await pass(barrier, events, "late");
      await sleep(0);
      expect(events).toEqual(["a broken", "late passed", "early passed"]);
    });
  });

  it("breaks, while the barrier drains, only for those who have not left yet", async () => {
    await runVirtual(async () => {
      const parties = 5;
      const barrier = new Barrier(parties);
      const events: string[] = [];
      let out = 0;
      const task = (name: string) => async () => {
        if ((await pass(barrier, events, name)) === "passed" && ++out === 3) {
          await barrier.reset();
          events.push(`reset by ${name}`);
        }
      };
      await gather(...["a", "b", "c", "d", "e"].map(task));
      expect(events).toEqual(["e passed", "a passed", "b passed", "reset by b", "c broken", "d broken"]);
      expect(String(barrier)).toBe("<Barrier filling, 0 of 5>");
    });
  });

  it("keeps, while the barrier drains, those who came for the next filling", async () => {
    await runVirtual(async () => {
      const barrier = new Barrier(5);
      const events: string[] = [];
      let out = 0;
      const task = (name: string) => async () => {
        // Each goes through the barrier twice; the third that is through resets it before.
        if ((await pass(barrier, events, name)) === "passed" && ++out === 3) await barrier.reset();
        await pass(barrier, events, `${name} again`);
      };
      await gather(...["a", "b", "c", "d", "e"].map(task));
      expect(events.slice(0, 5)).toEqual(["e passed", "a passed", "b passed", "c broken", "d broken"]);
      expect(events.slice(5).sort()).toEqual(["a", "b", "c", "d", "e"].map((name) => `${name} again passed`));
      expect(String(barrier)).toBe("<Barrier filling, 0 of 5>");
    });
  });

  it("does not disturb those who came for the next filling when the last has left", async () => {
    await runVirtual(async () => {
      const barrier = new Barrier(3);
      const events: string[] = [];
      let out = 0;
      const task = (name: string) => async () => {
        await pass(barrier, events, name);
        if (++out === 3) await barrier.reset();
        await pass(barrier, events, `${name} second`);
        await pass(barrier, events, `${name} third`);
      };
      await gather(task("a"), task("b"), task("c"));
      expect(events.filter((event) => event.endsWith("broken"))).toEqual([]);
      expect(events).toHaveLength(9);
      expect(barrier.statistics()).toEqual({ parties: 3, waiting: 0, broken: false });
    });
  });
});

describe("Barrier.abort", () => {
  it("breaks an empty barrier until it is reset", async () => {
    await runVirtual(async () => {
      const barrier = new Barrier(1);
      await barrier.abort();
      expect(barrier.statistics()).toEqual({ parties: 1, waiting: 0, broken: true });
      await expect(barrier.wait()).rejects.toThrow(BrokenBarrierError);
      await barrier.reset();
      expect(barrier.broken).toBe(false);
      expect(await barrier.wait()).toBe(0);
    });
  });

  it("sends away who waits and who comes later, with an error that is a RuntimeError", async () => {
    await runVirtual(async () => {
      const barrier = new Barrier(3);
      const events: string[] = [];
      const tasks = ["a", "b"].map((name) => createTask(() => pass(barrier, events, name)));
      await sleep(0);
      await barrier.abort();
      await gather(...tasks);
      await pass(barrier, events, "late");
      expect(events).toEqual(["a broken", "b broken", "late broken"]);
      await expect(barrier.wait()).rejects.toThrow(RuntimeError);
    });
  });

  it("breaks a barrier that drains for those inside and for those who came for the next filling", async () => {
    await runVirtual(async () => {
      const barrier = new Barrier(5);
      const events: string[] = [];
      let out = 0;
      const task = (name: string) => async () => {
        if ((await pass(barrier, events, name)) === "broken") return;
        if (++out === 3) await barrier.abort();
        else await pass(barrier, events, `${name} again`);
      };
      await gather(...["a", "b", "c", "d", "e"].map(task));
      expect(events.slice(0, 3)).toEqual(["e passed", "a passed", "b passed"]);
      expect(events.slice(3).sort()).toEqual(["a again broken", "c broken", "d broken", "e again broken"]);
      expect(barrier.broken).toBe(true);
      expect(barrier.nWaiting).toBe(0);
    });
  });

  it("lets the task that failed tell the others, who wait at the barrier for it", async () => {
    await runVirtual(async () => {
      const barrier = new Barrier(4);
      const events: string[] = [];
      const task = (name: string) => async () => {
        try {
          const index = await barrier.wait();
          if (index === 2) throw new TypeError("failed between two phases");
          await pass(barrier, events, name);
        } catch (error) {
          events.push(`${name}: ${(error as Error).name}`);
          await barrier.abort();
        }
      };
      await gather(...["a", "b", "c", "d"].map(task));
      expect(events.sort()).toEqual(["a broken", "b broken", "c: TypeError", "d broken"]);
      expect(barrier.broken).toBe(true);
    });
  });

  it("is mended by a reset once everybody has met elsewhere", async () => {
    await runVirtual(async () => {
      const [work, meeting] = [new Barrier(3), new Barrier(3)];
      const events: string[] = [];
      const task = (name: string) => async () => {
        const index = await work.wait();
        if (index === 1) await work.abort();
        else await pass(work, events, name);
        if ((await meeting.wait()) === 1) await work.reset();
        await meeting.wait();
        await pass(work, events, `${name} after the reset`);
      };
      await gather(task("a"), task("b"), task("c"));
      expect(events.slice(0, 2).sort()).toEqual(["a broken", "c broken"]);
      expect(events.slice(2).sort()).toEqual(["a", "b", "c"].map((name) => `${name} after the reset passed`));
      expect(work.statistics()).toEqual({ parties: 3, waiting: 0, broken: false });
    });
  });

  it("says what happened to the barrier: aborted, or reset", async () => {
    await runVirtual(async () => {
      const barrier = new Barrier(2);
      const waiter = createTask(() => barrier.wait());
      await sleep(0);
      await barrier.reset();
      await expect(waiter).rejects.toThrow("the barrier was reset");
      await barrier.abort();
      await expect(barrier.wait()).rejects.toThrow("the barrier was aborted");
    });
  });

  it("tells its state in a string and how many are inside, from filling to broken", async () => {
    await runVirtual(async () => {
      const barrier = new Barrier(3);
      const events: string[] = [];
      const shown = [String(barrier)];
      const arrive = (name: string) => createTask(() => pass(barrier, events, name));
      arrive("a");
      arrive("b");
      await sleep(0);
      shown.push(String(barrier));
      const c = createTask(async () => {
        await barrier.wait();
        shown.push(String(barrier)); // a and b have not left
        await barrier.reset();
        shown.push(String(barrier));
        await barrier.abort();
        shown.push(String(barrier));
      });
      await c;
      await sleep(10);
      expect(shown).toEqual([
        "<Barrier filling, 0 of 3>",
        "<Barrier filling, 2 of 3>",
        "<Barrier draining, 2 of 3>",
        "<Barrier resetting, 2 of 3>",
        "<Barrier broken, 2 of 3>",
      ]);
      expect(events).toEqual(["a broken", "b broken"]);
    });
  });
});
