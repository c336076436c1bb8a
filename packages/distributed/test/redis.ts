import { Redis } from "ioredis";
import { onTestFinished } from "vitest";
import { type Describe, describeWith } from "../../brio/test/services.ts";

/** Where the tests' Redis is. They share it with others: each has a prefix of its own, and removes what it has made. */
export const REDIS_URL: string = process.env.BRIO_REDIS_URL ?? "redis://127.0.0.1:6379";

/** Tests that need a Redis. Where there is none, they are skipped, and say so. */
export const describeWithRedis: Describe = describeWith(
  `Redis at ${REDIS_URL}`,
  await ping(),
  "start redis-server, or set BRIO_REDIS_URL",
);

/** A client that is closed when the test ends. */
export function client(url: string = REDIS_URL): Redis {
  const redis = new Redis(url, { maxRetriesPerRequest: null });
  redis.on("error", () => {});
  onTestFinished(() => redis.disconnect());
  return redis;
}

/** Where a queue is: what executors and workers are given. */
export interface Place {
  readonly connection: string;
  readonly queue: string;
  readonly prefix: string;
}

let places = 0;

/** A queue of the test's own, of which nothing is left when it ends. */
export function place(connection: string = REDIS_URL): Place {
  const prefix = `brio-test-${process.pid}-${++places}`;
  onTestFinished(async () => {
    const redis = new Redis(connection);
    const keys = await redis.keys(`${prefix}:*`);
    if (keys.length > 0) await redis.del(keys);
    redis.disconnect();
  });
  return { connection, queue: "jobs", prefix };
}

async function ping(): Promise<boolean> {
  const redis = new Redis(REDIS_URL, { lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: null });
  redis.on("error", () => {});
  try {
    await redis.connect();
    return (await redis.ping()) === "PONG";
  } catch {
    return false;
  } finally {
    redis.disconnect();
  }
}
