export { CancelScope, type CancelScopeOptions, moveOnAfter } from "./cancel/cancel-scope.ts";
export { CancelledError, InvalidStateError, TimeoutError } from "./cancel/errors.ts";
export { currentSignal, type InterruptibleOptions, interruptible } from "./cancel/foreign.ts";
export { type UncancellableOptions, uncancellable } from "./cancel/uncancellable.ts";
export {
  type AsCompleted,
  type AsCompletedOptions,
  asCompleted,
  type CompletedFuture,
} from "./compose/as-completed.ts";
export { type ErrorCondition, ExceptionGroup } from "./compose/exception-group.ts";
export { type GatherOptions, gather } from "./compose/gather.ts";
export { type IntervalOptions, interval, type MissedTicks } from "./compose/interval.ts";
export { type Backoff, type RetryOptions, retry } from "./compose/retry.ts";
export { shield } from "./compose/shield.ts";
export { checkpoint, sleep, sleepForever } from "./compose/sleep.ts";
export { TaskGroup, taskGroup } from "./compose/task-group.ts";
export { Timeout, timeout, timeoutAt } from "./compose/timeout.ts";
export {
  ALL_COMPLETED,
  FIRST_COMPLETED,
  FIRST_EXCEPTION,
  type ReturnWhen,
  type WaitOptions,
  type WaitResult,
  wait,
} from "./compose/wait.ts";
export { waitFor } from "./compose/wait-for.ts";
export type { Clock, ClockHost } from "./loop/clock.ts";
export { type Duration, milliseconds } from "./loop/duration.ts";
export { RuntimeError } from "./loop/errors.ts";
export { Handle, TimerHandle } from "./loop/handle.ts";
export type { ExceptionHandler } from "./loop/loop.ts";
export type { ExceptionContext } from "./loop/report.ts";
export {
  Broadcast,
  type BroadcastOptions,
  type BroadcastStatistics,
  LagError,
  type LagPolicy,
  type Subscription,
} from "./queues/broadcast.ts";
export { QueueEmpty, QueueFull, QueueShutDown } from "./queues/errors.ts";
export { LifoQueue } from "./queues/lifo-queue.ts";
export { PriorityQueue, type PriorityQueueOptions } from "./queues/priority-queue.ts";
export { Queue, type QueueStatistics, type ShutdownOptions } from "./queues/queue.ts";
export { type BlockedTask, DeadlockError } from "./run/deadlock.ts";
export { EventLoop, getRunningLoop } from "./run/event-loop.ts";
export type { FunctionName, LoopExecutor } from "./run/loop-executor.ts";
export { run } from "./run/run.ts";
export { Runner, type RunOptions } from "./run/runner.ts";
export { LoopProxy, openThreadPort, type ThreadHandlers } from "./run/thread-port.ts";
export { runCoroutineThreadsafe, type ThreadsafeOptions } from "./run/threadsafe.ts";
export { Barrier, type BarrierStatistics, BrokenBarrierError } from "./sync/barrier.ts";
export { Condition, type ConditionStatistics } from "./sync/condition.ts";
export { Event, type EventStatistics } from "./sync/event.ts";
export { Lock, type LockStatistics } from "./sync/lock.ts";
export { RateLimiter, type RateLimiterOptions, type RateLimiterStatistics } from "./sync/rate-limiter.ts";
export { BoundedSemaphore, Semaphore, type SemaphoreStatistics } from "./sync/semaphore.ts";
export { type Awaitable, ensureFuture, type Result, type Results, wrapFuture } from "./tasks/awaitable.ts";
export { Context, ContextVar, copyContext, type Token } from "./tasks/context.ts";
export { Coroutine, coroutine, isCoroutine, type Source } from "./tasks/coroutine.ts";
export { allTasks, createTask, currentTask, type TaskOptions } from "./tasks/create-task.ts";
export { Future, isFuture } from "./tasks/future.ts";
export { Task } from "./tasks/task.ts";
