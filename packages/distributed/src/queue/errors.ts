/** There is no connection to Redis: none could be made in time. `cause` is the last error on the way. */
export class RedisConnectionError extends Error {
  override name = "RedisConnectionError";
  /** The host and port that were tried, or the path of the socket. */
  readonly address: string;

  constructor(address: string, timeout: number, cause: unknown) {
    const why =
      cause instanceof Error ? cause.message || String((cause as NodeJS.ErrnoException).code) : "no answer";
    super(
      `no connection to Redis at ${address} within ${timeout} ms: ${why}. Is it running there? Pass its address: ` +
        `{ connection: "redis://host:6379" }`,
      cause === undefined ? undefined : { cause },
    );
    this.address = address;
  }
}

/** There is no such job in the queue: it never was, or its result was removed when its time was over (`removeOnComplete`). */
export class JobNotFoundError extends Error {
  override name = "JobNotFoundError";
  /** The id that was asked for. */
  readonly jobId: string;
  /** The queue that was searched. */
  readonly queue: string;

  constructor(jobId: string, queue: string) {
    super(
      `there is no job ${JSON.stringify(jobId)} in the queue "${queue}": it was never there, or was removed after it ended ` +
        "(see removeOnComplete and removeOnFail)",
    );
    this.jobId = jobId;
    this.queue = queue;
  }
}

/** A job that was waited for is gone from Redis without an outcome: somebody removed it, or Redis has lost its data. */
export class JobLostError extends Error {
  override name = "JobLostError";
  /** The id that was asked for. */
  readonly jobId: string;

  constructor(jobId: string, functionId: string, how: "removed" | "lost") {
    super(
      how === "removed"
        ? `the job ${jobId} (${functionId}) was removed from the queue before it ended`
        : `the job ${jobId} (${functionId}) is no longer in Redis, and left no result: was it flushed, or restarted without persistence?`,
    );
    this.jobId = jobId;
  }
}
