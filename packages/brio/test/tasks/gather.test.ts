import {
  CancelledError,
  coroutine,
  createTask,
  gather,
  getRunningLoop,
  RuntimeError,
  sleep,
  wait,
} from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

const fail = async (delay: number, message: string): Promise<never> => {
  await sleep(delay);
  throw new Error(message);
};

describe("gather", () => {
  it("resolves with the results in the order of the arguments, whoever ends first", () =>
    runVirtual(async () => {
      const results = await gather(
        () => sleep(30, "a"),
        () => sleep(10, "b"),
        () => sleep(20, "c"),
      );
      expect([results, getRunningLoop().time()]).toEqual([["a", "b", "c"], 30]);
    }));

  it("takes an array as well, and mixes coroutines, functions, tasks, futures and promises", () =>
    runVirtual(async () => {
      const future = getRunningLoop().createFuture<string>();
      getRunningLoop().callLater(5, () => future.setResult("future"));
      const echo = coroutine(async (text: string) => text);
      const results = await gather([
        echo("coroutine"),
        () => "function",
        createTask(() => "task"),
        future,
        Promise.resolve("promise"),
      ]);
      expect(results).toEqual(["coroutine", "function", "task", "future", "promise"]);
    }));

  it("ends when the last has ended, not before", () =>
    runVirtual(async () => {
      const loop = getRunningLoop();
      const futures = [1, 2, 3].map(() => loop.createFuture<number>());
      const gathered = gather(futures);
      const states: boolean[] = [];
      for (const i of [1, 0, 2]) {
        futures[i]?.setResult(i);
        await sleep(0);
        states.push(gathered.done());
      }
      expect([await gathered, states]).toEqual([
        [0, 1, 2],
        [false, false, true],
      ]);
    }));

  it("runs an awaitable that was given twice once, and gives its result twice", () =>
    runVirtual(async () => {
      let runs = 0;
      const work = coroutine(async () => ++runs)();
      const other = (): string => "other";
      expect(await gather(work, other, work, other)).toEqual([1, "other", 1, "other"]);
    }));

  it("of nothing is a future that is done, with no results", () =>
    runVirtual(async () => {
      const empty = gather();
      expect([empty.done(), empty.result(), await gather([])]).toEqual([true, [], []]);
      expect(empty.getLoop()).toBe(getRunningLoop());
    }));

  it("is a future of the running loop", () =>
    runVirtual(async () => {
      const gathered = gather(() => 1);
      expect(gathered.getLoop()).toBe(getRunningLoop());
      await gathered;
    }));

  it("needs a running loop", () => {
    expect(() => gather(() => 1)).toThrow(RuntimeError);
    expect(() => gather()).toThrow(/gather\(\) needs a running event loop/);
  });

  it("refuses futures of different loops", async () => {
    const [theirs] = await runVirtual(() => [getRunningLoop().createFuture()] as const);
    await runVirtual(() => {
      expect(() => gather(theirs)).toThrow(RangeError);
      expect(() => gather(theirs)).toThrow(/gather\(\) was given a future of another event loop/);
    });
  });

  it("lets what it has begun go on in peace, when it refuses one of its arguments", async () => {
    const log: string[] = [];
    await runVirtual(async () => {
      getRunningLoop().setExceptionHandler((_loop, { message }) => void log.push(message));
      const work = coroutine(async (text: string) => void log.push(text));
      // @ts-expect-error an object can't be awaited
      expect(() => gather(work("begun"), {})).toThrow(TypeError);
      await sleep(0);
      await sleep(0);
    });
    expect(log).toEqual(["begun"]);
  });

  it("refuses what can't be awaited, and options that are in the wrong place", () =>
    runVirtual(() => {
      // @ts-expect-error a number can't be awaited
      expect(() => gather(42)).toThrow(/gather\(\) takes coroutines, .* futures or promises; got 42/);
      // @ts-expect-error options come after an array
      expect(() => gather(() => 1, { returnExceptions: true })).toThrow(
        /gather\(\) takes options only after an array: gather\(\[a, b\], \{ returnExceptions: true \}\)/,
      );
    }));
});

