import { inspect } from "node:util";
import type { Transferable } from "node:worker_threads";
import { type Duration, milliseconds, optionalMilliseconds } from "../loop/duration.ts";
import type { CarriedValues } from "../tasks/carried.ts";
import type { Task } from "../tasks/task.ts";
import type { AnyFunction, Reference } from "./reference.ts";

/** How a call is made: see `executor.with()`. */
export interface CallOptions {
  /** What is moved to the worker with the arguments, not copied: `ArrayBuffer`s, ports. Threads only; elsewhere copied. */
  readonly transfer?: readonly Transferable[] | undefined;
  /** Is called with each value that the function reports with `reportProgress`. What it throws goes to the exception handler. */
  readonly onProgress?: ProgressListener | undefined;
  /** How long the function may run, counted from its start; then it is cancelled, and the call fails with `TimeoutError`. */
  readonly timeout?: Duration | null | undefined;
  /** How long a cancelled function may take to end before its worker is stopped; null: for ever. Default "1s". */
  readonly grace?: Duration | null | undefined;
  /** The name of the task. Default: the function's id. */
  readonly name?: string | undefined;
  /** How often the call may be begun, if its worker dies each time. Default 1. */
  readonly attempts?: number | undefined;
  /** The values of the context variables that travel with the call, by name. Default: those set where it is made. */
  readonly variables?: CarriedValues | undefined;
}

/** What is told of a function's progress. Written so that one may say what type it reports. */
export type ProgressListener = { listener(value: unknown): void }["listener"];

/** How `executor.map()` goes about it. */
export interface MapOptions {
  /** Give the results in the order of the items (default), or as they come: false. */
  readonly ordered?: boolean | undefined;
  /** How many calls may be under way, or done and not yet taken. Default: twice the workers. */
  readonly lookAhead?: number | undefined;
}

/** What a function may return whose results are streamed: what is iterated, or a promise of it. */
export type Streamed<T> = Iterable<T> | AsyncIterable<T> | PromiseLike<Iterable<T> | AsyncIterable<T>>;

/** What an executor does. */
export interface ExecutorStatistics {
  /** Workers that have been started and not stopped. */
  readonly workers: number;
  /** Of these: those that run nothing. */
  readonly idle: number;
  /** Of these: those that run something. */
  readonly busy: number;
  /** Calls that wait for a worker. */
  readonly queued: number;
  /** Calls that gave a result. */
  readonly completed: number;
  /** Calls that failed. */
  readonly failed: number;
  /** Calls that were cancelled. */
  readonly cancelled: number;
  /** Workers that took the place of one that died, or was stopped because its function did not end. */
  readonly replaced: number;
}

/** How an executor is closed. */
export interface CloseOptions {
  /** Cancel what is queued and running. Default false: it is waited for. */
  readonly cancel?: boolean | undefined;
}

/**
 * Runs functions elsewhere: in threads, in processes, on other machines. Which functions those are is said by references: see
 * `reference()`. Arguments and results are copied (structured clone), as soon as a worker takes the call.
 */
export interface Executor extends AsyncDisposable {
  /**
   * Calls `fn(...args)` elsewhere; the task ends as the function does. Cancelling the task cancels the function, and the task
   * ends when that has ended.
   *
   * @throws TypeError if `fn` is no reference; ExecutorClosedError.
   */
  submit<A extends unknown[], R>(fn: Reference<(...args: A) => R>, ...args: A): Task<Awaited<R>>;
  /**
   * Calls `fn` with each item. Items are only taken as results are: at most `lookAhead` calls are ahead of the reader.
   * Leaving the loop cancels what is under way, and waits for it.
   */
  map<T, R>(
    fn: Reference<(item: T) => R>,
    items: Iterable<T> | AsyncIterable<T>,
    options?: MapOptions,
  ): AsyncGenerator<Awaited<R>, void, undefined>;
  /**
   * Iterates there what `fn(...args)` gives (a generator, say), and gives the items here. It is at most some items ahead of the
   * reader; leaving the loop ends the generator, and waits for its `finally`.
   */
  stream<A extends unknown[], T>(
    fn: Reference<(...args: A) => Streamed<T>>,
    ...args: A
  ): AsyncGenerator<T, void, undefined>;
  /** The same executor, whose calls are made in a certain way. */
  with(options: CallOptions): Executor;
  /** What it does. */
  statistics(): ExecutorStatistics;
  /**
   * Takes no more calls, waits for those it has, and stops the workers. Twice is fine.
   *
   * *Cancel safety*: cancelled, it cancels the calls, and waits for them to end.
   */
  close(options?: CloseOptions): Promise<void>;
}

/** Options of a call, checked; durations in milliseconds. */
export interface CheckedCallOptions {
  readonly transfer: readonly Transferable[] | undefined;
  readonly onProgress: ProgressListener | undefined;
  readonly timeout: number | null;
  readonly grace: number | null;
  readonly name: string | undefined;
  readonly attempts: number;
  readonly variables: CarriedValues | undefined;
}

const DEFAULT_GRACE = 1000;

export const DEFAULT_CALL: CheckedCallOptions = {
  transfer: undefined,
  onProgress: undefined,
  timeout: null,
  grace: DEFAULT_GRACE,
  name: undefined,
  attempts: 1,
  variables: undefined,
};

/**
 * For executors: checks what was given to `with()`, and adds it to what an earlier `with()` said.
 *
 * @throws TypeError or RangeError that names the option.
 *
 * @example
 * ```ts
 * import { checkedCallOptions } from "brio/threads";
 *
 * const first = checkedCallOptions({ timeout: "5s" });
 * console.log(checkedCallOptions({ attempts: 3 }, first)); // such as { timeout: 5000, attempts: 3, ... }
 * ```
 */
export function checkedCallOptions(
  options: CallOptions,
  before: CheckedCallOptions = DEFAULT_CALL,
): CheckedCallOptions {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(
      `with() takes an object of options, such as { timeout: "5s" }; got ${inspect(options)}`,
    );
  }
  const { transfer, onProgress, timeout, grace, name, attempts, variables } = options;
  if (transfer !== undefined && !Array.isArray(transfer))
    throw new TypeError(
      `transfer must be an array of what is to be moved: [buffer]; got ${inspect(transfer)}`,
    );
  if (onProgress !== undefined && typeof onProgress !== "function")
    throw new TypeError(`onProgress must be a function (value) => void; got ${inspect(onProgress)}`);
  if (attempts !== undefined && (!Number.isInteger(attempts) || attempts < 1))
    throw new RangeError(`attempts must be a whole number >= 1; got ${inspect(attempts)}`);
  if (variables !== undefined && (typeof variables !== "object" || variables === null))
    throw new TypeError(
      `variables must be an object of values by name, as carriedContext() gives it; got ${inspect(variables)}`,
    );
  return {
    transfer: transfer ?? before.transfer,
    onProgress: onProgress ?? before.onProgress,
    timeout: timeout === undefined ? before.timeout : optionalMilliseconds(timeout, "timeout"),
    grace: grace === undefined ? before.grace : grace === null ? null : milliseconds(grace, "grace"),
    name: name === undefined ? before.name : String(name),
    attempts: attempts ?? before.attempts,
    variables: variables ?? before.variables,
  };
}

/** The function and arguments of a call, without their types. */
export interface AnyCall {
  readonly fn: Reference<AnyFunction>;
  readonly args: readonly unknown[];
}
