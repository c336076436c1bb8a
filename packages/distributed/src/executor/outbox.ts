import type { JobsOptions, Queue } from "bullmq";
import type { JobData } from "../wire/job-data.ts";

/** A job that is to be added to the queue. */
export interface OutgoingJob {
  readonly name: string;
  readonly data: JobData;
  readonly opts: JobsOptions & { readonly jobId: string };
  /** Remove it when its caller has its error. */
  readonly removeWhenFailed: boolean;
}

interface Entry {
  readonly job: OutgoingJob;
  readonly sent: (id: string) => void;
  readonly failed: (error: unknown) => void;
}

/** The most jobs that are added in one go. */
const BATCH = 1000;

/**
 * Adds jobs to the queue; those that are submitted in the same turn of Node's loop in one go, which is several times as fast.
 *
 * Their ids are made here, so a job can be added again when it isn't known whether the connection broke before it was added
 * or after: the second time does nothing.
 */
export class Outbox {
  private readonly queue: Queue;
  private entries: Entry[] = [];
  private immediate: NodeJS.Immediate | null = null;

  constructor(queue: Queue) {
    this.queue = queue;
  }

  /** Adds a job. Gives its id: another one if it is a duplicate of another job. */
  add(job: OutgoingJob): Promise<string> {
    return new Promise((sent, failed) => {
      this.entries.push({ job, sent, failed });
      this.immediate ??= setImmediate(() => this.flush());
    });
  }

  private flush(): void {
    this.immediate = null;
    const { entries } = this;
    this.entries = [];
    for (let at = 0; at < entries.length; at += BATCH) void this.send(entries.slice(at, at + BATCH));
  }

  private async send(entries: readonly Entry[]): Promise<void> {
    try {
      const jobs = await this.queue.addBulk(
        entries.map(({ job }) => job as { name: string; data: unknown; opts: JobsOptions }),
      );
      for (const [index, { job, sent }] of entries.entries()) sent(jobs[index]?.id ?? job.opts.jobId);
    } catch (error) {
      // One of them may be at fault: alone, each gets what is its own.
      if (entries.length > 1) for (const entry of entries) void this.send([entry]);
      else entries[0]?.failed(error);
    }
  }
}
