import { CancelledError, getRunningLoop, interruptible, uncancellable } from "brio";
import { type Executor, type ExecutorStatistics, FunctionTable, onLoopClose } from "brio/threads";
import { Worker } from "bullmq";
import type { Redis } from "ioredis";
import { connect, disconnect, isConnected, redisClient, untilLost } from "../queue/connection.ts";
import { CancelRequests } from "./cancel-requests.ts";
import { executorFor } from "./executor-for.ts";
import { JobRunner } from "./job-runner.ts";
import { moduleUrl } from "./module-url.ts";
import { type CheckedWorkerOptions, checkedWorkerOptions, type DistributedWorkerOptions } from "./options.ts";

/** How {@link DistributedWorker.close} goes about it. */
export interface CloseWorkerOptions {
  /** Do not wait for the jobs that run: cancel them, and give them back to the queue. Default false. */
  readonly giveBack?: boolean | undefined;
}

/**
 * A worker of a queue: takes the jobs of {@link DistributedExecutor}s, and runs them on a pool of its own. It is what `npx
 * brio-worker` runs.
 *
 * `await using` waits for the jobs that run, at the end of the block; if the block is cancelled, they are cancelled and given
 * back to the queue.
 *
 * @example
 * ```ts redis
 * import { run } from "brio";
 * import { DistributedExecutor, DistributedWorker } from "@brio/distributed";
 *
 * const place = { connection: process.env.BRIO_REDIS_URL ?? "redis://127.0.0.1:6379", queue: "docs-worker" };
 *
 * await run(async () => {
 *   await using worker = new DistributedWorker({ ...place, modules: ["node:zlib"], concurrency: 4 });
 *   await worker.start();
 *   console.log(worker.functions.includes("node:zlib#gzipSync")); // true
 *
 *   await using executor = new DistributedExecutor(place);
 *   await (await executor.queue()).obliterate({ force: true }); // leaves nothing in Redis
 * });
 * ```
 */
export class DistributedWorker implements AsyncDisposable {
  private readonly options: CheckedWorkerOptions;
  private starting: Promise<Parts> | null = null;
  private parts: Parts | null = null;
  private closed = false;

  /** @throws TypeError or RangeError that names the option. */
  constructor(options: DistributedWorkerOptions) {
    this.options = checkedWorkerOptions(options);
  }

  /**
   * Imports the modules, connects, and begins to take jobs.
   *
   * *Cancel safety*: starting goes on; `close()` undoes it.
   *
   * @throws ModuleLoadError; RedisConnectionError; RuntimeError outside a task.
   */
  async start(): Promise<void> {
    if (this.closed) throw new TypeError("this DistributedWorker is closed: make a new one");
    this.starting ??= startParts(this.options, getRunningLoop());
    try {
      this.parts = await interruptible(this.starting);
    } catch (error) {
      if (!(error instanceof CancelledError)) this.starting = null;
      throw error;
    }
  }

  /** The ids of the functions that it runs. Empty before it has started. */
  get functions(): readonly string[] {
    return this.parts?.functions.ids ?? [];
  }

  /** BullMQ's own worker, for its events and all else that it can do; null before this one has started. */
  get worker(): Worker | null {
    return this.parts?.worker ?? null;
  }

  /** What the pool that runs the functions does; null before it has started. */
  statistics(): ExecutorStatistics | null {
    return this.parts?.executor.statistics() ?? null;
  }

