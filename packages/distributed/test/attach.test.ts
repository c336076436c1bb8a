import { CancelledError, run } from "brio";
import { expect, test } from "vitest";
import { leavesNothing } from "../../brio/test/left-behind.ts";
import { DistributedExecutor } from "../src/executor/distributed-executor.ts";
import { JobLostError, JobNotFoundError } from "../src/queue/errors.ts";
import { add, count, nap, type PaymentError, pay, square } from "./fixtures/jobs.ts";
import { describeWithRedis, place } from "./redis.ts";
import { Reports, withWorker, work } from "./work.ts";

leavesNothing();

describeWithRedis("a caller that comes back", () => {
  test("gets the result of a job that has ended meanwhile", async () => {
    const queue = place();
    await work(queue, async (executor) => {
      const task = executor.submit(add, 1, 2);
      await task;
      const id = executor.jobIdOf(task) as string;
      await using later = new DistributedExecutor(queue);
      expect(await later.attach(id)).toBe(3);
      expect(await later.attach<number>(id)).toBe(3);
    });
  });

  test("gets its error, with its class and fields", async () => {
    const queue = place();
    await work(queue, async (executor) => {
      await executor
        .with({ jobId: "pay-1" })
        .submit(pay, 9)
        .catch(() => {});
      await using later = new DistributedExecutor(queue);
      await expect(later.attach("pay-1")).rejects.toMatchObject({
        name: "PaymentError",
        amount: 9,
      } satisfies Partial<PaymentError>);
    });
  });

  test("waits for one that has not ended, and hears of its progress", async () => {
    const queue = place();
    await run(async () => {
      await using executor = new DistributedExecutor(queue);
      const task = executor.with({ jobId: "count-1" }).submit(count, 3);
      await executor.ready();
      await using later = new DistributedExecutor(queue);
      await later.ready();
      const reports = new Reports();
      const attached = later.attach("count-1", { onProgress: reports.onProgress });
      await withWorker(queue, async () => {
        expect(await Promise.all([task, attached])).toEqual(["counted", "counted"]);
        expect(reports.all).toEqual([1, 2, 3]);
      });
    });
  });

  test("may go again: the job goes on", async () => {
    const queue = place();
    await work(queue, async (executor) => {
      const reports = new Reports();
      const task = executor.with({ jobId: "nap-1", onProgress: reports.onProgress }).submit(nap);
      await reports.next();
      const attached = executor.attach("nap-1");
      const second = executor.attach("nap-1");
      await executor.health();
      attached.cancel();
      await expect(attached).rejects.toBeInstanceOf(CancelledError);
      expect(await (await executor.queue()).getJobState("nap-1")).toBe("active");
      task.cancel("enough");
      await expect(second).rejects.toMatchObject({ name: "CancelledError", reason: "enough" });
      await expect(task).rejects.toMatchObject({ name: "CancelledError", reason: "enough" });
    });
  });

  test("may be quicker than the job: it is on its way to Redis", async () => {
    await work(place(), async (executor) => {
      const task = executor.submit(add, 1, 2);
      const attached = executor.attach(executor.jobIdOf(task) as string);
      expect(await Promise.all([task, attached])).toEqual([3, 3]);
    });
  });

  test("is told if there is no such job", async () => {
    await work(place(), async (executor) => {
      const error: unknown = await executor.attach("report-17").catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(JobNotFoundError);
      expect(error).toMatchObject({ jobId: "report-17", queue: "jobs" });
      expect(() => executor.attach("")).toThrow(
        "executor.attach() takes the id of a job, such as \"report-17\"; got ''",
      );
    });
  });
});

describeWithRedis("a job that is there already", () => {
  test("is not begun again: whoever submits it under its id gets its result", async () => {
    await work(place(), async (executor) => {
      const once = executor.with({ jobId: "sum" });
      expect(await once.submit(add, 1, 2)).toBe(3);
      expect(await once.submit(add, 5, 5)).toBe(3);
      expect(await (await executor.queue()).getJobCountByTypes("completed")).toBe(1);
    });
  });

  test("is shared by those who submit it while it runs; it is the first one's to cancel", async () => {
    await work(place(), async (executor) => {
      const reports = new Reports();
      const once = executor.with({ jobId: "nap-1", onProgress: reports.onProgress });
      const first = once.submit(nap);
      await reports.next();
      const second = once.submit(nap);
      const third = once.submit(nap);
      await executor.health();
      second.cancel("not so important");
      await expect(second).rejects.toMatchObject({ name: "CancelledError", reason: "not so important" });
      expect(await (await executor.queue()).getJobState("nap-1")).toBe("active");
      first.cancel("enough");
      await expect(first).rejects.toMatchObject({ reason: "enough" });
      await expect(third).rejects.toMatchObject({ name: "CancelledError", reason: "enough" });
    });
  });

  test("is found by its deduplication id, as long as it hasn't ended", async () => {
    const queue = place();
    await run(async () => {
      await using executor = new DistributedExecutor(queue);
      const deduplicated = executor.with({ deduplication: { id: "user-17" } });
      const first = deduplicated.submit(square, 3);
      const second = deduplicated.submit(square, 4);
      await executor.health();
      await withWorker(queue, async () => {
        expect(await Promise.all([first, second])).toEqual([9, 9]);
        expect(executor.jobIdOf(second)).toBe(executor.jobIdOf(first));
        expect(await deduplicated.submit(square, 4)).toBe(16);
      });
    });
  });

  test("and is removed by somebody else is an error to those who wait", async () => {
    const queue = place();
    await run(async () => {
      await using executor = new DistributedExecutor(queue);
      const bull = await executor.queue();
      const task = executor.with({ jobId: "sum" }).submit(add, 1, 2);
      while ((await bull.getJobState("sum")) === "unknown");
      await bull.remove("sum");
      await expect(task).rejects.toThrow(JobLostError);
      await expect(task).rejects.toThrow("the job sum (jobs#add) was removed from the queue before it ended");
    });
  });

  test("and is lost with all of Redis's data is an error to those who wait", async () => {
    const queue = place();
    await run(async () => {
      await using executor = new DistributedExecutor({ ...queue, checkInterval: "20ms" });
      const bull = await executor.queue();
      const task = executor.with({ jobId: "sum" }).submit(add, 1, 2);
      while ((await bull.getJobState("sum")) === "unknown");
      const redis = await bull.getBackend().connection.client;
      await redis.del(bull.toKey("sum"));
      await expect(task).rejects.toThrow(/the job sum \(jobs#add\) is no longer in Redis.*flushed/);
    });
  });

  test("whose end was not told is found out", async () => {
    const queue = place();
    await work(
      queue,
      async (executor) => {
        const bull = await executor.queue();
        const redis = await bull.getBackend().connection.client;
        const reports = new Reports();
        const task = executor.with({ jobId: "count-1", onProgress: reports.onProgress }).submit(count, 1);
        // The news of its end is taken out of the stream as soon as it is there; it may still come to be read in between.
        for (let gone = 0; gone === 0 && !task.done(); )
          gone = await redis.xtrim(bull.toKey("events"), "MAXLEN", 0 as never);
        expect(await task).toBe("counted");
      },
      { executor: { checkInterval: "20ms" } },
    );
  });
});
