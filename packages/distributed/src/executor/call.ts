import { inspect } from "node:util";
import { CancelledError, interruptible, uncancellable } from "brio";
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
  link.awaited.add(job);
  try {
    const sent = send(link, job, outgoing);
    sent.catch((error: unknown) => job.abandon(error));
    try {
      return await job.outcome;
    } catch (error) {
      if (!job.settled) await uncancellable(() => stopJob(link, job, sent, error, patience), { grace: null });
      else if (outgoing.removeWhenFailed) await interruptible(link.queue.remove(job.id));
      throw error;
    }
  } finally {
    link.awaited.delete(job);
  }
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
  link.awaited.add(job);
  try {
    link.awaited.find(job).then(
      // Submitted a moment ago, it is on its way there.
      (found) => found || link.awaited.isUnsent(job.id) || job.abandon(missing()),
      (error: unknown) => job.abandon(error),
    );
    return await job.outcome;
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

/** Stops a job whose call was cancelled, and waits until it has ended. */
async function stopJob(
  link: QueueLink,
  job: AwaitedJob,
  sent: Promise<boolean>,
  reason: unknown,
  patience: number | null,
): Promise<void> {
  const timer = patience === null ? undefined : setTimeout(() => job.abandon(reason), patience);
  const stopped = stop(link, job, sent, reason).catch(() => job.abandon(reason)); // it could not even be added
  await Promise.race([stopped, job.whenSettled()]);
  clearTimeout(timer);
}

async function stop(
  link: QueueLink,
  job: AwaitedJob,
  sent: Promise<boolean>,
  reason: unknown,
): Promise<void> {
  // Whoever shares another's job only stops waiting for it.
  if (!(await sent)) job.abandon(reason);
  while (!job.settled) {
    const how = await cancelJob(link.redis, link.queue, { id: job.id, reason: textOf(reason) });
    if (how === "removed" || how === "gone") job.abandon(reason);
    else if (how === "ended") await link.awaited.find(job);
    else await settledOr(job, ASK_AGAIN);
  }
}

async function settledOr(job: AwaitedJob, time: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const pause = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, time);
  });
  await Promise.race([job.whenSettled(), pause]);
  clearTimeout(timer);
}

/** A reason for other machines. */
function textOf(error: unknown): string | undefined {
  const reason = error instanceof CancelledError ? error.reason : error;
  if (reason === undefined || typeof reason === "string") return reason;
  return reason instanceof Error ? reason.message : inspect(reason);
}
