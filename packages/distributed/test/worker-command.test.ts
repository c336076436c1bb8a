import { interruptible, run } from "brio";
import { expect, test } from "vitest";
import { leavesNothing } from "../../brio/test/left-behind.ts";
import { DistributedExecutor } from "../src/executor/distributed-executor.ts";
import { add, nap, pay, polite, where } from "./fixtures/jobs.ts";
import { describeWithRedis, place } from "./redis.ts";
import { Reports } from "./work.ts";
import { WorkerProcess } from "./worker-process.ts";

leavesNothing();

describeWithRedis("brio-worker", () => {
  test("runs the jobs of a queue in another process, and ends in order on SIGTERM", async () => {
    const queue = place();
    await run(async () => {
      await using executor = new DistributedExecutor(queue);
      await using worker = await WorkerProcess.start(queue, ["--concurrency", "2", "--isolate", "inline"]);
      expect(worker.lines.join("")).toContain('ready: <DistributedWorker of the queue "jobs", 2 at once>');
      expect(worker.lines.join("")).toMatch(/functions: .*jobs#add/);
      expect(await executor.submit(add, 1, 2)).toBe(3);
      expect(await executor.submit(where)).toBe(worker.process.pid);
      await expect(executor.submit(pay, 5)).rejects.toMatchObject({ amount: 5 });
      await worker.line(/failed, attempt 1 of 1: PaymentError: can't pay 5/);
      worker.process.terminate();
      expect(await worker.process.wait()).toBe(0);
      await worker.line(/stopped: all jobs have ended/);
    });
  });

  test("lets running jobs end after SIGTERM, and takes no more", async () => {
    const queue = place();
    await run(async () => {
      await using executor = new DistributedExecutor(queue);
      await using worker = await WorkerProcess.start(queue, ["--concurrency", "2", "--isolate", "inline"]);
      const reports = new Reports();
      const running = executor.with({ onProgress: reports.onProgress, jobId: "running" }).submit(polite);
      await reports.next();
      worker.process.terminate();
      await worker.line(/stopping: no more jobs are taken/);
      const late = executor.with({ jobId: "late" }).submit(add, 1, 2);
      await executor.health();
      // Ends the one that runs; so the worker can.
      running.cancel();
      await expect(running).rejects.toMatchObject({ name: "CancelledError" });
      expect(await worker.process.wait()).toBe(0);
      expect(await (await executor.queue()).getJobState("late")).toBe("waiting");
      late.cancel();
    });
  });

  test("gives back to the queue what has not ended when its time is over", async () => {
    const queue = place();
    await run(async () => {
      await using executor = new DistributedExecutor(queue);
      await using worker = await WorkerProcess.start(queue, ["--isolate", "inline", "--drain", "50ms"]);
      const reports = new Reports();
      const task = executor.with({ onProgress: reports.onProgress, jobId: "nap-1" }).submit(nap);
      await reports.next();
      worker.process.terminate();
      expect(await worker.process.wait()).toBe(143);
      expect(await (await executor.queue()).getJobState("nap-1")).toBe("waiting");
      // Another worker takes it up.
      await using second = await WorkerProcess.start(queue, ["--isolate", "inline"]);
      expect(await reports.next()).toBe("woken up");
      expect(await reports.next()).toEqual({ pid: second.process.pid });
      task.cancel();
      await expect(task).rejects.toMatchObject({ name: "CancelledError" });
    });
  });

  test("serves metrics and its health", async () => {
    const queue = place();
    await run(async () => {
      await using executor = new DistributedExecutor(queue);
      await using worker = await WorkerProcess.start(queue, ["--isolate", "inline", "--metrics-port", "0"]);
      await executor.submit(add, 1, 2);
      const base = /http:\/\/[^/]*/.exec(worker.lines.find((line) => line.includes("metrics at")) ?? "")?.[0];
      const get = (path: string) =>
        interruptible((signal) => fetch(`${base}${path}`, { signal, headers: { connection: "close" } }));
      const health = await get("/health");
      expect(health.status, health.ok ? "" : await interruptible(health.text())).toBe(200);
      expect(await interruptible(health.json())).toMatchObject({
        ready: true,
        workers: 1,
        jobs: { completed: 1 },
      });
      const metrics = await interruptible((await get("/metrics")).text());
      expect(metrics).toContain('bullmq_job_count{queue="jobs", state="completed"} 1');
      expect(metrics).toContain('brio_worker_completed_total{queue="jobs"} 1');
      expect((await get("/other")).status).toBe(404);
    });
  });
});

/** Runs the command to its end. */
async function ended(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return await run(async () => {
    await using worker = await WorkerProcess.run(args);
    const [out, err] = await worker.process.communicate();
    return { code: await worker.process.wait(), out: out.toString(), err: err.toString() };
  });
}

test("brio-worker --help says what there is", async () => {
  const { code, out, err } = await ended("--help");
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(out).toMatch(/brio-worker MODULE\.\.\. --queue NAME/);
});

test("brio-worker --version says which it is", async () => {
  expect(await ended("--version")).toEqual({ code: 0, out: "0.1.0\n", err: "" });
});

test.each([
  [[], "say whose functions to run: brio-worker ./jobs.js --queue NAME"],
  [["./jobs.ts"], "say which queue to work for: --queue NAME"],
  [["./jobs.ts", "--queue", "q", "--concurrency", "many"], "--concurrency takes a whole number; got many"],
  [["./jobs.ts", "--queue", "q", "--isolate", "vm"], "--isolate is threads, processes or inline; got vm"],
  [["./jobs.ts", "--queue", "q", "--limit", "100"], "--limit takes jobs per time, as in 100/1s; got 100"],
  [["./jobs.ts", "--queue", "q", "--drain", "soon"], "--drain is not a duration: 'soon'"],
  [["./jobs.ts", "--queue", "q", "--color"], "Unknown option '--color'"],
])("brio-worker %s is wrong usage: %s", async (args, message) => {
  const { code, err } = await ended(...args);
  expect(code).toBe(2);
  expect(err).toContain(`brio-worker: ${message}`);
});

test.each([
  [["./no-such.ts", "--queue", "q"], /TypeError: there is no module '\.\/no-such\.ts', seen from /],
  [["node:path", "--queue", "a:b"], /TypeError: queue must be a name without colons/],
])("brio-worker %s can't start: %s", async (args, message) => {
  const { code, err } = await ended(...args);
  expect(code).toBe(1);
  expect(err).toMatch(message);
});
