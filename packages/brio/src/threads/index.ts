export type { CarriedValues } from "../tasks/carried.ts";
export {
  type CallHooks,
  cancelRequested,
  reportProgress,
  throwIfCancelled,
  transfer,
} from "./call-context.ts";
export { createExecutor, type ExecutorOptions } from "./create-executor.ts";
export { type ErrorClass, registerErrorClass } from "./error-classes.ts";
export {
  type ErrorData,
  type ReviveOptions,
  reviveError,
  serializeError,
  type ThrownData,
} from "./error-data.ts";
export {
  BrokenExecutorError,
  ExecutorClosedError,
  FunctionNotFoundError,
  ModuleLoadError,
  ResultTooLargeError,
  type WorkerDeath,
  WorkerDiedError,
  type WorkerEnd,
} from "./errors.ts";
export {
  type AnyCall,
  type CallOptions,
  type CheckedCallOptions,
  type CloseOptions,
  checkedCallOptions,
  type Executor,
  type ExecutorStatistics,
  type MapOptions,
  type ProgressListener,
  type Streamed,
} from "./executor.ts";
export { ExecutorBase } from "./executor-base.ts";
export { InlineExecutor, type InlineExecutorOptions } from "./inline-executor.ts";
export { FunctionTable, loadFunction } from "./load-function.ts";
export { mapCalls } from "./map-calls.ts";
export { onLoopClose } from "./on-loop-close.ts";
export type { PoolOptions } from "./pool-options.ts";
export type { ProcessOptions } from "./process-host.ts";
export { ProcessPool, type ProcessPoolOptions } from "./process-pool.ts";
export {
  type AnyFunction,
  functionId,
  isReference,
  type Reference,
  type ReferenceOptions,
  reference,
  requireReference,
} from "./reference.ts";
export { type References, type ReferencesOptions, references } from "./references.ts";
export { carriedContext, type RunCallOptions, runCall } from "./run-call.ts";
export { sendItems } from "./stream-items.ts";
export type { ThreadOptions } from "./thread-host.ts";
export { ThreadPool, type ThreadPoolOptions } from "./thread-pool.ts";
export { toThread } from "./to-thread.ts";
