// One download, and the two ways to do many of them.
import { createHash } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import {
  CancelledError,
  getRunningLoop,
  interruptible,
  retry,
  Semaphore,
  type Timeout,
  taskGroup,
  timeout,
} from "brio";

/** What is to be fetched. */
export interface Wanted {
  readonly name: string;
  readonly size: number;
  readonly sha256: string;
}

/** What became of it. Times are the loop's, in milliseconds. */
export interface Outcome {
  readonly wanted: Wanted;
  readonly started: number;
  readonly ended: number;
  /** When attempts failed. */
  readonly failures: readonly number[];
  /** Why it was given up, or null. */
  readonly error: unknown;
}

/** Is told how downloads get on. */
export interface Observer {
  started(wanted: Wanted): void;
  /** Bytes of the present attempt. */
  received(wanted: Wanted, bytes: number): void;
  retrying(wanted: Wanted, attempt: number, error: unknown): void;
  ended(outcome: Outcome): void;
}

/** Where from, where to, and who looks on. */
export interface Job {
  readonly url: string;
  readonly directory: string;
  readonly observer: Observer;
}

const STALLED = 1000; // ms without a byte are too many

export async function oneByOne(job: Job, all: readonly Wanted[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const wanted of all) outcomes.push(await attemptAll(job, wanted));
  return outcomes;
}

export async function together(job: Job, all: readonly Wanted[], atOnce: number): Promise<Outcome[]> {
  const slots = new Semaphore(atOnce);
  const tasks = await taskGroup((group) =>
    all.map((wanted) =>
      group.createTask(() => slots.with(() => attemptAll(job, wanted)), { name: wanted.name }),
    ),
  );
  return tasks.map((task) => task.result());
}

/** A file that can't be had is an outcome, and no reason for the group to cancel the others. */
async function attemptAll(job: Job, wanted: Wanted): Promise<Outcome> {
  const loop = getRunningLoop();
  const started = loop.time();
  const failures: number[] = [];
  let error: unknown = null;
  job.observer.started(wanted);
  try {
    await download(job, wanted, (reason, attempt) => {
      failures.push(loop.time());
      job.observer.retrying(wanted, attempt, reason);
    });
  } catch (reason) {
    if (reason instanceof CancelledError) throw reason;
    failures.push(loop.time());
    error = reason;
  }
  const outcome = { wanted, started, ended: loop.time(), failures, error };
  job.observer.ended(outcome);
  return outcome;
}

/** The file appears under its name when it is complete and its checksum is right; until then it is `name.part`. */
async function download(
  job: Job,
  wanted: Wanted,
  onRetry: (error: unknown, attempt: number) => void,
): Promise<void> {
  const part = join(job.directory, `${wanted.name}.part`);
  try {
    await timeout("30s", () =>
      retry(() => timeout(STALLED, (limit) => fetchInto(part, job, wanted, limit)), {
        attempts: 4,
        backoff: { initial: "50ms" },
        jitter: 0.2,
        onRetry,
      }),
    );
    await rename(part, join(job.directory, wanted.name));
  } catch (error) {
    await rm(part, { force: true }); // a promise of Node's own: no cancellation cuts it short
    throw error;
  }
}

/** Cancelling it aborts the request, and waits until the file is closed. */
async function fetchInto(part: string, job: Job, wanted: Wanted, limit: Timeout): Promise<void> {
  const loop = getRunningLoop();
  const hash = createHash("sha256");
  let received = 0;
  await interruptible(async (signal) => {
    const response = await fetch(`${job.url}/${wanted.name}`, { signal });
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      throw new Error(`HTTP ${response.status}`);
    }
    await using file = await open(part, "w");
    for await (const chunk of response.body) {
      signal.throwIfAborted();
      limit.reschedule(loop.time() + STALLED); // it moves: more time
      await file.writeFile(chunk);
      hash.update(chunk);
      received += chunk.length;
      job.observer.received(wanted, received);
    }
  });
  if (hash.digest("hex") !== wanted.sha256) throw new Error("wrong checksum");
}
