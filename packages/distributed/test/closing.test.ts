import { CancelledError, createTask, interruptible, run } from "brio";
import { createExecutor, ExecutorClosedError } from "brio/threads";
import { Queue } from "bullmq";
import { expect, test } from "vitest";
import { leavesNothing } from "../../brio/test/left-behind.ts";
import { DistributedExecutor } from "../src/executor/distributed-executor.ts";
import { DistributedWorker } from "../src/worker/distributed-worker.ts";
import { add, nap, square } from "./fixtures/jobs.ts";
import { client, describeWithRedis, place } from "./redis.ts";
import { JOBS, Reports, withWorker, work } from "./work.ts";

leavesNothing();

describeWithRedis("closing an executor", () => {
  test("waits for its calls, and takes no more", async () => {
    const queue = place();
    await run(async () => {
      await withWorker(queue, async () => {
        const executor = new DistributedExecutor(queue);
        const tasks = [1, 2, 3].map((n) => executor.submit(square, n));
        await executor.close();
        expect(tasks.map((task) => task.result())).toEqual([1, 4, 9]);
        expect(() => executor.submit(add, 1, 2)).toThrow(ExecutorClosedError);
        await executor.close();
        await expect(executor.health()).rejects.toThrow(ExecutorClosedError);
      });
    });
  });

  test("with cancel, cancels them: their jobs are gone", async () => {
    const queue = place();
    await run(async () => {
      await using other = new DistributedExecutor(queue);
      const executor = new DistributedExecutor(queue);
      const task = executor.submit(add, 1, 2);
      await executor.ready();
      await executor.close({ cancel: true });
      expect(task.cancelled()).toBe(true);
      expect(await (await other.queue()).getJobCountByTypes()).toBe(0);
    });
  });

  test("that is cancelled cancels them too", async () => {
    const queue = place();
    await run(async () => {
      await using other = new DistributedExecutor(queue);
      const executor = new DistributedExecutor(queue);
      const task = executor.submit(add, 1, 2);
      const closing = createTask(() => executor.close());
      await executor.ready().catch(() => {});
      await other.ready();
      closing.cancel();
      await expect(closing).rejects.toBeInstanceOf(CancelledError);
      expect(task.cancelled()).toBe(true);
      expect(await (await other.queue()).getJobCountByTypes()).toBe(0);
    });
  });

  test("that was forgotten is done at the end of run()", async () => {
    const queue = place();
    await work(queue, async () => {
      const forgotten = new DistributedExecutor(queue);
      expect(await forgotten.submit(add, 1, 2)).toBe(3);
    });
  });

  test("that never connected is nothing to wait for", async () => {
    await run(async () => {
      await using _ = new DistributedExecutor(place());
    });
  });
});

describeWithRedis("closing a worker", () => {
  test("waits for the jobs that run", async () => {
    const queue = place();
    await run(async () => {
      await using executor = new DistributedExecutor(queue);
      const worker = new DistributedWorker({ ...queue, modules: [JOBS], isolate: "inline" });
      await worker.start();
      const reports = new Reports();
      const task = executor.with({ onProgress: reports.onProgress }).submit(nap);
      await reports.next();
      const closing = createTask(() => worker.close());
      await executor.health();
      expect(closing.done()).toBe(false);
      task.cancel();
      await closing;
      await expect(task).rejects.toBeInstanceOf(CancelledError);
    });
  });

  test("that is cancelled gives them back, and they are no failures", async () => {
    const queue = place();
    await run(async () => {
      await using executor = new DistributedExecutor(queue);
      const worker = new DistributedWorker({ ...queue, modules: [JOBS], isolate: "inline" });
      await worker.start();
      const reports = new Reports();
      const task = executor.with({ onProgress: reports.onProgress, jobId: "nap-1" }).submit(nap);
      await reports.next();
      const closing = createTask(() => worker.close());
      await executor.health();
      closing.cancel();
      await expect(closing).rejects.toBeInstanceOf(CancelledError);
      const bull = await executor.queue();
      expect(await bull.getJobState("nap-1")).toBe("waiting");
      expect(await bull.getJob("nap-1")).toMatchObject({ attemptsMade: 0, stalledCounter: 0 });
      task.cancel();
      await expect(task).rejects.toBeInstanceOf(CancelledError);
    });
  });

  test("that was forgotten is done at the end of run(), and its jobs are given back", async () => {
    const queue = place();
    const bull = new Queue(queue.queue, { connection: client(), prefix: queue.prefix });
    // Without an executor: at the end of run(), that would cancel the job.
    await bull.add("jobs#nap", { brio: 1, args: { json: [] } }, { jobId: "nap-1" });
    await run(async () => {
      const worker = new DistributedWorker({ ...queue, modules: [JOBS], isolate: "inline" });
      await worker.start();
      while ((await interruptible(bull.getJob("nap-1")))?.progress === 0);
    });
    while ((await bull.getJobState("nap-1")) !== "waiting");
    expect(await bull.getJob("nap-1")).toMatchObject({ attemptsMade: 0 });
    await bull.close();
  });
});

describeWithRedis("createExecutor", () => {
  test("makes one of a URL", async () => {
    const queue = place();
    await run(async () => {
      const url = new URL(queue.connection);
      url.pathname = queue.queue;
      url.searchParams.set("prefix", queue.prefix);
      await using executor = await createExecutor(url.href);
      expect(executor).toBeInstanceOf(DistributedExecutor);
      await withWorker(queue, async () => {
        expect(await executor.submit(add, 1, 2)).toBe(3);
      });
    });
  });
});