describe("gather, when a child fails,", () => {
  it("fails at once with the first error; the others go on", () =>
    runVirtual(async () => {
      const slow = createTask(() => sleep(50, "slow"));
      const gathered = gather(
        slow,
        () => fail(10, "first"),
        () => fail(20, "second"),
      );
      await expect(Promise.resolve(gathered)).rejects.toThrow("first");
      expect([getRunningLoop().time(), slow.done()]).toEqual([10, false]);
      expect(await slow).toBe("slow");
    }));

  it("gives errors in their places with returnExceptions", () =>
    runVirtual(async () => {
      const [a, b, c] = await gather([() => sleep(20, "a"), () => fail(10, "b"), () => sleep(5, "c")], {
        returnExceptions: true,
      });
      expect([a, b, c]).toEqual(["a", new Error("b"), "c"]);
      expect(getRunningLoop().time()).toBe(20);
    }));

  it("takes the error of a child that had failed before", () =>
    runVirtual(async () => {
      const failed = createTask(() => fail(0, "early"));
      await wait([failed]);
      await expect(Promise.resolve(gather(() => sleep("1s"), failed))).rejects.toThrow("early");
      expect(getRunningLoop().time()).toBe(0);
    }));

  it("fails with CancelledError when a child was cancelled, but is not cancelled itself", () =>
    runVirtual(async () => {
      const child = createTask(() => sleep("1h"));
      const other = createTask(() => sleep("1s", "other"));
      const gathered = gather(child, other);
      await sleep(0);
      child.cancel("only the child");
      await expect(Promise.resolve(gathered)).rejects.toMatchObject({ reason: "only the child" });
      expect([gathered.cancelled(), gathered.exception() instanceof CancelledError]).toEqual([false, true]);
      expect(await other).toBe("other");
    }));

  it("gives a cancelled child as a CancelledError with returnExceptions", () =>
    runVirtual(async () => {
      const child = createTask(() => sleep("1h"));
      const gathered = gather([child, () => sleep(5, 5)], { returnExceptions: true });
      await sleep(0);
      child.cancel();
      const [first, second] = await gathered;
      expect([first instanceof CancelledError, second]).toEqual([true, 5]);
    }));

  it("may leave children behind that never end", () =>
    runVirtual(async () => {
      const future = getRunningLoop().createFuture();
      const gathered = gather(future, () => fail(1, "boom"));
      await expect(Promise.resolve(gathered)).rejects.toThrow("boom");
      expect(future.done()).toBe(false);
    }));
});

describe("cancelling a gather", () => {
  it("cancels every child that is not done", () =>
    runVirtual(async () => {
      const children = [5, 10, 20].map((delay) => createTask(() => sleep(delay)));
      const gathered = gather(children);
      await sleep(7);
      expect([gathered.cancel(), gathered.done()]).toEqual([true, false]);
      await expect(Promise.resolve(gathered)).rejects.toThrow(CancelledError);
      expect(children.map((child) => child.cancelled())).toEqual([false, true, true]);
      expect(gathered.cancel()).toBe(false);
    }));

  it("happens when the task that awaits it is cancelled", () =>
    runVirtual(async () => {
      const log: string[] = [];
      const child = async (name: string): Promise<void> => {
        try {
          await sleep("1h");
        } finally {
          log.push(`${name} ends`);
        }
      };
      const outer = createTask(async () => {
        await gather(
          () => child("a"),
          () => child("b"),
        );
      });
      await sleep(1);
      outer.cancel();
      await wait([outer]);
      expect([outer.cancelled(), ...log]).toEqual([true, "a ends", "b ends"]);
    }));

  it("is refused when no child is left to be cancelled", () =>
    runVirtual(async () => {
      const child = getRunningLoop().createFuture<number>();
      const gathered = gather(child);
      child.setResult(1);
      expect([gathered.cancel(), gathered.done()]).toEqual([false, false]);
      expect(await gathered).toEqual([1]);
    }));

  it("ends in CancelledError even with returnExceptions, and even if every child swallows it", () =>
    runVirtual(async () => {
      const swallow = (): string => "swallowed";
      const gathered = gather([() => sleep("1h").catch(swallow), () => sleep("2h").catch(swallow)], {
        returnExceptions: true,
      });
      await sleep(1);
      gathered.cancel("enough");
      await expect(Promise.resolve(gathered)).rejects.toThrow(CancelledError);
    }));

  it("passes the reason on to the children", () =>
    runVirtual(async () => {
      const reasons: unknown[] = [];
      const note = (error: unknown): never => {
        reasons.push((error as CancelledError).reason);
        throw error;
      };
      const gathered = gather(
        () => sleep("1h").catch(note),
        () => sleep("1h").catch(note),
      );
      await sleep(0);
      gathered.cancel("closing time");
      await gathered.catch(note).catch(() => {});
      expect(reasons).toEqual(["closing time", "closing time", "closing time"]);
    }));

  it("with a child that ends in an error meanwhile fails with that error", () =>
    runVirtual(async () => {
      const gathered = gather(async () => {
        try {
          await sleep("1h");
        } catch {
          throw new RangeError("while closing");
        }
      });
      await sleep(0);
      gathered.cancel();
      await expect(Promise.resolve(gathered)).rejects.toThrow(RangeError);
    }));
});
