import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run, sleep } from "brio";
import { WorkerDiedError } from "brio/threads";
import { expect, test, vi } from "vitest";
import { testFolder } from "../../brio/test/files/folder.ts";
import { leavesNothing } from "../../brio/test/left-behind.ts";
import { DistributedExecutor } from "../src/executor/distributed-executor.ts";
import { add, blockUntil, nap, poison, secondTime } from "./fixtures/jobs.ts";
import { client, describeWithRedis, type Place, place } from "./redis.ts";
import { Reports } from "./work.ts";
import { WorkerProcess } from "./worker-process.ts";

leavesNothing();

// Processes are started one after the other, and locks must run out.
vi.setConfig({ testTimeout: 60_000 });

/** A lost worker is noticed soon. */
const QUICK = ["--isolate", "inline", "--lock-duration", "500ms", "--stalled-interval", "100ms"];

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5);
}

/** What has happened to jobs, as BullMQ tells it: `completed`, `failed`, ... */
async function events({ queue, prefix }: Place, kind: string): Promise<number> {
  const entries = await client().xrange(`${prefix}:${queue}:events`, "-", "+");
  return entries.filter(([, fields]) => fields[fields.indexOf("event") + 1] === kind).length;
}

describeWithRedis("a worker that is killed", () => {
  test("loses no job: it is begun again elsewhere, and its result comes once", async () => {
    const queue = place();
    const marker = join(testFolder(), "marker");
    await run(async () => {
      await using executor = new DistributedExecutor(queue);
      await using first = await WorkerProcess.start(queue, QUICK);
      const reports = new Reports();
      const task = executor.with({ onProgress: reports.onProgress }).submit(secondTime, marker);
      expect(await reports.next()).toEqual({ pid: first.process.pid });
      await using second = await WorkerProcess.start(queue, QUICK);
      first.process.kill();
      expect(await task).toBe("the second time");
      expect(executor.statistics()).toMatchObject({ completed: 1, replaced: 1 });
      expect(await events(queue, "completed")).toBe(1);
      second.process.terminate();
      expect(await second.process.wait()).toBe(0);
    });
  });

  test("and had been told to stop its job: the next one does, and doesn't begin", async () => {
    const queue = place();
    await run(async () => {
      await using executor = new DistributedExecutor({ ...queue, stopTimeout: "1h" });
      const reports = new Reports();
      const task = executor.with({ onProgress: reports.onProgress, jobId: "nap-1" }).submit(nap);
      {
        await using first = await WorkerProcess.start(queue, QUICK);
        await reports.next();
        // It can do nothing any more, but still has its lock.
        first.process.sendSignal("SIGSTOP");
        task.cancel("enough");
        const bull = await executor.queue();
        const redis = client();
        while ((await redis.hexists(bull.toKey("nap-1"), "brio:cancel")) === 0);
        first.process.kill();
        await first.process.wait();
      }
      await using _ = await WorkerProcess.start(queue, QUICK);
      await expect(task).rejects.toMatchObject({ name: "CancelledError", reason: "enough" });
      expect(reports.all).toHaveLength(1);
    });
  });

  test("once, with a job that may be begun once: it is begun a second time, and not a third", async () => {
    const queue = place();
    await run(async () => {
      await using executor = new DistributedExecutor(queue);
      const task = executor.submit(poison);
      for (let n = 0; n < 2; n++) {
        await using worker = await WorkerProcess.start(queue, QUICK);
        expect(await worker.process.wait()).toBe(-9);
      }
      await using _ = await WorkerProcess.start(queue, QUICK);
      const error: unknown = await task.catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(WorkerDiedError);
      expect(error).toMatchObject({ functionId: "jobs#poison", how: "stalled", attempts: 2 });
      expect((error as Error).message).toMatch(
        /^the worker .* was lost while it ran jobs#poison \(attempt 2\)$/,
      );
    });
  });

  test("by each of its attempts: a job is parked after the last, and the queue goes on", async () => {
    const queue = place();
    await run(async () => {
      await using executor = new DistributedExecutor(queue);
      const task = executor.with({ attempts: 3, jobId: "poison-1" }).submit(poison);
      const others = [1, 2, 3].map((n) => executor.submit(add, n, n));
      for (let n = 0; n < 3; n++) {
        await using worker = await WorkerProcess.start(queue, [...QUICK, "--concurrency", "1"]);
        expect(await worker.process.wait()).toBe(-9);
      }
      await using last = await WorkerProcess.start(queue, [...QUICK, "--concurrency", "1"]);
      expect(await Promise.all(others)).toEqual([2, 4, 6]);
      await expect(task).rejects.toMatchObject({ name: "WorkerDiedError", attempts: 3 });
      const bull = await executor.queue();
      expect(await bull.getJobState("poison-1")).toBe("failed");
      expect(await bull.getJobCounts("waiting", "active", "failed")).toEqual({
        waiting: 0,
        active: 0,
        failed: 1,
      });
      await last.line(/job poison-1 \(jobs#poison\) failed, .*WorkerDiedError: the worker .* was lost/);
    });
  });
});

describeWithRedis("a worker that was only asleep", () => {
  test("has lost its job to another: only that one's result counts", async () => {
    const queue = place();
    const gate = join(testFolder(), "gate");
    await run(async () => {
      await using executor = new DistributedExecutor(queue);
      await using first = await WorkerProcess.start(queue, QUICK);
      const task = executor.with({ jobId: "block-1" }).submit(blockUntil, gate);
      // Its thread is blocked, and can't renew its lock.
      await until(() => existsSync(`${gate}-${first.process.pid}`));
      await using second = await WorkerProcess.start(queue, QUICK);
      await until(() => existsSync(`${gate}-${second.process.pid}`));
      first.process.sendSignal("SIGSTOP");
      writeFileSync(gate, "");
      expect(await task).toBe(`unblocked in ${second.process.pid}`);
      first.process.sendSignal("SIGCONT");
      await first.line(/Missing lock for job block-1|Missing key for job block-1|Lock mismatch/i);
      expect(await events(queue, "completed")).toBe(1);
      expect(await (await executor.queue()).getJobState("block-1")).toBe("completed");
    });
  });
});
