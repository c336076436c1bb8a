import type { Queue, QueueEvents } from "bullmq";
import type { Redis } from "ioredis";
import { ERROR_FIELD } from "../queue/job-fields.ts";
import type { Payload } from "../wire/payload.ts";
import type { AwaitedJob } from "./awaited-job.ts";

/** How many jobs are looked up at a time. */
const BATCH = 500;

/** How many lookups in a row must miss a job: the first may have come between its end and the news of that. */
const ENOUGH = 2;

/**
 * The jobs that this executor waits for, by their ids. The queue's events tell how they end. Events can be missed: BullMQ
 * keeps the last 10,000 or so, and Redis may lose some when it is restarted. So what is awaited is also looked up from time
 * to time, and whenever the connection is new.
 */
export class AwaitedJobs {
  private readonly jobs = new Map<string, Set<AwaitedJob>>();
  private readonly redis: Redis;
  private readonly queue: Queue;
  /** How often a worker was lost that ran one of them. */
  stalled = 0;

  constructor(redis: Redis, queue: Queue) {
    this.redis = redis;
    this.queue = queue;
  }

  add(job: AwaitedJob): void {
    const known = this.jobs.get(job.id);
    if (known === undefined) this.jobs.set(job.id, new Set([job]));
    else known.add(job);
  }

  delete(job: AwaitedJob): void {
    const known = this.jobs.get(job.id);
    if (known?.delete(job) && known.size === 0) this.jobs.delete(job.id);
  }

  *[Symbol.iterator](): Generator<AwaitedJob> {
    for (const jobs of this.jobs.values()) yield* jobs;
  }

  listenTo(events: QueueEvents): void {
    events.on("active", ({ jobId }) => this.became(jobId, "running"));
    events.on("waiting", ({ jobId }) => this.became(jobId, "waiting"));
    events.on("delayed", ({ jobId }) => this.became(jobId, "waiting"));
    events.on("stalled", ({ jobId }) => {
      if (this.jobs.has(jobId)) this.stalled++;
    });
    events.on("progress", ({ jobId, data }) => {
      for (const job of this.of(jobId)) job.progressed(data as Payload); // as the worker has packed it
    });
    events.on("completed", ({ jobId, returnvalue }) => {
      for (const job of this.of(jobId)) job.completed(returnvalue as unknown as Payload); // as the worker has packed it
    });
    events.on("failed", ({ jobId, failedReason }) => {
      if (this.jobs.has(jobId)) void this.failed(jobId, failedReason);
    });
    events.on("removed", ({ jobId }) => {
      for (const job of this.of(jobId)) job.vanished("removed");
    });
  }

  /** A copy: who is told something may end, and be deleted. */
  private of(id: string): AwaitedJob[] {
    return [...(this.jobs.get(id) ?? [])];
  }

  private became(id: string, state: "running" | "waiting"): void {
    for (const job of this.jobs.get(id) ?? []) if (job.state !== "unsent" && !job.settled) job.state = state;
  }

  /** BullMQ tells the message only: the rest is in the job. */
  private async failed(id: string, reason: string): Promise<void> {
    const text = await this.redis.hget(this.queue.toKey(id), ERROR_FIELD).catch(() => null);
    const thrown = text === null ? undefined : (JSON.parse(text) as Payload);
    for (const job of this.of(id)) job.failed(thrown, reason);
  }

  /** Looks up all of them. */
  async lookUp(): Promise<void> {
    const ids = [...this.jobs.keys()];
    for (let at = 0; at < ids.length; at += BATCH) await this.lookUpSome(ids.slice(at, at + BATCH));
  }

  /** Looks up one. False if it isn't there. */
  async find(job: AwaitedJob): Promise<boolean> {
    await this.lookUpSome([job.id], false);
    return job.missed === 0;
  }

  private async lookUpSome(ids: readonly string[], lose = true): Promise<void> {
    const pipeline = this.redis.pipeline();
    const fields = [
      "timestamp",
      "finishedOn",
      "returnvalue",
      "failedReason",
      ERROR_FIELD,
      "progress",
    ] as const;
    for (const id of ids) pipeline.hmget(this.queue.toKey(id), ...fields);
    const replies = (await pipeline.exec()) ?? [];
    for (const [index, [error, reply]] of replies.entries()) {
      if (error !== null) throw error;
      const id = ids[index] as string; // a reply for each
      for (const job of this.of(id)) this.found(job, reply as (string | null)[], lose);
    }
  }

  private found(job: AwaitedJob, reply: readonly (string | null)[], lose: boolean): void {
    const [timestamp, finishedOn, returnvalue, failedReason, thrown] = reply;
    if (timestamp === null || timestamp === undefined) {
      job.missed++;
      if (lose && job.state !== "unsent" && job.missed >= ENOUGH) job.vanished("lost");
      return;
    }
    job.missed = 0;
    if (finishedOn === null || finishedOn === undefined) return;
    if (typeof returnvalue === "string") job.completed(JSON.parse(returnvalue) as Payload);
    else
      job.failed(
        typeof thrown === "string" ? (JSON.parse(thrown) as Payload) : undefined,
        failedReason ?? "",
      );
  }
}
