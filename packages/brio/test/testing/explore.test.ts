import { checkpoint, Event, gather, getRunningLoop, Lock, Queue, RuntimeError, sleep, taskGroup } from "brio";
import { explore, runVirtual, type Trial, TrialError } from "brio/testing";
import { describe, expect, it } from "vitest";

/** Three tasks that each take two turns; `seen` gets the order they ran in. */
const twoTurnsEach = (seen: (order: string) => void) => async () => {
  let order = "";
  const twoTurns = (name: string) => async () => {
    for (let i = 0; i < 2; i++) {
      order += name;
      await checkpoint();
    }
  };
  await gather(twoTurns("a"), twoTurns("b"), twoTurns("c"));
  seen(order);
};

describe("explore", () => {
  it("finds every order of three tasks that take two turns each", async () => {
    const orders = new Set<string>();
    const { runs, schedules } = await explore(
      twoTurnsEach((order) => orders.add(order)),
      { seeds: 2000 },
    );
    expect(orders.size).toBe(90); // 6! / (2! 2! 2!)
    expect(runs).toBe(2000);
    expect(schedules).toBeGreaterThanOrEqual(90);
  });

  it("gives the same order for the same seed", async () => {
    const orders: string[] = [];
    const program = twoTurnsEach((order) => orders.push(order));
    await explore(program, { seeds: [3, 14, 15, 92] });
    await explore(program, { seeds: [92, 15, 14, 3] });
    expect(orders.slice(4).reverse()).toEqual(orders.slice(0, 4));
    expect(new Set(orders).size).toBeGreaterThan(1);
  });

  it("finds a race, and says with which seed", async () => {
    const program = async (trial: Trial) => {
      let count = 0;
      trial.check(() => expect(count).toBe(2));
      const increment = async () => {
        const before = count;
        trial.note(`read ${before}`);
        await checkpoint();
        count = before + 1;
      };
      // In brio's own order the first has ended when the second begins.
      await gather(increment, async () => {
        await checkpoint();
        await increment();
      });
    };
    const error = await explore(program).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TrialError);
    const { message, trace } = error as TrialError;
    expect(message).toMatch(/^explore: with seed \d+, something is not in order:/);
    expect(message).toContain("Without reordering, nothing is wrong with it.");
    expect(trace.filter((line) => line.endsWith("read 0"))).toHaveLength(2);
    const seed = Number(/\{ seeds: \[(\d+)\] \}/.exec(message)?.[1]);
    await expect(explore(program, { seeds: [seed] })).rejects.toThrow(message);
  });

  it("says when a program is not in order without reordering either", async () => {
    await expect(explore(() => Promise.reject(new Error("always")))).rejects.toThrow(
      /with seed 0, something is not in order:\n {2}- always(.|\n)*Without reordering, it is not in order either/,
    );
  });

  it("keeps the order of callbacks, which is promised", async () => {
    await explore(async () => {
      const loop = getRunningLoop();
      const events: number[] = [];
      const done = new Event();
      for (let i = 0; i < 5; i++) loop.callSoon(() => void events.push(i));
      loop.callLater("1s", () => void events.push(5));
      loop.callLater("1s", () => done.set());
      await done.wait();
      expect(events).toEqual([0, 1, 2, 3, 4, 5]);
    });
  });

  it("keeps the order of time: what is due later comes later", async () => {
    await explore(async () => {
      const events: number[] = [];
      const at = (time: number) => async () => {
        await sleep(time);
        events.push(time);
      };
      await gather(at(30), at(10), at(20));
      expect(events).toEqual([10, 20, 30]);
    });
  });

  it("gives a program chances of its own, which come again with the seed", async () => {
    const drawn = new Map<number, number[]>();
    let run = 0;
    const program = (trial: Trial) => {
      drawn.set(run++, [trial.random.integer(1000), trial.random.integer(1000)]);
    };
    await explore(program, { seeds: [1, 2, 1] });
    expect(drawn.get(0)).toEqual(drawn.get(2));
    expect(drawn.get(0)).not.toEqual(drawn.get(1));
  });

  it("cancels something at a point left to chance, if asked to", async () => {
    const struck = new Map<string, number>();
    const { runs } = await explore(
      async (trial) => {
        trial.check((outcome) => {
          for (const name of outcome.struck) struck.set(name, (struck.get(name) ?? 0) + 1);
        });
        await taskGroup(async (group) => {
          group.createTask(() => sleep("1s"), { name: "a" });
          group.createTask(() => sleep("2s"), { name: "b" });
        });
      },
      { cancel: "all", seeds: 200 },
    );
    expect(runs).toBe(400);
    expect([...struck.keys()].sort()).toEqual(["a", "b", "body", "main"]);
  });

  it("finds a lock that a cancelled task forgets, in the orders in which that matters", async () => {
    const program = async (trial: Trial) => {
      const lock = trial.watch(new Lock());
      const queue = new Queue<string>();
      await taskGroup(async (group) => {
        group.createTask(async () => {
          await lock.acquire();
          await queue.get(); // cancelled here, it keeps the lock
          lock.release();
        });
        group.createTask(() => queue.put("go"));
      });
    };
    await explore(program);
    await expect(explore(program, { cancel: "main" })).rejects.toThrow(
      /locked is true at the end, and was false/,
    );
  });

  it.each([0, -1, 1.5, Number.NaN])("refuses %s seeds", async (seeds) => {
    await expect(explore(() => {}, { seeds })).rejects.toThrow(/seeds must be an integer >= 1/);
  });

  it("refuses what it can't use", async () => {
    // @ts-expect-error: a promise is no program
    await expect(explore(Promise.resolve())).rejects.toThrow(/takes a function: explore\(async/);
    await expect(explore(() => {}, { seeds: [0.5] })).rejects.toThrow("seed must be an integer; got 0.5");
    await runVirtual(async () => {
      await expect(explore(() => {})).rejects.toThrow(RuntimeError);
    });
  });
});
