import {
  asCompleted,
  CancelledError,
  coroutine,
  createTask,
  getRunningLoop,
  isCoroutine,
  RuntimeError,
  sleep,
  TimeoutError,
} from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

const nap = coroutine(async (delay: number, name: string) => {
  await sleep(delay);
  return name;
});

describe("asCompleted in a plain for", () => {
  it("gives a coroutine for each, which resolve in the order of completion", () =>
    runVirtual(async () => {
      const log: [string, number][] = [];
      for (const next of asCompleted([nap(150, "b"), nap(100, "a"), nap(200, "c")])) {
        expect(isCoroutine(next)).toBe(true);
        log.push([await next, getRunningLoop().time()]);
      }
      expect(log).toEqual([
        ["a", 100],
        ["b", 150],
        ["c", 200],
      ]);
    }));

  it("runs them at the same time, from the call on", () =>
    runVirtual(async () => {
      const each = asCompleted([nap(100, "a"), nap(100, "b")]);
      await sleep(100);
      const names: string[] = [];
      for (const next of each) names.push(await next);
      expect([names, getRunningLoop().time()]).toEqual([["a", "b"], 100]);
    }));

  it("may be awaited in any order: the first awaited gets the first that ends", () =>
    runVirtual(async () => {
      const [first, second] = asCompleted([nap(50, "quick"), nap(100, "slow")]);
      const late = createTask(async () => await second);
      const early = createTask(async () => await first);
      expect([await early, await late]).toEqual(["slow", "quick"]);
    }));

  it("may be awaited all at once", () =>
    runVirtual(async () => {
      const all = [...asCompleted([nap(50, "a"), nap(100, "b")])];
      expect(await Promise.all(all.map((next) => createTask(next)))).toEqual(["a", "b"]);
    }));

  it("throws what a task throws at its turn, and goes on", () =>
    runVirtual(async () => {
      const log: string[] = [];
      const fail = async (): Promise<never> => {
        await sleep(75);
        throw new Error("broken");
      };
      for (const next of asCompleted([nap(100, "b"), fail, nap(50, "a")])) {
        log.push(await next.then(String, String));
      }
      expect(log).toEqual(["a", "Error: broken", "b"]);
    }));

  it("throws CancelledError for a cancelled task", () =>
    runVirtual(async () => {
      const task = createTask(() => sleep("1h"));
      getRunningLoop().callLater(5, () => task.cancel());
      const [next] = asCompleted([task]);
      await expect(Promise.resolve(next)).rejects.toThrow(CancelledError);
    }));

  it("runs a coroutine that was given twice once, and gives it out once", () =>
    runVirtual(async () => {
      let runs = 0;
      const work = coroutine(async () => ++runs)();
      const results: number[] = [];
      for (const next of asCompleted([work, work])) results.push(await next);
      expect([results, runs]).toEqual([[1], 1]);
    }));

  it("goes on where it stopped, when it is iterated again", () =>
    runVirtual(async () => {
      const each = asCompleted([nap(1, "a"), nap(2, "b"), nap(3, "c")]);
      const names: string[] = [];
      for (const next of each) {
        names.push(await next);
        break;
      }
      for (const next of each) names.push(await next);
      expect(names).toEqual(["a", "b", "c"]);
      expect([...each]).toEqual([]);
    }));

  it("gives nothing for nothing", () =>
    runVirtual(() => {
      expect([...asCompleted([])]).toEqual([]);
    }));
});

describe("asCompleted in a for await", () => {
  it("gives the futures that were put in, done, in the order of completion", () =>
    runVirtual(async () => {
      const tasks = [30, 10, 20].map((delay) => createTask(nap(delay, `${delay}`)));
      const order: number[] = [];
      for await (const task of asCompleted(tasks)) {
        expect(task.done()).toBe(true);
        order.push(tasks.indexOf(task as (typeof tasks)[number])); // only these were put in
      }
      expect([order, getRunningLoop().time()]).toEqual([[1, 2, 0], 30]);
    }));

  it("gives failed ones without throwing", () =>
    runVirtual(async () => {
      const failed = createTask(() => Promise.reject(new Error("broken")));
      for await (const task of asCompleted([failed])) {
        expect(task).toBe(failed);
        expect(task.exception()).toEqual(new Error("broken"));
      }
      expect.assertions(2);
    }));

  it("goes on where it stopped, when it is iterated again", () =>
    runVirtual(async () => {
      const each = asCompleted([nap(1, "a"), nap(2, "b"), nap(3, "c")]);
      const names: string[] = [];
      for await (const future of each) {
        names.push(future.result());
        break;
      }
      for await (const future of each) names.push(future.result());
      expect(names).toEqual(["a", "b", "c"]);
    }));

  it("loses nothing when the wait for the next is cancelled", () =>
    runVirtual(async () => {
      const each = asCompleted([nap(50, "a"), nap(60, "b")]);
      const [first, second] = each;
      const hasty = createTask(async () => await first);
      await sleep(10);
      hasty.cancel();
      await sleep(0);
      expect([hasty.cancelled(), await second]).toEqual([true, "a"]);
    }));
});

describe("asCompleted with a timeout", () => {
  it("throws TimeoutError for each that is left, in a plain for", () =>
    runVirtual(async () => {
      const log: string[] = [];
      for (const next of asCompleted([nap(100, "a"), nap(150, "b"), nap(160, "c")], { timeout: 120 })) {
        try {
          log.push(await next);
        } catch (error) {
          log.push(`${error instanceof TimeoutError} at ${getRunningLoop().time()}`);
        }
      }
      expect(log).toEqual(["a", "true at 120", "true at 120"]);
    }));

  it("throws TimeoutError once, in a for await", () =>
    runVirtual(async () => {
      const log: string[] = [];
      try {
        for await (const future of asCompleted([nap(100, "a"), nap(150, "b")], { timeout: 120 })) {
          log.push(future.result());
        }
      } catch (error) {
        log.push(String(error));
      }
      expect(log).toEqual(["a", "TimeoutError: the time given to asCompleted() was over"]);
    }));

  it("leaves the tasks running", () =>
    runVirtual(async () => {
      const task = createTask(nap(150, "b"));
      const [next] = asCompleted([task], { timeout: 120 });
      await expect(Promise.resolve(next)).rejects.toThrow(TimeoutError);
      expect([task.done(), await task]).toEqual([false, "b"]);
    }));

  it("does nothing when all end in time", () =>
    runVirtual(async () => {
      const names: string[] = [];
      for (const next of asCompleted([nap(10, "a")], { timeout: "1s" })) names.push(await next);
      await sleep("2s");
      expect(names).toEqual(["a"]);
    }));
});

describe("asCompleted refuses", () => {
  it("a single awaitable in place of a list", () =>
    runVirtual(() => {
      for (const single of [nap(1, "a"), createTask(() => 1), () => 1]) {
        // @ts-expect-error none of them is iterable
        expect(() => asCompleted(single)).toThrow(/asCompleted\(\) takes an iterable of awaitables/);
      }
    }));

  it("to work outside a loop", () => {
    expect(() => asCompleted([nap(1, "a")])).toThrow(RuntimeError);
    expect(() => asCompleted([nap(1, "a")])).toThrow(/asCompleted\(\) needs a running event loop/);
  });
});
