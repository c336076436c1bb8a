import { Queue, QueueEvents } from "bullmq";
import type { Redis } from "ioredis";
import { connect, disconnect, isConnected, redisClient, untilLost } from "../queue/connection.ts";
import { AwaitedJobs } from "./awaited-jobs.ts";
import type { CheckedExecutorOptions } from "./options.ts";
import { Outbox } from "./outbox.ts";

/** How long after a new connection the second lookup comes: what is missing in both is lost. */
const SECOND_LOOK = 1000;

/** An executor's link to its queue: a connection for commands, another one on which the queue tells what happens. */
export class QueueLink {
  readonly redis: Redis;
  readonly queue: Queue;
  readonly awaited: AwaitedJobs;
  readonly outbox: Outbox;
  /** The last thing that went wrong with a connection. */
  lastError: unknown;
  private readonly events: QueueEvents;
  private readonly timer: NodeJS.Timeout;
  private secondLook: NodeJS.Timeout | undefined;

  /** @throws RedisConnectionError if there is no connection in time. */
  static async open(options: CheckedExecutorOptions): Promise<QueueLink> {
    const redis = redisClient(options.connection, `brio:${options.queue}`);
    // Without a listener, each broken connection would end the process.
    redis.on("error", () => {});
    try {
      await connect(redis, options.connectTimeout);
      const link = new QueueLink(redis, options, await eventsFromNow(redis));
      await link.queue.waitUntilReady();
      await link.events.waitUntilReady();
      return link;
    } catch (error) {
      redis.disconnect();
      throw error;
    }
  }

  private constructor(redis: Redis, options: CheckedExecutorOptions, lastEventId: string) {
    const { queue: name, prefix, telemetry } = options;
    const noted = (error: unknown): void => {
      this.lastError = error;
    };
    this.redis = redis;
    this.queue = new Queue(name, {
      connection: redis,
      prefix,
      ...(telemetry === undefined ? {} : { telemetry }),
    });
    this.queue.on("error", noted);
    this.awaited = new AwaitedJobs(redis, this.queue);
    this.outbox = new Outbox(this.queue);
    this.events = new QueueEvents(name, { connection: redis, prefix, lastEventId });
    this.events.on("error", noted);
    this.awaited.listenTo(this.events);
    this.timer = setInterval(() => this.look(), options.checkInterval).unref();
    redis.on("error", noted);
    redis.on("ready", () => {
      this.look();
      this.secondLook = setTimeout(() => this.look(), SECOND_LOOK).unref();
    });
  }

  private look(): void {
    if (!this.connected) return;
    this.awaited.lookUp().catch((error: unknown) => {
      this.lastError = error;
    });
  }

  get connected(): boolean {
    return isConnected(this.redis);
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    clearTimeout(this.secondLook);
    const events = (await this.events.getBackend().connection.client) as unknown as Redis; // BullMQ has made one of ioredis's
    await untilLost(events, this.events.close());
    events.disconnect();
    await untilLost(this.redis, this.queue.close());
    await disconnect(this.redis);
  }
}

/**
 * From where to read the queue's events, such that none is missed that comes after this. ("$", BullMQ's default, is where the
 * stream ends when it is read: between two reads that find nothing, an event can slip through.)
 */
async function eventsFromNow(redis: Redis): Promise<string> {
  const [seconds, microseconds] = await redis.time();
  return `${Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000) - 1}-0`;
}
