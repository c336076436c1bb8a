import { Barrier, CancelledError, createTask, gather, sleep, TimeoutError, timeout } from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

/** What `parties` tasks get from `barrier.wait()`, one for each of `names`. */
function arriving(barrier: Barrier, events: string[]) {
  return (name: string) =>
    createTask(async () => {
      const index = await barrier.wait();
      events.push(`${name} ${index}`);
    });
}

const whole = { waiting: 0, broken: false };

describe("Barrier, filling", () => {
  it("holds every task back until the last has come", async () => {
    await runVirtual(async () => {
      const barrier = new Barrier(3);
      const events: string[] = [];
      const arrive = arriving(barrier, events);
      const seen: unknown[] = [];
      const tasks = [];
      for (const name of ["a", "b"]) {
        tasks.push(arrive(name));
        await sleep(10);
        seen.push([barrier.nWaiting, String(barrier), [...events]]);
      }
      tasks.push(arrive("c"));
      await gather(...tasks);
      expect(seen).toEqual([
        [1, "<Barrier filling, 1 of 3>", []],
        [2, "<Barrier filling, 2 of 3>", []],
      ]);
      expect(events).toEqual(["c 2", "a 0", "b 1"]);
      expect(barrier.statistics()).toEqual({ parties: 3, ...whole });
    });
  });

  it("gives each task the number of tasks that came before it", async () => {
    await runVirtual(async () => {
      const barrier = new Barrier(5);
      const indices = await gather(...Array.from({ length: 5 }, () => () => barrier.wait()));
      expect(indices).toEqual([0, 1, 2, 3, 4]);
      expect(barrier.statistics()).toEqual({ parties: 5, ...whole });
    });
  });

  it("lets a single party through at once, each time", async () => {
    await runVirtual(async () => {
      const barrier = new Barrier(1);
      const events: string[] = [];
      createTask(async () => void events.push("other"));
      events.push(`index ${await barrier.wait()}`, `index ${await barrier.wait()}`);
      await sleep(0);
      expect(events).toEqual(["index 0", "index 0", "other"]);
      expect(barrier.statistics()).toEqual({ parties: 1, ...whole });
    });
  });

  it("serves again for the same tasks once all have left", async () => {
    await runVirtual(async () => {
      const barrier = new Barrier(3);
      const events: string[] = [];
      const twice = (name: string) => async () => {
        await barrier.wait();
        events.push(`${name} through`);
        const index = await barrier.wait();
        events.push(`${name} through again`);
        return index;
      };
      const indices = await gather(twice("a"), twice("b"), twice("c"));
      expect(events.slice(0, 3).sort()).toEqual(["a through", "b through", "c through"]);
      expect(events.slice(3).sort()).toEqual(["a through again", "b through again", "c through again"]);
      expect([...indices].sort()).toEqual([0, 1, 2]);
      expect(barrier.statistics()).toEqual({ parties: 3, ...whole });
    });
  });

  it("does nothing when it is awaited itself", async () => {
    await runVirtual(async () => {
      const barrier = new Barrier(2);
      await barrier;
      expect(String(barrier)).toBe("<Barrier filling, 0 of 2>");
    });
  });

  it.each([0, -4, 1.5, Number.NaN])("refuses %d parties", (parties) => {
    expect(() => new Barrier(parties)).toThrow(RangeError);
  });
});

describe("Barrier, draining", () => {
  it("drains until the last task has left, and counts nobody as waiting meanwhile", async () => {
    await runVirtual(async () => {
      const barrier = new Barrier(3);
      const seen: unknown[] = [];
      const task = () => async () => {
        await barrier.wait();
        seen.push([String(barrier), barrier.nWaiting]);
      };
      await gather(task(), task(), task());
      expect(seen).toEqual([
        ["<Barrier draining, 2 of 3>", 0],
        ["<Barrier draining, 1 of 3>", 0],
        ["<Barrier filling, 0 of 3>", 0],
      ]);
    });
  });

  it("makes a task that comes while it drains wait for the next filling", async () => {
    await runVirtual(async () => {
      const barrier = new Barrier(3);
      const events: string[] = [];
      const again = (name: string) => async () => {
        await barrier.wait();
        events.push(`${name} out`);
        await barrier.wait();
        events.push(`${name} out again`);
      };
      const tasks = ["a", "b", "c"].map((name) => createTask(again(name)));
      await gather(...tasks);
      // The last to arrive leaves first, comes back at once, and passes nobody who has not left yet.
      expect(events.slice(0, 3)).toEqual(["c out", "a out", "b out"]);
      expect(events.slice(3).every((event) => event.endsWith("again"))).toBe(true);
    });
  });

  it("counts those who came while it drained as the first of the next filling", async () => {
    await runVirtual(async () => {
      const barrier = new Barrier(2);
      const events: string[] = [];
      const arrive = arriving(barrier, events);
      arrive("a");
      await sleep(0);
      const b = createTask(async () => {
        await barrier.wait(); // drains: a has not left
        events.push("b out");
        events.push(`b ${await barrier.wait()}`);
      });
      await sleep(10);
      expect(events).toEqual(["b out", "a 0"]);
      expect(barrier.nWaiting).toBe(1);
      arrive("c");
      await b;
      expect(events.slice(2).sort()).toEqual(["b 0", "c 1"]);
    });
  });
});

describe("Barrier, when a waiter is cancelled", () => {
  it("lets it leave, and waits for another in its place", async () => {
    await runVirtual(async () => {
      const barrier = new Barrier(3);
      const events: string[] = [];
      const arrive = arriving(barrier, events);
      const a = arrive("a");
      const rest = [arrive("b")];
      await sleep(0);
      a.cancel();
      await expect(a).rejects.toThrow(CancelledError);
      expect(barrier.statistics()).toEqual({ parties: 3, waiting: 1, broken: false });
      rest.push(arrive("c"));
      await sleep(10);
      expect(events).toEqual([]);
      rest.push(arrive("d"));
      await gather(...rest);
      expect(events.map((event) => event.slice(0, 1)).sort()).toEqual(["b", "c", "d"]);
      expect(barrier.statistics()).toEqual({ parties: 3, ...whole });
    });
  });

  it("is not broken by a waiter whose time is over", async () => {
    await runVirtual(async () => {
      const barrier = new Barrier(2);
      await expect(timeout(10, () => barrier.wait())).rejects.toThrow(TimeoutError);
      const [first, second] = await gather(
        () => barrier.wait(),
        () => barrier.wait(),
      );
      expect([first, second]).toEqual([0, 1]);
    });
  });

  it("is empty again when one that drains is cancelled before it has left", async () => {
    await runVirtual(async () => {
      const barrier = new Barrier(2);
      const a = createTask(() => barrier.wait());
      await sleep(0);
      const b = createTask(async () => {
        await barrier.wait();
        a.cancel(); // let go, but not gone yet
      });
      await b;
      await expect(a).rejects.toThrow(CancelledError);
      expect(String(barrier)).toBe("<Barrier filling, 0 of 2>");
    });
  });
});
