import { CancelledError, createTask, ExceptionGroup, gather, run, sleep, TimeoutError, timeout } from "brio";
import { describeTask } from "brio/inspect";
import { references } from "brio/threads";
import { describe, expect, it } from "vitest";
import { leavesNothing } from "../left-behind.ts";
import {
  add,
  area,
  fail,
  nap,
  requestId,
  secret,
  seen,
  spin,
  steps,
  stuck,
  sum,
  uncloneable,
  waitForCancel,
  zeros,
} from "./fixtures/jobs.ts";
import { said, sharedWords, threadPool } from "./pools.ts";

leavesNothing();

const jobs = references<typeof import("./fixtures/jobs.ts")>(new URL("./fixtures/jobs.ts", import.meta.url));

describe("ThreadPool.submit", () => {
  it("runs functions in threads, also of modules that are not imported here", async () => {
    await run(async () => {
      await using pool = threadPool();
      expect(await pool.submit(add, 1, 2)).toBe(3);
      expect(await pool.submit(area, 2)).toBe(12);
      expect(await pool.submit(nap, 1, { deep: [1n] })).toEqual({ deep: [1n] });
      expect(await pool.submit(jobs.double, 4)).toBe(8);
      const zlib = references<typeof import("node:zlib")>("node:zlib");
      expect(await pool.submit(zlib.crc32, "hello")).toBe(0x3610a686);
    });
  });

  it("runs as many calls at once as it has threads, and each of them once", async () => {
    await run(async () => {
      await using pool = threadPool();
      const calls = Array.from({ length: 500 }, (_, n) => pool.submit(add, n, 0));
      expect(await gather(calls)).toEqual(Array.from({ length: 500 }, (_, n) => n));
      const [first, second] = [sharedWords(), sharedWords()];
      const both = [pool.submit(waitForCancel, first), pool.submit(waitForCancel, second)];
      await said(first, 0);
      await said(second, 0);
      expect(pool.statistics()).toMatchObject({ workers: 2, busy: 2, completed: 500 });
      for (const call of both) call.cancel();
      await expect(both[0]).rejects.toThrow(CancelledError);
      await expect(both[1]).rejects.toThrow(CancelledError);
      expect(pool.statistics()).toMatchObject({ cancelled: 2, replaced: 0, queued: 0 });
    });
  });

  it("gives a thread that is free what another was sent and has not begun", async () => {
    await run(async () => {
      await using pool = threadPool();
      // Short calls, so that more are sent ahead.
      await gather(Array.from({ length: 300 }, () => pool.submit(add, 1, 1)));
      const words = sharedWords();
      const long = pool.submit(waitForCancel, words);
      const short = Array.from({ length: 50 }, (_, n) => pool.submit(add, n, n));
      expect(await gather(short)).toEqual(Array.from({ length: 50 }, (_, n) => 2 * n));
      expect(long.done()).toBe(false);
      long.cancel();
      await expect(long).rejects.toThrow(CancelledError);
    });
  });

  it("brings errors back with their class, fields, cause, and both stacks", async () => {
    await run(async () => {
      await using pool = threadPool();
      const range = (await pool.submit(fail, "range").catch((error: unknown) => error)) as RangeError;
      expect(range).toBeInstanceOf(RangeError);
      expect(range).toMatchObject({ message: "too much", limit: 5 });
      expect(range.stack).toMatch(/fixtures\/jobs\.ts.*-- called from --.*thread-pool\.test\.ts/s);
      await expect(pool.submit(fail, "own")).rejects.toMatchObject({
        name: "PaymentError",
        code: "E_PAY",
        amount: 7,
        cause: expect.any(TypeError),
      });
      const group = (await pool.submit(fail, "group").catch((error: unknown) => error)) as ExceptionGroup;
      expect(group).toBeInstanceOf(ExceptionGroup);
      expect(group.subgroup(TypeError)?.exceptions).toHaveLength(1);
      await expect(pool.submit(fail, "value")).rejects.toEqual({ reason: "a plain object" });
      expect(pool.statistics()).toMatchObject({ failed: 4, replaced: 0 });
    });
  });

  it("says which argument can't be copied, or that the result can't, and goes on", async () => {
    await run(async () => {
      await using pool = threadPool({ maxWorkers: 1 });
      const calls = [
        pool.submit(nap, 1, "before"),
        pool.submit(nap, 1, () => {}),
        pool.submit(uncloneable),
        pool.submit(nap, 1, "after"),
      ];
      await expect(calls[1]).rejects.toThrow(
        /^argument 2 of jobs#nap can't be copied: .*could not be cloned/s,
      );
      await expect(calls[2]).rejects.toThrow(/^what jobs#uncloneable returned can't be copied: /);
      expect([await calls[0], await calls[3]]).toEqual(["before", "after"]);
      expect(pool.statistics()).toMatchObject({ workers: 1, failed: 2, replaced: 0 });
    });
  });

  it("moves what is to be moved, there and back, and shares what is shared", async () => {
    await run(async () => {
      await using pool = threadPool();
      const numbers = new Uint8Array([1, 2, 3]);
      expect(await pool.with({ transfer: [numbers.buffer] }).submit(sum, numbers)).toBe(6);
      expect(numbers.byteLength).toBe(0);
      expect((await pool.submit(zeros, 1000)).byteLength).toBe(1000);
      const shared = new Uint8Array(new SharedArrayBuffer(2));
      shared[1] = 7;
      expect(await pool.submit(sum, shared)).toBe(7);
    });
  });

  it("carries context variables and tells progress", async () => {
    await run(async () => {
      await using pool = threadPool();
      requestId.set("r-17");
      secret.set("s");
      expect(await pool.submit(seen)).toEqual(["r-17", "none"]);
      const told: unknown[] = [];
      const onProgress = ({ step }: { step: number }): void =>
        void told.push(`${step} for ${requestId.get()}`);
      told.push(await pool.with({ onProgress }).submit(steps, 2));
      expect(told).toEqual(["1 for r-17", "2 for r-17", "done"]);
    });
  });

  it("shows what a task waits for", async () => {
    await run(async () => {
      await using pool = threadPool();
      const words = sharedWords();
      const call = pool.submit(waitForCancel, words);
      await said(words, 0);
      const [waiting] = describeTask(call).waits;
      expect(waiting?.kind).toBe("executor call");
      expect(waiting?.resource).toMatch(
        /^jobs#waitForCancel \(in thread \d+\) of <ThreadPool, 1 of 1 workers busy, 0 queued>$/,
      );
      expect(call.getName()).toBe("jobs#waitForCancel");
      call.cancel();
      await expect(call).rejects.toThrow(CancelledError);
    });
  });
});

describe("cancelling a call in a thread", () => {
  it("cancels the function there, and waits until it has ended", async () => {
    await run(async () => {
      await using pool = threadPool();
      const words = sharedWords();
      const call = pool.submit(waitForCancel, words);
      await said(words, 0);
      call.cancel("enough");
      await expect(call).rejects.toMatchObject({ name: "CancelledError", reason: "enough" });
      expect([...words]).toEqual([1, 1, 1]);
      expect(pool.statistics()).toMatchObject({ cancelled: 1, replaced: 0 });
    });
  });

  it("never begins a call that was queued", async () => {
    await run(async () => {
      await using pool = threadPool({ maxWorkers: 1 });
      const [first, second] = [sharedWords(), sharedWords()];
      const long = pool.submit(waitForCancel, first);
      await said(first, 0);
      const queued = pool.submit(waitForCancel, second);
      await sleep(0);
      queued.cancel();
      await expect(queued).rejects.toThrow(CancelledError);
      expect(pool.statistics()).toMatchObject({ queued: 0, cancelled: 1, busy: 1 });
      long.cancel();
      await expect(long).rejects.toThrow(CancelledError);
      expect(await pool.submit(add, 1, 1)).toBe(2);
      expect([...second]).toEqual([0, 0, 0]);
    });
  });

  it("reaches a function that computes, through cancelRequested()", async () => {
    await run(async () => {
      await using pool = threadPool();
      const words = sharedWords();
      const call = pool.with({ grace: null }).submit(spin, words);
      await said(words, 0);
      call.cancel();
      await expect(call).rejects.toThrow(CancelledError);
      expect(pool.statistics()).toMatchObject({ cancelled: 1, replaced: 0 });
    });
  });

  it("stops the thread of a function that does not end, and the other calls don't notice", async () => {
    await run(async () => {
      await using pool = threadPool();
      const [endless, other] = [sharedWords(), sharedWords()];
      const bystander = pool.submit(waitForCancel, other);
      await said(other, 0);
      const call = pool.with({ grace: "20ms" }).submit(stuck, endless);
      await said(endless, 0);
      const behind = pool.submit(add, 1, 2);
      call.cancel();
      await expect(call).rejects.toThrow(CancelledError);
      expect(await behind).toBe(3);
      expect(bystander.done()).toBe(false);
      expect(pool.statistics()).toMatchObject({ cancelled: 1, replaced: 1 });
      bystander.cancel();
      await expect(bystander).rejects.toThrow(CancelledError);
    });
  });

  it("is what a timeout around it does, and its own timeout", async () => {
    await run(async () => {
      // The initializer imports the module.
      await using pool = threadPool({ initializer: add });
      await pool.warmUp();
      const [first, second] = [sharedWords(), sharedWords()];
      await expect(timeout("50ms", () => pool.submit(waitForCancel, first))).rejects.toThrow(TimeoutError);
      const limited = pool.with({ timeout: "50ms", grace: "20ms" });
      await expect(limited.submit(waitForCancel, second)).rejects.toThrow(
        "jobs#waitForCancel took longer than its timeout of 50 ms",
      );
      await expect(limited.submit(stuck, sharedWords())).rejects.toThrow(TimeoutError);
      // What was begun has ended.
      expect([first[2], second[2]]).toEqual([first[0], second[0]]);
      expect(pool.statistics()).toMatchObject({ cancelled: 1, failed: 2 });
      expect(await pool.submit(add, 1, 2)).toBe(3);
    });
  });

  it("goes down from a task that awaits it", async () => {
    await run(async () => {
      await using pool = threadPool();
      const words = sharedWords();
      const task = createTask(async () => {
        await pool.submit(waitForCancel, words);
      });
      await said(words, 0);
      task.cancel();
      await expect(task).rejects.toThrow(CancelledError);
      expect(words[2]).toBe(1);
    });
  });
});
