// Compiled against the packed declarations. Never run.

import { DistributedExecutor, DistributedWorker, JobNotFoundError } from "@brio/distributed";
import { run, type Task } from "brio";
import { type Executor, reference } from "brio/threads";

export const area = reference(import.meta.url, "area", (radius: number) => Math.PI * radius ** 2);

const place = { connection: "redis://127.0.0.1:6379", queue: "areas" };

const sum: Promise<number> = run(async () => {
  await using worker = new DistributedWorker({ ...place, modules: ["./jobs.js"], isolate: "threads" });
  await worker.start();
  await using executor = new DistributedExecutor(place);
  const common: Executor = executor;
  const task: Task<number> = executor.with({ attempts: 3, delay: "1s", timeout: "10s" }).submit(area, 2);
  let total = await task;
  for await (const each of common.map(area, [1, 2, 3])) total += each;
  const { waiting } = await (await executor.queue()).getJobCounts("waiting");
  // @ts-expect-error The function takes a number.
  void (() => executor.submit(area, "two"));
  return total + (waiting ?? 0);
});

await sum.catch((error: unknown) => error instanceof JobNotFoundError && error.jobId);
