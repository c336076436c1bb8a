import { availableParallelism, hostname } from "node:os";
import { inspect } from "node:util";
import { type Duration, milliseconds } from "brio";
import type { ThreadPoolOptions } from "brio/threads";
import type { MetricsOptions, RateLimiterOptions, Telemetry } from "bullmq";
import { checkAddress, type RedisAddress } from "../queue/connection.ts";
import { checkQueueName, checkWhole } from "../queue/job-options.ts";

/** Where a worker runs functions: in threads, in processes, or in its own thread. */
export type Isolation = "threads" | "processes" | "inline";

/** How a {@link DistributedWorker} works. */
export interface DistributedWorkerOptions {
  /** Where Redis is: `"redis://host:6379"`, or the options of ioredis. */
  readonly connection: RedisAddress;
  /** The queue's name. */
  readonly queue: string;
  /** What the keys in Redis begin with. Default "bull", as BullMQ has it. */
  readonly prefix?: string | undefined;
  /** The modules whose functions it runs: paths, seen from the working directory, or URLs. */
  readonly modules: readonly (string | URL)[];
  /** How many jobs it runs at once. Default: one for each processor. */
  readonly concurrency?: number | undefined;
  /**
   * Where functions run. `"threads"` (default): a thread each, which is replaced if the function crashes or doesn't stop.
   * `"processes"`: for functions with native parts that can crash a process. `"inline"`: in the worker's own thread, for many
   * functions that mostly wait.
   */
  readonly isolate?: Isolation | undefined;
  /**
   * What the pool of threads or processes is told besides: an `initializer` that loads a model, `resourceLimits`, `env`, ...
   */
  readonly pool?: Omit<ThreadPoolOptions, "maxWorkers" | "maxResultBytes"> | undefined;
  /** How large a result may be, in bytes: Redis keeps them in memory. Default 1 MiB. */
  readonly maxResultBytes?: number | undefined;
  /** How often a job with one attempt is begun again because its worker was lost. Default 1. */
  readonly maxStalledCount?: number | undefined;
  /** After which time without a sign of life a worker counts as lost. Default "30s". */
  readonly lockDuration?: Duration | undefined;
  /** How often is looked for jobs whose worker was lost. Default "30s". */
  readonly stalledInterval?: Duration | undefined;
  /** At most so many jobs in so many milliseconds, over all workers of the queue: `{ max: 100, duration: 1000 }`. */
  readonly limiter?: RateLimiterOptions | undefined;
  /** Keep figures about each minute: `{ maxDataPoints: MetricsTime.ONE_WEEK }`. Default: the counts only. */
  readonly metrics?: MetricsOptions | undefined;
  /** How long the first connection may take; later ones are tried without end. Default "10s". */
  readonly connectTimeout?: Duration | undefined;
  /** Its name in `job.processedBy` and in lists of workers. Default: host and process id. */
  readonly name?: string | undefined;
  /** Is told what goes wrong beside the jobs: broken connections, locks that were lost. Default: nobody is. */
  readonly onError?: ((error: Error) => void) | undefined;
  /** OpenTelemetry, as BullMQ takes it: `new BullMQOtel("app")`. */
  readonly telemetry?: Telemetry | undefined;
}

/** The same, checked; durations in milliseconds. */
export interface CheckedWorkerOptions extends DistributedWorkerOptions {
  readonly prefix: string;
  readonly concurrency: number;
  readonly isolate: Isolation;
  readonly maxResultBytes: number;
  readonly maxStalledCount: number;
  readonly lockDuration: number;
  readonly stalledInterval: number;
  readonly metrics: MetricsOptions;
  readonly connectTimeout: number;
  readonly name: string;
  readonly onError: (error: Error) => void;
}

const ISOLATIONS = ["threads", "processes", "inline"];

/** @throws TypeError or RangeError that names the option. */
export function checkedWorkerOptions(options: DistributedWorkerOptions): CheckedWorkerOptions {
  if (typeof options !== "object" || options === null || typeof options.queue !== "string") {
    throw new TypeError(
      `DistributedWorker takes where Redis is, a queue and modules: new DistributedWorker({ connection: "redis://127.0.0.1:6379", queue: "images", modules: ["./jobs.ts"] }); got ${inspect(options)}`,
    );
  }
  checkQueueName(options.queue);
  checkAddress(options.connection);
  const { modules, concurrency, isolate = "threads", maxResultBytes, maxStalledCount } = options;
  if (!Array.isArray(modules) || modules.length === 0) {
    throw new TypeError(
      `modules must say whose functions to run: { modules: ["./jobs.ts"] }; got ${inspect(modules)}`,
    );
  }
  if (!ISOLATIONS.includes(isolate)) {
    throw new RangeError(`isolate must be "threads", "processes" or "inline"; got ${inspect(isolate)}`);
  }
  checkWhole("concurrency", concurrency, 1, Number.MAX_SAFE_INTEGER);
  checkWhole("maxResultBytes", maxResultBytes, 1, Number.MAX_SAFE_INTEGER);
  checkWhole("maxStalledCount", maxStalledCount, 0, Number.MAX_SAFE_INTEGER);
  return {
    ...options,
    prefix: options.prefix ?? "bull",
    concurrency: concurrency ?? availableParallelism(),
    isolate,
    maxResultBytes: maxResultBytes ?? 1024 * 1024,
    maxStalledCount: maxStalledCount ?? 1,
    lockDuration: milliseconds(options.lockDuration ?? "30s", "lockDuration"),
    stalledInterval: milliseconds(options.stalledInterval ?? "30s", "stalledInterval"),
    // BullMQ counts what is done only if it may keep at least one figure.
    metrics: options.metrics ?? { maxDataPoints: 1 },
    connectTimeout: milliseconds(options.connectTimeout ?? "10s", "connectTimeout"),
    name: options.name ?? `${hostname()}-${process.pid}`,
    onError: options.onError ?? (() => {}),
  };
}
