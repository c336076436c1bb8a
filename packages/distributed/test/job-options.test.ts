import { run, TimeoutError } from "brio";
import { ResultTooLargeError } from "brio/threads";
import { expect, test } from "vitest";
import { leavesNothing } from "../../brio/test/left-behind.ts";
import { DistributedExecutor } from "../src/executor/distributed-executor.ts";
import type { DistributedCallOptions } from "../src/queue/job-options.ts";
import { add, count, failing, large, nap, pay, square, unsendable } from "./fixtures/jobs.ts";
import { describeWithRedis, place } from "./redis.ts";
import { Reports, withWorker, work } from "./work.ts";

leavesNothing();

describeWithRedis("with()", () => {
  test("onProgress is told all that the function reports, in order, before the result", async () => {
    await work(place(), async (executor) => {
      const events: unknown[] = [];
      const call = executor.with({ onProgress: (value) => events.push(value) });
      events.push(await call.submit(count, 5));
      expect(events).toEqual([1, 2, 3, 4, 5, "counted"]);
    });
  });

  test("attempts: a function that fails is tried again, and the last error counts", async () => {
    await work(place(), async (executor) => {
      const reports = new Reports();
      const call = executor.with({
        attempts: 3,
        backoff: { type: "fixed", delay: 5 },
        onProgress: reports.onProgress,
      });
      await expect(call.submit(failing)).rejects.toThrow("not this time");
      expect(reports.all).toEqual(["attempt", "attempt", "attempt"]);
      const [failed] = await (await executor.queue()).getFailed();
      expect(failed).toMatchObject({ attemptsMade: 3, failedReason: "not this time" });
    });
  });

  test("priority: the urgent come first, and those without any before them", async () => {
    const queue = place();
    await run(async () => {
      await using executor = new DistributedExecutor(queue);
      const order: string[] = [];
      const tasks = ([3, 1, 2, undefined] as const).map((priority) => {
        const task = executor.with({ priority, name: `priority ${priority}` }).submit(square, 1);
        task.addDoneCallback(() => order.push(task.getName()));
        return task;
      });
      await executor.health();
      await withWorker(queue, async () => void (await Promise.all(tasks)), { concurrency: 1 });
      expect(order).toEqual(["priority undefined", "priority 1", "priority 2", "priority 3"]);
    });
  });

  test("lifo: the last is the first", async () => {
    const queue = place();
    await run(async () => {
      await using executor = new DistributedExecutor(queue);
      const order: number[] = [];
      const tasks = [1, 2, 3].map((n) => {
        const task = executor.with({ lifo: true }).submit(square, n);
        task.addDoneCallback(() => order.push(n));
        return task;
      });
      await executor.health();
      await withWorker(queue, async () => void (await Promise.all(tasks)), { concurrency: 1 });
      expect(order).toEqual([3, 2, 1]);
    });
  });

  test("delay: what comes later is overtaken", async () => {
    await work(
      place(),
      async (executor) => {
        const order: string[] = [];
        const later = executor.with({ delay: "200ms" }).submit(square, 1);
        const now = executor.submit(square, 2);
        later.addDoneCallback(() => order.push("later"));
        now.addDoneCallback(() => order.push("now"));
        await Promise.all([later, now]);
        expect(order).toEqual(["now", "later"]);
      },
      { worker: { concurrency: 1 } },
    );
  });

  test("timeout: a job that never ends is stopped there, and fails here", async () => {
    await work(place(), async (executor) => {
      const reports = new Reports();
      const call = executor.with({ timeout: "50ms", onProgress: reports.onProgress });
      await expect(call.submit(nap)).rejects.toBeInstanceOf(TimeoutError);
      expect(reports.all).toEqual([{ pid: process.pid }, "woken up"]);
      expect(await executor.submit(add, 1, 2)).toBe(3);
    });
  });

  test("timeout and attempts: each attempt has the whole time", async () => {
    await work(place(), async (executor) => {
      const reports = new Reports();
      const call = executor.with({ timeout: "50ms", attempts: 2, onProgress: reports.onProgress });
      await expect(call.submit(nap)).rejects.toBeInstanceOf(TimeoutError);
      expect(reports.all).toEqual([{ pid: process.pid }, "woken up", { pid: process.pid }, "woken up"]);
    });
  });

  test("removeOnComplete and removeOnFail: nothing is kept, and the outcome arrives all the same", async () => {
    await work(place(), async (executor) => {
      const call = executor.with({ removeOnComplete: true, removeOnFail: true });
      expect(await call.submit(add, 1, 2)).toBe(3);
      await expect(call.submit(pay, 3)).rejects.toMatchObject({ name: "PaymentError", amount: 3 });
      expect(await (await executor.queue()).getJobCountByTypes()).toBe(0);
    });
  });

  test("kept by default: the last thousand", async () => {
    await work(place(), async (executor) => {
      await executor.submit(add, 1, 2);
      const [done] = await (await executor.queue()).getCompleted();
      expect(done?.opts).toMatchObject({
        removeOnComplete: { age: 3600, count: 1000 },
        removeOnFail: { age: 86_400, count: 1000 },
      });
    });
  });

  test("maxResultBytes: what is larger is an error that says so, and no reason to try again", async () => {
    await work(place(), async (executor) => {
      const call = executor.with({ maxResultBytes: 1000, attempts: 5 });
      const error: unknown = await call.submit(large, 2000).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(ResultTooLargeError);
      expect(error).toMatchObject({ functionId: "jobs#large", limit: 1000, bytes: 2011 });
      const [failed] = await (await executor.queue()).getFailed();
      expect(failed).toMatchObject({ attemptsMade: 1 });
      expect(await executor.submit(large, 2000)).toHaveLength(2000);
    });
  });

  test("adds to what an earlier with() said", async () => {
    await work(place(), async (executor) => {
      const reports = new Reports();
      const call = executor.with({ attempts: 2, name: "first" }).with({ onProgress: reports.onProgress });
      const task = call.submit(failing);
      expect(task.getName()).toBe("first");
      await expect(task).rejects.toThrow("not this time");
      expect(reports.all).toEqual(["attempt", "attempt"]);
    });
  });
});

