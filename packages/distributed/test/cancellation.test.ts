import { CancelledError, run, sleep, TimeoutError, timeout } from "brio";
import { expect, test } from "vitest";
import { leavesNothing } from "../../brio/test/left-behind.ts";
import { DistributedExecutor } from "../src/executor/distributed-executor.ts";
import { DistributedWorker } from "../src/worker/distributed-worker.ts";
import { add, nap, polite, square } from "./fixtures/jobs.ts";
import { describeWithRedis, place } from "./redis.ts";
import { JOBS, Reports, work } from "./work.ts";

leavesNothing();

/** What a task ended with. */
async function outcome(task: PromiseLike<unknown>): Promise<unknown> {
  return await task.then(
    (value) => value,
    (error: unknown) => error,
  );
}

describeWithRedis("cancelling a call", () => {
  test("that waits removes its job: it never begins", async () => {
    const queue = place();
    await run(async () => {
      await using executor = new DistributedExecutor(queue);
      const bull = await executor.queue();
      const task = executor.submit(add, 1, 2);
      const later = executor.with({ delay: "1h" }).submit(add, 3, 4);
      const urgent = executor.with({ priority: 5 }).submit(add, 5, 6);
      while ((await bull.getJobCountByTypes("waiting", "delayed", "prioritized")) < 3) await sleep(1);
      for (const each of [task, later, urgent]) each.cancel("changed my mind");
      for (const each of [task, later, urgent]) {
        const error = await outcome(each);
        expect(error).toBeInstanceOf(CancelledError);
        expect(error).toMatchObject({ reason: "changed my mind" });
      }
      expect(await bull.getJobCountByTypes()).toBe(0);
      expect(executor.statistics()).toMatchObject({ cancelled: 3, queued: 0 });
    });
  });

  test("that has not been sent yet sends nothing", async () => {
    const queue = place();
    await run(async () => {
      await using executor = new DistributedExecutor(queue);
      const bull = await executor.queue();
      const task = executor.submit(add, 1, 2);
      task.cancel();
      expect(await outcome(task)).toBeInstanceOf(CancelledError);
      expect(await bull.getJobCountByTypes()).toBe(0);
      expect(await bull.getJob(executor.jobIdOf(task) as string)).toBe(undefined);
    });
  });

  test("that runs stops the function there, and waits until it has stopped", async () => {
    await work(place(), async (executor) => {
      const reports = new Reports();
      const task = executor.with({ onProgress: reports.onProgress }).submit(nap);
      await reports.next();
      expect(executor.statistics()).toMatchObject({ busy: 1, queued: 0 });
      task.cancel("enough");
      expect(await outcome(task)).toMatchObject({ name: "CancelledError", reason: "enough" });
      expect(reports.all.at(-1)).toBe("woken up");
      const [failed] = await (await executor.queue()).getFailed();
      expect(failed).toMatchObject({ attemptsMade: 1 });
      expect(failed?.failedReason).toMatch(/^CancelledError: cancelled by .*enough/);
    });
  });

  test("is no failed attempt: the job is not tried again", async () => {
    await work(place(), async (executor) => {
      const reports = new Reports();
      const task = executor.with({ onProgress: reports.onProgress, attempts: 5 }).submit(nap);
      await reports.next();
      task.cancel();
      expect(await outcome(task)).toBeInstanceOf(CancelledError);
      expect(await (await executor.queue()).getJobCounts("waiting", "delayed", "failed")).toMatchObject({
        waiting: 0,
        delayed: 0,
        failed: 1,
      });
    });
  });

  test("happens when the caller's time is over", async () => {
    await work(place(), async (executor) => {
      const reports = new Reports();
      const call = executor.with({ onProgress: reports.onProgress });
      const limited = timeout("300ms", () => call.submit(nap));
      expect(await outcome(limited)).toBeInstanceOf(TimeoutError);
      expect(reports.all.at(-1)).toBe("woken up");
    });
  });

  test("is seen by a function that asks whether it is cancelled", async () => {
    await work(place(), async (executor) => {
      const reports = new Reports();
      const task = executor.with({ onProgress: reports.onProgress }).submit(polite);
      await reports.next();
      task.cancel();
      expect(await outcome(task)).toBeInstanceOf(CancelledError);
    });
  });

  test("leaves the other jobs alone", async () => {
    await work(
      place(),
      async (executor) => {
        const reports = new Reports();
        const task = executor.with({ onProgress: reports.onProgress }).submit(nap);
        await reports.next();
        const others = [1, 2, 3].map((n) => executor.submit(square, n));
        task.cancel();
        expect(await Promise.all(others)).toEqual([1, 4, 9]);
        expect(await outcome(task)).toBeInstanceOf(CancelledError);
      },
      { worker: { concurrency: 2 } },
    );
  });

  test("reaches the worker that has just taken the job", async () => {
    // Without waiting for any sign of it: it may wait, be on its way to the worker, or run.
    await work(
      place(),
      async (executor) => {
        for (let n = 0; n < 30; n++) {
          const task = executor.submit(nap);
          await sleep(n % 6);
          task.cancel();
          expect(await outcome(task)).toBeInstanceOf(CancelledError);
        }
        expect(await (await executor.queue()).getJobCounts("waiting", "active")).toEqual({
          waiting: 0,
          active: 0,
        });
      },
      { worker: { concurrency: 2 } },
    );
  });

  test("by its job's id stops it, whoever has submitted it", async () => {
    const queue = place();
    await work(queue, async (executor) => {
      await using other = new DistributedExecutor(queue);
      const reports = new Reports();
      const task = executor.with({ onProgress: reports.onProgress, jobId: "nap-1" }).submit(nap);
      await reports.next();
      expect(await other.cancelJob("nap-1", "by order")).toBe(true);
      expect(await outcome(task)).toMatchObject({ name: "CancelledError", reason: "by order" });
      expect(await other.cancelJob("nap-1")).toBe(false);
      expect(await other.cancelJob("nap-2")).toBe(false);
    });
  });

  test("that is asked for while no worker listens is seen by the next worker", async () => {
    const queue = place();
    await run(async () => {
      await using executor = new DistributedExecutor(queue);
      const bull = await executor.queue();
      const reports = new Reports();
      const task = executor.with({ onProgress: reports.onProgress, jobId: "nap-1" }).submit(nap);
      {
        await using worker = new DistributedWorker({ ...queue, modules: [JOBS], isolate: "inline" });
        await worker.start();
        await reports.next();
        // Held back from the worker: as if its connection were broken.
        const redis = await bull.getBackend().connection.client;
        await redis.hset(bull.toKey("nap-1"), {
          "brio:cancel": JSON.stringify({ id: "nap-1", reason: "late" }),
        });
        await worker.close({ giveBack: true });
      }
      expect(await bull.getJobState("nap-1")).toBe("waiting");
      await using worker = new DistributedWorker({ ...queue, modules: [JOBS], isolate: "inline" });
      await worker.start();
      expect(await outcome(task)).toMatchObject({ name: "CancelledError", reason: "late" });
      expect(reports.all).toEqual([{ pid: process.pid }, "woken up"]);
    });
  });

  test("the loop over map() is left, and so is the work", async () => {
    await work(place(), async (executor) => {
      const numbers = (function* () {
        for (let n = 0; ; n++) yield n;
      })();
      for await (const squared of executor.map(square, numbers, { lookAhead: 8 })) if (squared > 100) break;
      expect(executor.statistics()).toMatchObject({ queued: 0, busy: 0 });
      expect(await (await executor.queue()).getJobCounts("waiting", "active")).toEqual({
        waiting: 0,
        active: 0,
      });
    });
  });
});
