import { Event, run } from "brio";
import type { ProgressListener } from "brio/threads";
import { DistributedExecutor } from "../src/executor/distributed-executor.ts";
import type { DistributedExecutorOptions } from "../src/executor/options.ts";
import { DistributedWorker } from "../src/worker/distributed-worker.ts";
import type { DistributedWorkerOptions } from "../src/worker/options.ts";
import type { Place } from "./redis.ts";

/** The module whose functions the tests' jobs are. */
export const JOBS: URL = new URL("./fixtures/jobs.ts", import.meta.url);

/** What the tests' executors and workers are like, beside where they are. */
export interface WorkOptions {
  readonly executor?: Partial<DistributedExecutorOptions>;
  readonly worker?: Partial<DistributedWorkerOptions>;
}

/** Runs `body` with an executor and a worker, here in this process. */
export async function work(
  place: Place,
  body: (executor: DistributedExecutor, worker: DistributedWorker) => Promise<void>,
  options: WorkOptions = {},
): Promise<void> {
  await run(async () => {
    await using executor = new DistributedExecutor({ ...place, ...options.executor });
    await withWorker(place, (worker) => body(executor, worker), options.worker);
  });
}

/** Runs `body` while a worker works, in the running loop. */
export async function withWorker(
  place: Place,
  body: (worker: DistributedWorker) => Promise<void>,
  options: Partial<DistributedWorkerOptions> = {},
): Promise<void> {
  const errors: Error[] = [];
  const onError = (error: Error): void => void errors.push(error);
  const defaults = { modules: [JOBS], isolate: "inline", onError } as const;
  await using worker = new DistributedWorker({ ...place, ...defaults, ...options });
  await worker.start();
  await body(worker);
  if (errors.length > 0) throw new AggregateError(errors, "the worker had errors beside its jobs");
}

/** Waits for what functions report, one after the other. */
export class Reports {
  readonly all: unknown[] = [];
  private readonly came = new Event();
  private taken = 0;

  readonly onProgress: ProgressListener = (value) => {
    this.all.push(value);
    this.came.set();
  };

  async next(): Promise<unknown> {
    while (this.taken === this.all.length) {
      this.came.clear();
      await this.came.wait();
    }
    return this.all[this.taken++];
  }
}
