import { CancelledError, createTask, run, sleep } from "brio";
import { describe, expect, expectTypeOf, it } from "vitest";
import { leavesNothing } from "../left-behind.ts";
import { add, area, count, countSlowly, fail, inTurn, nap, pieces, waitForCancel } from "./fixtures/jobs.ts";
import { collected, said, sharedWords, threadPool } from "./pools.ts";

leavesNothing();

describe("map over threads", () => {
  it("gives results in order, of what is iterable or becomes so", async () => {
    await run(async () => {
      await using pool = threadPool();
      const numbers = Array.from({ length: 300 }, (_, n) => n);
      expect(await collected(pool.map(area, numbers))).toEqual(numbers.map((n) => 3 * n * n));
      const slowly = async function* () {
        for (const n of [1, 2, 3]) yield await sleep(1, n);
      };
      expect(await collected(pool.map(area, slowly()))).toEqual([3, 12, 27]);
      expectTypeOf(pool.map(area, [1])).toEqualTypeOf<AsyncGenerator<number, void, undefined>>();
      // @ts-expect-error The items are not what the function takes.
      expect(() => pool.map(area, ["a"])).not.toThrow();
    });
  });

  it("gives results as they come, if it is told to", async () => {
    await run(async () => {
      await using pool = threadPool();
      const shared = sharedWords(1);
      const items = [
        { shared, waits: true },
        { shared, waits: false },
      ];
      const results: string[] = [];
      for await (const result of pool.map(inTurn, items, { ordered: false })) {
        results.push(result);
        // Only now can the other go on.
        Atomics.store(shared, 0, 1);
        Atomics.notify(shared, 0);
      }
      expect(results).toEqual(["at once", "waited"]);
    });
  });

  it("takes items only as results are taken", async () => {
    await run(async () => {
      await using pool = threadPool();
      let taken = 0;
      const endless = function* () {
        for (;;) yield ++taken;
      };
      const results: number[] = [];
      for await (const result of pool.map(area, endless(), { lookAhead: 4 })) {
        expect(taken).toBeLessThanOrEqual(results.length + 5);
        if (results.push(result) === 10) break;
      }
      expect(results).toEqual(Array.from({ length: 10 }, (_, n) => 3 * (n + 1) ** 2));
      expect(pool.statistics()).toMatchObject({ busy: 0, queued: 0 });
    });
  });

  it("cancels what is under way when its loop is left, or its reader cancelled", async () => {
    await run(async () => {
      await using pool = threadPool();
      const all = [sharedWords(), sharedWords()];
      const reader = createTask(async () => {
        for await (const _ of pool.map(waitForCancel, all));
      });
      for (const words of all) await said(words, 0);
      reader.cancel();
      await expect(reader).rejects.toThrow(CancelledError);
      expect(all.map((words) => words[2])).toEqual([1, 1]);
      expect(pool.statistics()).toMatchObject({ busy: 0, cancelled: 2, replaced: 0 });
    });
  });
});

describe("stream from a thread", () => {
  it("gives what a generator there yields", async () => {
    await run(async () => {
      await using pool = threadPool();
      expect(await collected(pool.stream(count, 100))).toEqual(Array.from({ length: 100 }, (_, n) => n + 1));
      expect(await collected(pool.stream(countSlowly, 3))).toEqual([1, 2, 3]);
      expectTypeOf(pool.stream(countSlowly, 3)).toEqualTypeOf<AsyncGenerator<number, void, undefined>>();
    });
  });

  it("moves what is to be moved", async () => {
    await run(async () => {
      await using pool = threadPool();
      const lengths = (await collected(pool.stream(pieces, 3))).map(([piece, left]) => [piece.length, left]);
      // What was moved away has no length there when the next one is made.
      expect(lengths).toEqual([
        [1000, 0],
        [1000, 0],
        [1000, 0],
      ]);
    });
  });

  it("is only some items ahead of its reader, and ends there when its loop is left", async () => {
    await run(async () => {
      await using pool = threadPool();
      const words = sharedWords();
      for await (const n of pool.stream(count, 1_000_000, words)) {
        if (n < 100) continue;
        expect(words[0]).toBe(0);
        break;
      }
      expect(words[0]).toBe(1); // its finally has run
      expect(words[1]).toBeLessThan(150);
      expect(pool.statistics()).toMatchObject({ busy: 0, cancelled: 1, replaced: 0 });
    });
  });

  it("throws what the generator throws, behind its items; and says if there is nothing to iterate", async () => {
    await run(async () => {
      await using pool = threadPool();
      const got: unknown[] = [];
      await expect(async () => {
        for await (const item of pool.stream(count, 3, "no shared array" as never)) got.push(item);
      }).rejects.toThrow(TypeError);
      expect(got).toEqual([]);
      await expect(collected(pool.stream(fail as never, "broken"))).rejects.toThrow("broken");
      await expect(collected(pool.stream(nap as never, 1, 5))).rejects.toThrow(
        "stream() needs a function that gives something to iterate, such as a generator function; jobs#nap gave 5",
      );
      expect(await pool.submit(add, 1, 2)).toBe(3);
    });
  });
});
