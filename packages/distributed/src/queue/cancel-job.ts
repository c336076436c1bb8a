import type { Queue } from "bullmq";
import type { Redis } from "ioredis";
import { CANCEL_FIELD, type CancelRequest, cancelChannel } from "./job-fields.ts";

/** Notes the wish in the job and tells the workers, unless the job has ended or is gone. */
const ASK = `
if redis.call("EXISTS", KEYS[1]) == 0 then return "gone" end
if redis.call("HEXISTS", KEYS[1], "finishedOn") == 1 then return "ended" end
redis.call("HSET", KEYS[1], ARGV[1], ARGV[2])
redis.call("PUBLISH", ARGV[3], ARGV[2])
return "asked"
`;

/** What became of the wish: it was waiting, and is removed; a worker was asked to stop it; it had ended; it is not there. */
export type Cancelled = "removed" | "asked" | "ended" | "gone";

/** Stops a job, wherever it is. */
export async function cancelJob(redis: Redis, queue: Queue, request: CancelRequest): Promise<Cancelled> {
  const state = await queue.getJobState(request.id);
  if (state === "unknown") return "gone";
  if (state === "completed" || state === "failed") return "ended";
  // What a worker has taken meanwhile is locked, and stays; unless that worker was lost.
  if ((await queue.remove(request.id)) === 1) return "removed";
  const reply = await redis.eval(
    ASK,
    1,
    queue.toKey(request.id),
    CANCEL_FIELD,
    JSON.stringify(request),
    cancelChannel(queue.toKey("")),
  );
  return reply as Cancelled; // what the script returns
}
