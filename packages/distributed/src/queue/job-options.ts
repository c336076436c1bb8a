import { inspect } from "node:util";
import { type Duration, milliseconds } from "brio";
import type { CallOptions } from "brio/threads";
import type { BackoffOptions, DeduplicationOptions, JobsOptions, KeepJobs } from "bullmq";

/** What BullMQ can do for a job. What is not said here is said by BullMQ's documentation of the same names. */
export interface JobOptions {
  /**
   * How often the function may be begun: an attempt ends with an error, a time-out, or the loss of its worker. Default 1. (A
   * lost worker alone has the job begun again: see `maxStalledCount` of the worker.)
   */
  readonly attempts?: number | undefined;
  /** The pause before the next attempt: `{ type: "exponential", delay: 1000, jitter: 0.5 }`, or milliseconds. Default: none. */
  readonly backoff?: number | BackoffOptions | undefined;
  /** Not to be begun before this time has passed. */
  readonly delay?: Duration | undefined;
  /** From 1, the most urgent, to 2097151. Jobs without one come before those with one. */
  readonly priority?: number | undefined;
  /** Last in, first out. */
  readonly lifo?: boolean | undefined;
  /**
   * The job's id: no whole number, and without a colon. If there is a job with this id, running or ended and kept, nothing new
   * is begun: the task gets that one's result. Default: a new one.
   */
  readonly jobId?: string | undefined;
  /** Jobs with the same deduplication id are one, for as long as the first has not ended, or for `ttl` milliseconds. */
  readonly deduplication?: DeduplicationOptions | undefined;
  /** What is kept of jobs that gave a result. Default: the last 1,000, for an hour (`{ age: 3600, count: 1000 }`). */
  readonly removeOnComplete?: boolean | number | KeepJobs | undefined;
  /** What is kept of jobs that failed. Default: the last 1,000, for a day. With true, until the caller has the error. */
  readonly removeOnFail?: boolean | number | KeepJobs | undefined;
  /** How many lines of log are kept. */
  readonly keepLogs?: number | undefined;
}

/** How a call is made, and what BullMQ is to do for it: see `executor.with()`. */
export interface DistributedCallOptions extends Omit<CallOptions, "attempts" | "transfer">, JobOptions {
  /** Is ignored: nothing can be moved to another machine. For programs that run on threads as well. */
  readonly transfer?: CallOptions["transfer"];
  /** How large the result may be, in bytes. Default: what the executor says. */
  readonly maxResultBytes?: number | undefined;
}

/** BullMQ keeps what has ended until it is told otherwise. So it is. */
export const KEPT: Required<Pick<JobsOptions, "removeOnComplete" | "removeOnFail">> = {
  removeOnComplete: { age: 3600, count: 1000 },
  removeOnFail: { age: 24 * 3600, count: 1000 },
};

const OWN = [
  "attempts",
  "backoff",
  "delay",
  "priority",
  "lifo",
  "jobId",
  "deduplication",
  "removeOnComplete",
  "removeOnFail",
  "keepLogs",
] as const;

/** The highest number, and the least urgent job. */
const LEAST_URGENT = 2 ** 21 - 1;

/**
 * What BullMQ is to be told.
 *
 * @throws TypeError or RangeError that names the option. (BullMQ would throw when the job is added, with others of the same turn.)
 */
export function checkedJobOptions(options: JobOptions, before: JobsOptions): JobsOptions {
  const checked: Record<string, unknown> = { ...before };
  for (const name of OWN) if (options[name] !== undefined) checked[name] = options[name];
  if (options.delay !== undefined) checked.delay = milliseconds(options.delay, "delay");
  const { attempts, priority, jobId, backoff, deduplication } = options;
  checkWhole("attempts", attempts, 1, Number.MAX_SAFE_INTEGER);
  checkWhole("priority", priority, 0, LEAST_URGENT);
  if (jobId !== undefined && (typeof jobId !== "string" || !/^(?!\d+$)[^:]+$/.test(jobId))) {
    throw new TypeError(
      `jobId must be a string that is no whole number and has no colon, such as "report-17"; got ${inspect(jobId)}`,
    );
  }
  if (
    typeof backoff === "object" ? typeof backoff.type !== "string" : backoff !== undefined && !(backoff >= 0)
  ) {
    throw new TypeError(
      `backoff must be milliseconds, or as in { type: "exponential", delay: 1000 }; got ${inspect(backoff)}`,
    );
  }
  if (deduplication !== undefined && typeof deduplication?.id !== "string") {
    throw new TypeError(
      `deduplication takes an id: { deduplication: { id: "user-17" } }; got ${inspect(deduplication)}`,
    );
  }
  return checked as JobsOptions; // its own names, and what was there before
}

/** @throws RangeError unless it is undefined, or a whole number from `least` to `most`. */
export function checkWhole(name: string, value: number | undefined, least: number, most: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= least && value <= most)) return;
  const range = most === Number.MAX_SAFE_INTEGER ? `>= ${least}` : `from ${least} to ${most}`;
  throw new RangeError(`${name} must be a whole number ${range}; got ${inspect(value)}`);
}

/** @throws TypeError unless BullMQ takes it as the name of a queue. */
export function checkQueueName(name: string): void {
  if (typeof name === "string" && name !== "" && !name.includes(":")) return;
  throw new TypeError(`queue must be a name without colons, such as "images"; got ${inspect(name)}`);
}
