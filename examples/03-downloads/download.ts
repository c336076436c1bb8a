// One download, and the two ways to do many of them.
import { HttpClient, type HttpEvent } from "@brio/http";
import { download as fetchFile } from "@brio/http/download";
import { CancelledError, getRunningLoop, Semaphore, taskGroup, timeout } from "brio";

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
  readonly connections: Connections;
}

/** What all downloads of a pass share: an HTTP client that tries again, and tells who asks when it has to. */
export class Connections implements AsyncDisposable {
  readonly client: HttpClient = new HttpClient({
    timeout: { idle: "1s" }, // a second without a byte is too long
    retry: { attempts: 4, backoff: { initial: "50ms" }, jitter: 0.2 },
    onEvent: (event) => this.told(event),
  });
  /** Who is to be told of what fails, by the URL. */
  readonly troubled: Map<string, (error: unknown) => void> = new Map();

  private told(event: HttpEvent): void {
    if (event.type !== "retry") return;
    this.troubled.get(event.url)?.(event.error ?? new Error(`HTTP ${event.status}`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
  }
}

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

/**
 * The file appears under its name when it is complete and its checksum is right. Cancelling it ends the request, and leaves
 * nothing in the directory.
 */
async function download(
  { url, directory, observer, connections: { client, troubled } }: Job,
  wanted: Wanted,
  onRetry: (error: unknown, attempt: number) => void,
): Promise<void> {
  const from = `${url}/${wanted.name}`;
  let attempt = 0;
  const failed = (error: unknown): void => onRetry(error, ++attempt);
  troubled.set(from, failed);
  try {
    await timeout("30s", () =>
      fetchFile(from, {
        client,
        directory,
        name: wanted.name,
        checksum: `sha256:${wanted.sha256}`,
        resume: false,
        onEvent: (event) => {
          if (event.type === "progress") observer.received(wanted, event.received);
          else if (event.type === "retry") failed(event.error); // cut in the middle
        },
      }),
    );
  } finally {
    troubled.delete(from);
  }
}
