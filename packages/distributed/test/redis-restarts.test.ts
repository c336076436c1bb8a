import { createTask, Event, run, wait } from "brio";
import { expect, test } from "vitest";
import { testFolder } from "../../brio/test/files/folder.ts";
import { leavesNothing } from "../../brio/test/left-behind.ts";
import { DistributedExecutor } from "../src/executor/distributed-executor.ts";
import { DistributedWorker } from "../src/worker/distributed-worker.ts";
import { add, nap, square } from "./fixtures/jobs.ts";
import { describeWithRedisServer, RedisServer } from "./redis-server.ts";
import { JOBS, Reports } from "./work.ts";

leavesNothing();

const KIND = { modules: [JOBS], isolate: "inline" } as const;

describeWithRedisServer("Redis killed and started again", () => {
  test("under load: every job gives its result, and none that was acknowledged runs again", async () => {
    const folder = testFolder();
    await run(async () => {
      await using redis = await RedisServer.start(folder);
      const place = { connection: redis.url, queue: "jobs", prefix: "brio-test" };
      await using executor = new DistributedExecutor({
        ...place,
        checkInterval: "200ms",
        defaultJobOptions: { removeOnComplete: false },
      });
      await using worker = new DistributedWorker({
        ...place,
        ...KIND,
        concurrency: 4,
        lockDuration: "1s",
        stalledInterval: "300ms",
      });
      await worker.start();

      // What BullMQ has acknowledged, as the worker saw it.
      const acknowledged: string[] = [];
      const some = new Event();
      worker.worker?.on("completed", (job) => {
        acknowledged.push(job.id as string);
        if (acknowledged.length === 50) some.set();
      });

      const numbers = Array.from({ length: 400 }, (_, n) => n);
      const results: number[] = [];
      const all = createTask(async () => {
        for await (const squared of executor.map(square, numbers, { lookAhead: 100 })) results.push(squared);
      });
      await some.wait();
      await redis.kill();
      const submittedMeanwhile = executor.submit(add, 20, 22);
      await redis.start();
      await all;
      expect(await submittedMeanwhile).toBe(42);
      expect(results).toEqual(numbers.map((n) => n * n));
      expect(new Set(acknowledged).size).toBe(acknowledged.length);
      const counts = await (await executor.queue()).getJobCounts("waiting", "active", "failed", "completed");
      expect(counts).toEqual({ waiting: 0, active: 0, failed: 0, completed: 401 });
    });
  });

  test("while a call waits: cancelled meanwhile, it ends in time, and its job is removed later", async () => {
    const folder = testFolder();
    await run(async () => {
      await using redis = await RedisServer.start(folder);
      const place = { connection: redis.url, queue: "jobs", prefix: "brio-test" };
      await using executor = new DistributedExecutor({ ...place, stopTimeout: "100ms" });
      const task = executor.with({ grace: 0 }).submit(add, 1, 2);
      const bull = await executor.queue();
      while ((await bull.getWaitingCount()) === 0);
      await redis.kill();
      task.cancel("while nobody listens");
      await expect(task).rejects.toMatchObject({ name: "CancelledError", reason: "while nobody listens" });
      await redis.start();
      while ((await bull.getWaitingCount()) > 0);
    });
  });

  test("while a worker runs a job: a cancellation reaches it afterwards", async () => {
    const folder = testFolder();
    await run(async () => {
      await using redis = await RedisServer.start(folder);
      const place = { connection: redis.url, queue: "jobs", prefix: "brio-test" };
      await using executor = new DistributedExecutor({ ...place, stopTimeout: "1h" });
      await using worker = new DistributedWorker({ ...place, ...KIND });
      await worker.start();
      const reports = new Reports();
      const task = executor.with({ onProgress: reports.onProgress }).submit(nap);
      await reports.next();
      await redis.kill();
      task.cancel("while nobody listens");
      await redis.start();
      await expect(task).rejects.toMatchObject({ name: "CancelledError", reason: "while nobody listens" });
    });
  });

  test("for good: what is closed then ends all the same", async () => {
    const folder = testFolder();
    await run(async () => {
      const redis = await RedisServer.start(folder);
      const place = { connection: redis.url, queue: "jobs", prefix: "brio-test" };
      const executor = new DistributedExecutor({ ...place, stopTimeout: "100ms" });
      const worker = new DistributedWorker({ ...place, ...KIND, connectTimeout: "1s" });
      await worker.start();
      expect(await executor.submit(add, 1, 2)).toBe(3);
      await redis.kill();
      const left = executor.with({ grace: 0 }).submit(add, 3, 4);
      await executor.close({ cancel: true });
      await worker.close();
      await wait([left]);
      expect(left.cancelled()).toBe(true);
    });
  });
});
