/** What the job programs share: the function, and where its queue is. */
import process from "node:process";
import { Redis } from "ioredis";
import { redisUrl } from "../harness/needs.ts";

export const connection: string = redisUrl;

/** How many jobs a worker runs at once. */
export const concurrency = 10;

/** What a job does: so little that only its way is measured. */
export const double = (n: number): number => n * 2;

/** A queue of this process's own. */
export const queueOf = (peer: string): string => `brio-bench-${peer}-${process.pid}`;

/** Leaves nothing of a queue in Redis. */
export async function obliterate(queue: string): Promise<void> {
  const redis = new Redis(connection);
  const keys = await redis.keys(`bull:${queue}:*`);
  if (keys.length > 0) await redis.del(keys);
  redis.disconnect();
}
