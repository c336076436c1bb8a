import { WorkerDiedError } from "brio/threads";
import type { Job } from "bullmq";

/*
 * How often a job is begun
 *
 * An attempt ends with an error (BullMQ counts these: `attemptsMade`), or because its worker is lost: killed, cut off, or
 * blocked until the job's lock was over (`stalledCounter`). BullMQ has a limit for each; here there is one for both, so that
 * a job which takes each of its workers with it is parked after its `attempts` as any other. A job with one attempt is begun
 * again all the same if its worker was lost: `maxStalledCount` times, as BullMQ does it.
 */

/** How many attempts have ended. */
function ended({ attemptsMade, stalledCounter }: Job): number {
  return attemptsMade + stalledCounter;
}

/** May it be begun? If not, the error to park it with. */
export function exhausted(job: Job, maxStalledCount: number): WorkerDiedError | null {
  const { attempts = 1 } = job.opts;
  if (job.stalledCounter === 0 || ended(job) < Math.max(attempts, 1 + maxStalledCount)) return null;
  const worker = job.processedBy === undefined ? "its worker" : `the worker ${job.processedBy}`;
  return new WorkerDiedError(job.name, { how: "stalled", worker, exitCode: null, signal: null }, ended(job));
}

/** Is this its last attempt, whatever BullMQ thinks? */
export function isLast(job: Job): boolean {
  return ended(job) + 1 >= (job.opts.attempts ?? 1);
}
