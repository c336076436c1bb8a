import type { Redis } from "ioredis";
import { disconnect } from "../queue/connection.ts";
import { CANCEL_FIELD, type CancelRequest, cancelChannel } from "../queue/job-fields.ts";

/** How many requests are kept that no job here was meant by: it may be on its way from Redis. */
const KEPT = 1000;

/** What a worker knows of the queue's jobs. */
export interface RunningJobs {
  /** The ids of those that run here. */
  running(): Iterable<string>;
  /** Somebody wants one of them stopped. */
  stop(request: CancelRequest): void;
  /** The key of a job's hash. */
  key(id: string): string;
}

/**
 * Hears which jobs are to be stopped. The request itself stands in the job; what is published says that it is new. So one that
 * was published while the connection was broken is found when it is back, and one whose worker was lost by the next worker.
 */
export class CancelRequests {
  private readonly redis: Redis;
  private readonly subscriber: Redis;
  private readonly jobs: RunningJobs;
  /** The latest that nobody here was meant by. */
  private readonly early = new Set<string>();

  constructor(redis: Redis, jobs: RunningJobs) {
    this.redis = redis;
    this.jobs = jobs;
    this.subscriber = redis.duplicate();
    this.subscriber.on("error", () => {});
    this.subscriber.on("message", (_channel: string, message: string) => this.heard(message));
    // Also when it has connected again; its subscription is made again by itself.
    this.subscriber.on("ready", () => {
      for (const id of jobs.running()) void this.look(id);
    });
  }

  /** @param key what the queue's keys begin with */
  async listen(key: string): Promise<void> {
    await this.subscriber.subscribe(cancelChannel(key));
  }

  private heard(message: string): void {
    const request = JSON.parse(message) as CancelRequest; // as cancelJob() publishes it
    for (const id of this.jobs.running()) {
      if (id === request.id) {
        this.jobs.stop(request);
        return;
      }
    }
    this.early.add(request.id);
    for (const id of this.early) {
      if (this.early.size <= KEPT) break;
      this.early.delete(id);
    }
  }

  private async look(id: string): Promise<void> {
    const request = await this.find(id).catch(() => undefined);
    if (request !== undefined) this.jobs.stop(request);
  }

  /** The request that a job which is about to begin be stopped. Only looked for where there can be one. */
  async of(id: string, begunBefore: boolean): Promise<CancelRequest | undefined> {
    return this.early.delete(id) || begunBefore ? await this.find(id) : undefined;
  }

  private async find(id: string): Promise<CancelRequest | undefined> {
    const text = await this.redis.hget(this.jobs.key(id), CANCEL_FIELD);
    return text === null ? undefined : (JSON.parse(text) as CancelRequest); // as cancelJob() stores it
  }

  async close(): Promise<void> {
    await disconnect(this.subscriber);
  }
}
