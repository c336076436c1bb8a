import { inspect } from "node:util";
import { CancelledError, interruptible } from "brio";
import { cancelJob } from "../queue/cancel-job.ts";
import type { JobData } from "../wire/job-data.ts";
import type { AwaitedJob } from "./awaited-job.ts";
import type { OutgoingJob } from "./outbox.ts";
import type { QueueLink } from "./queue-link.ts";

/** After which time a worker is asked again to stop a job: it may have been on its way from one worker to another. */
const ASK_AGAIN = 2000;

/**
 * Adds a job, and waits for its outcome.
 *
 * *Cancel safety*: cancelled, the job is removed, or stopped on its worker, and this ends when it has ended; at the latest after
 * `patience` milliseconds (null: no limit), when no news comes of it. A job that is shared with others goes on.
 */
export async function callJob(
  link: QueueLink,
  job: AwaitedJob,
  outgoing: OutgoingJob,
  patience: number | null,
): Promise<unknown> {
  return await awaiting(link, job, async (signal) => {
    const sent = send(link, job, outgoing);
    const stop = (): void => void stopJob(link, job, sent, signal.reason, patience);
    signal.addEventListener("abort", stop, { once: true });
    await sent;
    try {
      return await job.outcome;
    } catch (error) {
      if (outgoing.removeWhenFailed) await link.queue.remove(job.id);
      throw error;
    }
  });
}

/**
 * Waits for the outcome of a job that is there, or was.
 *
 * *Cancel safety*: the job goes on.
 *
 * @param missing makes the error if there is no such job
 */
export async function watchJob(link: QueueLink, job: AwaitedJob, missing: () => Error): Promise<unknown> {
  job.state = "waiting";
  return await awaiting(link, job, async (signal) => {
    signal.addEventListener("abort", () => job.abandon(signal.reason), { once: true });
    if (!(await link.awaited.find(job))) job.abandon(missing());
    return await job.outcome;
  });
}

async function awaiting(
  link: QueueLink,
  job: AwaitedJob,
  work: (signal: AbortSignal) => Promise<unknown>,
): Promise<unknown> {
  link.awaited.add(job);
  try {
    return await interruptible(work);
  } finally {
    link.awaited.delete(job);
  }
}

/** Adds the job. Gives whether it is this call's own: not if there was one with its id. */
async function send(link: QueueLink, job: AwaitedJob, outgoing: OutgoingJob): Promise<boolean> {
  const id = await link.outbox.add(outgoing);
  const { submission } = outgoing.data;
  const renamed = id !== job.id;
  if (renamed) {
    link.awaited.delete(job);
    job.id = id;
    link.awaited.add(job);
  }
  if (job.state === "unsent") job.state = "waiting";
  if (!renamed && submission === undefined) return true;
  const own = !renamed && (await submissionOf(link, id)) === submission;
  // It may have ended before it was listened to.
  if (!own) await link.awaited.find(job);
  return own;
}

async function submissionOf(link: QueueLink, id: string): Promise<string | undefined> {
  const text = await link.redis.hget(link.queue.toKey(id), "data");
  return text === null ? undefined : (JSON.parse(text) as JobData).submission; // an executor has made it
}

/** Stops a job that a call has begun, and sees to it that the call ends. */
async function stopJob(
  link: QueueLink,
  job: AwaitedJob,
  sent: Promise<boolean>,
  reason: unknown,
  patience: number | null,
): Promise<void> {
  job.cancelledWith = reason;
  const timer = patience === null ? undefined : setTimeout(() => job.abandon(reason), patience);
  try {
    // Whoever shares another's job only stops waiting for it.
    if (!(await sent)) job.abandon(reason);
    while (!job.settled) {
      const how = await cancelJob(link.redis, link.queue, { id: job.id, reason: textOf(reason) });
      if (how === "removed" || how === "gone") job.abandon(reason);
      else if (how === "ended") await link.awaited.find(job);
      else await settledOr(job, ASK_AGAIN);
    }
  } catch {
    job.abandon(reason); // It could not even be added; or the executor was closed meanwhile.
  } finally {
    clearTimeout(timer);
  }
}

async function settledOr(job: AwaitedJob, time: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const pause = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, time);
  });
  await Promise.race([job.outcome.catch(() => {}), pause]);
  clearTimeout(timer);
}

/** A reason for other machines. */
function textOf(error: unknown): string | undefined {
  const reason = error instanceof CancelledError ? error.reason : error;
  if (reason === undefined || typeof reason === "string") return reason;
  return reason instanceof Error ? reason.message : inspect(reason);
}