describeWithRedis("a worker's limits", () => {
  test("maxResultBytes holds for all jobs", async () => {
    await work(
      place(),
      async (executor) => {
        await expect(executor.with({ maxResultBytes: 5000 }).submit(large, 2000)).rejects.toThrow(
          "jobs#large returned 2011 bytes, more than maxResultBytes (1000) allows",
        );
      },
      { worker: { maxResultBytes: 1000 } },
    );
  });

  test("a result that can't be sent is an error, and the worker goes on", async () => {
    await work(place(), async (executor) => {
      await expect(executor.submit(unsendable)).rejects.toThrow(
        /what jobs#unsendable returned can't be (?:sent|copied)/,
      );
      expect(await executor.submit(add, 1, 2)).toBe(3);
    });
  });

  test("limiter: no more jobs than that in its time", async () => {
    await work(
      place(),
      async (executor) => {
        const bull = await executor.queue();
        expect(await executor.submit(square, 3)).toBe(9);
        expect(await bull.getRateLimitTtl(1)).toBeGreaterThan(0);
        expect(await executor.submit(square, 4)).toBe(16);
      },
      { worker: { limiter: { max: 1, duration: 300 } } },
    );
  });
});

describeWithRedis("what can be seen", () => {
  test("health: Redis, workers, jobs", async () => {
    await work(place(), async (executor) => {
      await executor.submit(add, 1, 2);
      await executor.submit(pay, 1).catch(() => {});
      const { latency, workers, jobs, lastError } = await executor.health();
      expect(latency).toBeGreaterThan(0);
      expect(workers).toBe(1);
      expect(jobs).toMatchObject({ completed: 1, failed: 1, waiting: 0, active: 0, delayed: 0 });
      expect(lastError).toBe(undefined);
    });
  });

  test("BullMQ's metrics, for Prometheus", async () => {
    await work(place(), async (executor) => {
      await executor.submit(add, 1, 2);
      await executor.submit(pay, 1).catch(() => {});
      const metrics = await (await executor.queue()).exportPrometheusMetrics();
      expect(metrics).toContain('bullmq_job_count{queue="jobs", state="completed"} 1');
      expect(metrics).toContain('bullmq_job_completed_total{queue="jobs"} 1');
      expect(metrics).toContain('bullmq_job_failed_total{queue="jobs"} 1');
    });
  });

  test("what the executor's calls do, and what the worker's pool does", async () => {
    await work(place(), async (executor, worker) => {
      await executor.submit(add, 1, 2);
      await executor.submit(pay, 1).catch(() => {});
      expect(executor.statistics()).toMatchObject({
        completed: 1,
        failed: 1,
        cancelled: 0,
        busy: 0,
        queued: 0,
      });
      expect(worker.statistics()).toMatchObject({ completed: 1, failed: 1, busy: 0 });
      expect(worker.functions).toEqual(expect.arrayContaining(["jobs#add", "negate"]));
      expect(String(executor)).toBe('<DistributedExecutor of the queue "jobs", 0 calls>');
    });
  });
});

