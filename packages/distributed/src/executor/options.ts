import { inspect } from "node:util";
import { type Duration, milliseconds } from "brio";
import type { ProgressListener } from "brio/threads";
import type { Telemetry } from "bullmq";
import { checkAddress, type RedisAddress } from "../queue/connection.ts";
import { checkQueueName, checkWhole, type JobOptions } from "../queue/job-options.ts";

/** How a {@link DistributedExecutor} works. */
export interface DistributedExecutorOptions {
  /** Where Redis is: `"redis://host:6379"`, or the options of ioredis. */
  readonly connection: RedisAddress;
  /** The queue's name. The workers must have the same. */
  readonly queue: string;
  /** What the keys in Redis begin with. The workers must have the same. Default "bull", as BullMQ has it. */
  readonly prefix?: string | undefined;
  /** How calls are made, unless `with()` says otherwise. */
  readonly defaultJobOptions?: JobOptions | undefined;
  /** How large the arguments of a call may be, in bytes: Redis keeps them in memory. Default 1 MiB. */
  readonly maxArgumentBytes?: number | undefined;
  /** How large a result may be, in bytes. Default: what the worker says, 1 MiB. */
  readonly maxResultBytes?: number | undefined;
  /** How long the first connection may take; later ones are tried without end. Default "10s". */
  readonly connectTimeout?: Duration | undefined;
  /** How often jobs are looked up whose end may have been missed. Default "10s". */
  readonly checkInterval?: Duration | undefined;
  /** How long a cancelled call waits, beyond its `grace`, to hear that the function has stopped. Default "10s". */
  readonly stopTimeout?: Duration | undefined;
  /** OpenTelemetry, as BullMQ takes it: `new BullMQOtel("app")`. */
  readonly telemetry?: Telemetry | undefined;
}

/** How {@link DistributedExecutor.attach} waits. */
export interface AttachOptions {
  /** Is called with what the function reports from now on. */
  readonly onProgress?: ProgressListener | undefined;
}

/** How the queue is: see {@link DistributedExecutor.health}. */
export interface QueueHealth {
  /** The time that Redis took to answer, in milliseconds. */
  readonly latency: number;
  /** How many workers there are for the queue, anywhere. */
  readonly workers: number;
  /** Jobs by state: `waiting`, `active`, `delayed`, `prioritized`, `completed`, `failed`, `paused`. */
  readonly jobs: Readonly<Record<string, number>>;
  /** The last thing that went wrong with a connection; undefined if nothing did. */
  readonly lastError: unknown;
}

/** The same, checked; durations in milliseconds. */
export interface CheckedExecutorOptions extends DistributedExecutorOptions {
  readonly prefix: string;
  readonly defaultJobOptions: JobOptions;
  readonly maxArgumentBytes: number;
  readonly connectTimeout: number;
  readonly checkInterval: number;
  readonly stopTimeout: number;
  readonly telemetry: Telemetry | undefined;
}

const MEBIBYTE = 1024 * 1024;

/** @throws TypeError or RangeError that names the option. */
export function checkedExecutorOptions(options: DistributedExecutorOptions): CheckedExecutorOptions {
  if (typeof options !== "object" || options === null || typeof options.queue !== "string") {
    throw new TypeError(
      `DistributedExecutor takes where Redis is and the name of a queue: new DistributedExecutor({ connection: "redis://127.0.0.1:6379", queue: "images" }); got ${inspect(options)}`,
    );
  }
  checkQueueName(options.queue);
  checkAddress(options.connection);
  checkWhole("maxArgumentBytes", options.maxArgumentBytes, 1, Number.MAX_SAFE_INTEGER);
  checkWhole("maxResultBytes", options.maxResultBytes, 1, Number.MAX_SAFE_INTEGER);
  return {
    ...options,
    prefix: options.prefix ?? "bull",
    defaultJobOptions: options.defaultJobOptions ?? {},
    maxArgumentBytes: options.maxArgumentBytes ?? MEBIBYTE,
    connectTimeout: milliseconds(options.connectTimeout ?? "10s", "connectTimeout"),
    checkInterval: milliseconds(options.checkInterval ?? "10s", "checkInterval"),
    stopTimeout: milliseconds(options.stopTimeout ?? "10s", "stopTimeout"),
    telemetry: options.telemetry,
  };
}
