import { getRunningLoop, run, type Task, TimeoutError } from "brio";
import { createExecutor, InlineExecutor, ProcessPool, references, ThreadPool, toThread } from "brio/threads";
import { describe, expect, expectTypeOf, it } from "vitest";
import { leavesNothing } from "../left-behind.ts";
import { add, napFor, waitForCancel } from "./fixtures/jobs.ts";
import { said, sharedWords, threadPool } from "./pools.ts";

leavesNothing();

describe("the loop's default executor", () => {
  it("is a pool of threads, made when needed and closed at the end of run()", async () => {
    // Of Node's: the threads of this pool are not told to run on the sources.
    const { basename } = references<typeof import("node:path")>("node:path");
    await run(async () => {
      expect(await toThread(basename, "/tmp/a.txt")).toBe("a.txt");
      expect(await getRunningLoop().runInExecutor(null, basename, "/tmp/b.txt")).toBe("b.txt");
      expectTypeOf(() => toThread(napFor, 1)).returns.toEqualTypeOf<Task<number>>();
    });
  });

  it("can be another, and is closed like the first", async () => {
    const pool = threadPool();
    await run(async () => {
      const loop = getRunningLoop();
      loop.setDefaultExecutor(pool);
      expect(await toThread(add, 1, 2)).toBe(3);
      expect(await loop.runInExecutor(new InlineExecutor(), add, 3, 4)).toBe(7);
      expect(pool.statistics()).toMatchObject({ completed: 1, workers: 1 });
    });
    expect(pool.closed).toBe(true);
    expect(pool.statistics().workers).toBe(0);
  });

  it("has its calls cancelled with the tasks that made them", async () => {
    const words = sharedWords();
    await run(async () => {
      getRunningLoop().setDefaultExecutor(threadPool());
      toThread(waitForCancel, words);
      await said(words, 0);
    });
    expect(words[2]).toBe(1);
  });

  it("can be shut down before, within a time", async () => {
    await run(async () => {
      const loop = getRunningLoop();
      loop.setDefaultExecutor(threadPool());
      const words = sharedWords();
      const call = toThread(waitForCancel, words);
      await said(words, 0);
      await expect(loop.shutdownDefaultExecutor("10ms")).rejects.toThrow(TimeoutError);
      expect([call.cancelled(), words[2]]).toEqual([true, 1]);
      expect(() => toThread(add, 1, 2)).toThrow("the loop's default executor was shut down");
      await loop.shutdownDefaultExecutor();
    });
  });

  it("refuses what is no executor, and no reference", async () => {
    await run(async () => {
      const loop = getRunningLoop();
      expect(() => loop.setDefaultExecutor(5 as never)).toThrow(
        "loop.setDefaultExecutor(executor) takes an executor, such as new ThreadPool() of brio/threads; got 5",
      );
      expect(() => loop.runInExecutor("threads" as never, add, 1, 2)).toThrow(
        "loop.runInExecutor(executor, fn",
      );
      expect(() => toThread((() => 1) as never)).toThrow("toThread() was given a plain function");
    });
  });
});

describe("createExecutor", () => {
  it("makes what the word says", async () => {
    expect(await createExecutor()).toBeInstanceOf(ThreadPool);
    expect(await createExecutor("")).toBeInstanceOf(ThreadPool);
    expect(await createExecutor("threads:3")).toBeInstanceOf(ThreadPool);
    expect(await createExecutor("processes:2")).toBeInstanceOf(ProcessPool);
    expect(await createExecutor("inline")).toBeInstanceOf(InlineExecutor);
  });

  it("refuses words that it does not know, and numbers that make no sense", async () => {
    await expect(createExecutor("thread")).rejects.toThrow(
      `createExecutor() knows "threads", "threads:4", "processes:2", "inline" and "redis://host:port/queue"; got 'thread'`,
    );
    await expect(createExecutor("inline:2")).rejects.toThrow(RangeError);
    await expect(createExecutor("threads:0")).rejects.toThrow(
      "maxWorkers must be a whole number >= 1; got 0",
    );
    await expect(createExecutor(5 as never)).rejects.toThrow(RangeError);
  });
});