  /**
   * Takes no more jobs, and waits for those that run; or gives them back. Twice is fine.
   *
   * *Cancel safety*: cancelled, it gives back what runs, and ends when that has stopped.
   */
  async close(options: CloseWorkerOptions = {}): Promise<void> {
    this.closed = true;
    this.parts?.runner.close();
    const starting = this.starting;
    if (starting === null) return;
    this.starting = null;
    const parts = await uncancellable(() => starting.catch(() => null), { grace: null });
    if (parts === null) return;
    const { runner, executor, leave } = parts;
    leave();
    if (options.giveBack === true) runner.giveBack();
    const drained = drain(parts, this.options.connectTimeout);
    try {
      await interruptible(drained);
    } catch (error) {
      if (!(error instanceof CancelledError)) throw error;
      runner.giveBack();
      await uncancellable(() => drained, { grace: null });
      throw error;
    } finally {
      await uncancellable(() => executor.close(), { grace: null });
      await release(parts);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  toString(): string {
    const { queue, concurrency } = this.options;
    return `<DistributedWorker of the queue "${queue}", ${concurrency} at once>`;
  }
}

/** What a worker consists of, once it runs. */
interface Parts {
  readonly redis: Redis;
  readonly functions: FunctionTable;
  readonly executor: Executor;
  readonly requests: CancelRequests;
  readonly runner: JobRunner;
  readonly worker: Worker;
  /** It is closed: the loop's end need not do it. */
  leave(): void;
}

/**
 * Takes no more jobs, and waits for those that run. Without a connection, BullMQ would wait for ever for its end, also if it is
 * lost meanwhile: what was not told when `patience` is over is not told any more, and the jobs are begun again elsewhere.
 */
async function drain({ worker, runner, redis }: Parts, patience: number): Promise<void> {
  runner.close();
  const connects = async (): Promise<boolean> => {
    await runner.idle();
    return await connect(redis, patience).then(
      () => true,
      () => false,
    );
  };
  if (!isConnected(redis)) {
    await worker.pause(true);
    if (!(await connects())) return await worker.close(true);
  }
  let ended = false;
  const closed = worker.close().finally(() => {
    ended = true;
  });
  for (;;) {
    await untilLost(redis, closed);
    if (ended) return await closed;
    if (await connects()) continue;
    // The connection that waits for jobs is tried again without end, if nobody stops it.
    (await worker.getBackend().blockingConnection?.client)?.disconnect();
    return;
  }
}

async function release({ requests, redis }: Pick<Parts, "requests" | "redis">): Promise<void> {
  await requests.close();
  await disconnect(redis);
}

async function startParts(
  options: CheckedWorkerOptions,
  loop: ReturnType<typeof getRunningLoop>,
): Promise<Parts> {
  const { queue, prefix, onError } = options;
  const functions = await FunctionTable.load(options.modules.map(moduleUrl));
  const redis = redisClient(options.connection, `brio-worker:${queue}`);
  redis.on("error", () => {}); // Without a listener, each broken connection would end the process.
  await connect(redis, options.connectTimeout);
  redis.on("error", onError);
  const executor = executorFor(options);
  const worker = new Worker(
    queue,
    // Three parameters: BullMQ counts them, to see whether it has to make a signal.
    (job, token, signal) => runner.run(job, token, signal),
    {
      connection: redis,
      prefix,
      autorun: false,
      concurrency: options.concurrency,
      name: options.name,
      lockDuration: options.lockDuration,
      stalledInterval: options.stalledInterval,
      // Counted with the other attempts, by the runner.
      maxStalledCount: Number.MAX_SAFE_INTEGER,
      removeOnComplete: options.removeOnComplete,
      removeOnFail: options.removeOnFail,
      ...(options.metrics === undefined ? {} : { metrics: options.metrics }),
      ...(options.limiter === undefined ? {} : { limiter: options.limiter }),
      ...(options.telemetry === undefined ? {} : { telemetry: options.telemetry }),
    },
  );
  const key = (id: string): string => worker.toKey(id);
  const requests: CancelRequests = new CancelRequests(redis, {
    running: () => runner.ids(),
    stop: ({ id, reason }) => void worker.cancelJob(id, reason),
    taken: (id, count) => runner.taken(id, count),
    key,
  });
  const { maxResultBytes, maxStalledCount } = options;
  const runner: JobRunner = new JobRunner({
    loop,
    redis,
    functions,
    executor,
    requests,
    maxResultBytes,
    maxStalledCount,
    key,
  });
  worker.on("error", onError);
  // Another worker may have it by now: what comes of it here would not count.
  worker.on("lockRenewalFailed", (ids) => {
    for (const id of ids) worker.cancelJob(id, "the worker has lost its lock on the job");
  });
  try {
    await worker.waitUntilReady();
    await requests.listen(key(""));
  } catch (error) {
    await worker.close(true);
    await release({ requests, redis });
    throw error;
  }
  worker.run().catch(onError);
  const parts = { redis, functions, executor, requests, runner, worker };
  const leave = onLoopClose(loop, () => void drain(all, 0).then(() => release(all)));
  const all: Parts = { ...parts, leave };
  return all;
}
