export { DistributedExecutor } from "./executor/distributed-executor.ts";
export { createDistributedExecutor } from "./executor/from-url.ts";
export type { AttachOptions, DistributedExecutorOptions, QueueHealth } from "./executor/options.ts";
export type { RedisAddress } from "./queue/connection.ts";
export { JobLostError, JobNotFoundError, RedisConnectionError } from "./queue/errors.ts";
export type { DistributedCallOptions, JobOptions } from "./queue/job-options.ts";
export { type CloseWorkerOptions, DistributedWorker } from "./worker/distributed-worker.ts";
export type { DistributedWorkerOptions, Isolation } from "./worker/options.ts";