const executor = new DistributedExecutor({ connection: "redis://127.0.0.1:1", queue: "none" });

test.each<[DistributedCallOptions, string]>([
  [{ attempts: 0 }, "attempts must be a whole number >= 1; got 0"],
  [{ priority: -1 }, "priority must be a whole number from 0 to 2097151; got -1"],
  [{ priority: 1.5 }, "priority must be a whole number from 0 to 2097151; got 1.5"],
  [
    { jobId: "17" },
    "jobId must be a string that is no whole number and has no colon, such as \"report-17\"; got '17'",
  ],
  [{ jobId: "a:b" }, "jobId must be a string that is no whole number and has no colon"],
  [{ delay: "soon" as never }, "delay is not a duration: 'soon'"],
  [
    { backoff: { delay: 5 } as never },
    'backoff must be milliseconds, or as in { type: "exponential", delay: 1000 }',
  ],
  [{ deduplication: {} as never }, 'deduplication takes an id: { deduplication: { id: "user-17" } }'],
  [{ maxResultBytes: 0 }, "maxResultBytes must be a whole number >= 1; got 0"],
  [{ timeout: -1 }, "timeout is negative (-1)"],
  [{ onProgress: 5 as never }, "onProgress must be a function"],
  [5 as never, "with() takes an object of options"],
])("with(%o) is refused: %s", (options, message) => {
  expect(() => executor.with(options)).toThrow(message);
});

test.each<[unknown, string]>([
  [undefined, "DistributedExecutor takes where Redis is and the name of a queue"],
  [{ connection: "redis://127.0.0.1" }, "DistributedExecutor takes where Redis is and the name of a queue"],
  [{ connection: "redis://127.0.0.1", queue: "a:b" }, "queue must be a name without colons"],
  [{ connection: "redis://127.0.0.1", queue: "a", connectTimeout: "x" }, "connectTimeout is not a duration"],
  [{ queue: "a" }, "connection must say where Redis is"],
  [
    { connection: "127.0.0.1:6379", queue: "a" },
    "connection is no URL of Redis: '127.0.0.1:6379'; write \"redis://",
  ],
  [{ connection: "http://127.0.0.1", queue: "a" }, "connection is no URL of Redis"],
])("new DistributedExecutor(%o) is refused: %s", (options, message) => {
  expect(() => new DistributedExecutor(options as never)).toThrow(message);
});
