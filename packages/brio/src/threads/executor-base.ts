import { CancelledError } from "../cancel/errors.ts";
import { requireScope } from "../cancel/scope.ts";
import { uncancellable } from "../cancel/uncancellable.ts";
import type { Task } from "../tasks/task.ts";
import { ExecutorClosedError } from "./errors.ts";
import type {
  AnyCall,
  CallOptions,
  CloseOptions,
  Executor,
  ExecutorStatistics,
  MapOptions,
  Streamed,
} from "./executor.ts";
import { checkMap, mapCalls } from "./map-calls.ts";
import { type Reference, requireReference } from "./reference.ts";

/**
 * What executors have in common; for those who write one. Arguments are checked here, `map` is made of `submit`, and closing
 * is done in order. What is left to a subclass: to begin calls, to cancel them, and to say when all are over.
 *
 * `O` is what `with()` takes; `C` is what the subclass makes of it.
 *
 * @example
 * ```ts
 * import { createTask, run, sleep, type Task } from "brio";
 * import {
 *   type AnyCall,
 *   type CallOptions,
 *   type CheckedCallOptions,
 *   checkedCallOptions,
 *   ExecutorBase,
 *   loadFunction,
 *   references,
 *   runCall,
 * } from "brio/threads";
 *
 * // Runs each call in this thread, after a moment.
 * class LazyExecutor extends ExecutorBase<CallOptions, CheckedCallOptions> {
 *   protected readonly title = "lazy executor";
 *   private readonly calls = new Set<Task<unknown>>();
 *
 *   protected checkOptions = checkedCallOptions;
 *   protected defaultLookAhead = () => 4;
 *
 *   protected begin({ fn, args }: AnyCall): Task<unknown> {
 *     const call = createTask(async () => {
 *       await sleep("5ms");
 *       return await runCall(await loadFunction(fn), args);
 *     });
 *     this.calls.add(call);
 *     call.addDoneCallback(() => this.calls.delete(call));
 *     return call;
 *   }
 *
 *   protected beginStream(): never {
 *     throw new TypeError("the lazy executor does not stream");
 *   }
 *
 *   protected cancelCalls(reason: string): void {
 *     for (const call of this.calls) call.cancel(reason);
 *   }
 *
 *   protected async finish(): Promise<void> {
 *     while (this.calls.size > 0) await sleep("5ms");
 *   }
 *
 *   statistics() {
 *     const busy = this.calls.size;
 *     return { workers: 1, idle: 0, busy, queued: 0, completed: 0, failed: 0, cancelled: 0, replaced: 0 };
 *   }
 * }
 *
 * const path = references<typeof import("node:path")>("node:path");
 * await run(async () => {
 *   await using executor = new LazyExecutor();
 *   console.log(await executor.submit(path.basename, "/tmp/a.txt")); // a.txt
 * });
 * ```
 */
export abstract class ExecutorBase<O extends CallOptions, C> implements Executor {
  private open = true;

  /** What it is called in messages: `pool`. */
  protected abstract readonly title: string;

  /** Checks what `with()` was given, and adds it to what an earlier `with()` gave. */
  protected abstract checkOptions(options: O, before: C | undefined): C;

  /** Begins a call. */
  protected abstract begin(call: AnyCall, options: C | undefined): Task<unknown>;

  /** Begins a call whose result is iterated, when its first item is asked for. */
  protected abstract beginStream(
    call: AnyCall,
    options: C | undefined,
  ): AsyncGenerator<unknown, void, undefined>;

  /** How many calls `map` makes ahead of its reader. */
  protected abstract defaultLookAhead(): number;

  /** Cancels all calls that are queued or running. */
  protected abstract cancelCalls(reason: string): void;

  /** Waits until no call is left, and gives everything back. May be called again when it was cancelled. */
  protected abstract finish(): Promise<void>;

  /** What it does. */
  abstract statistics(): ExecutorStatistics;

  /**
   * Calls `fn(...args)`: see {@link Executor.submit}.
   *
   * @throws TypeError if `fn` is no reference; ExecutorClosedError.
   */
  submit<A extends unknown[], R>(fn: Reference<(...args: A) => R>, ...args: A): Task<Awaited<R>> {
    return this.submitWith(undefined, fn, args, this.submit) as Task<Awaited<R>>; // what the function gives
  }

  /** Calls `fn` with each item: see {@link Executor.map}. */
  map<T, R>(
    fn: Reference<(item: T) => R>,
    items: Iterable<T> | AsyncIterable<T>,
    options: MapOptions = {},
  ): AsyncGenerator<Awaited<R>, void, undefined> {
    return this.mapWith(undefined, fn, items, options) as AsyncGenerator<Awaited<R>, void, undefined>;
  }

  /** Iterates what `fn(...args)` gives: see {@link Executor.stream}. */
  stream<A extends unknown[], T>(
    fn: Reference<(...args: A) => Streamed<T>>,
    ...args: A
  ): AsyncGenerator<T, void, undefined> {
    return this.streamWith(undefined, fn, args) as AsyncGenerator<T, void, undefined>;
  }

  /** The same executor, whose calls are made in a certain way. */
  with(options: O): Executor {
    return new View(this as unknown as Viewed, this.checkOptions(options, undefined));
  }

  /** @internal */
  further(options: O, before: C): Executor {
    return new View(this as unknown as Viewed, this.checkOptions(options, before));
  }

  /** @internal */
  submitWith(
    options: C | undefined,
    fn: unknown,
    args: readonly unknown[],
    caller: (...args: never) => unknown,
  ): Task<unknown> {
    this.check(fn, "submit()");
    return this.begin({ fn, args, caller }, options);
  }

  /** @internal */
  mapWith(
    options: C | undefined,
    fn: unknown,
    items: Iterable<unknown> | AsyncIterable<unknown>,
    how: MapOptions,
  ): AsyncGenerator<unknown, void, undefined> {
    this.check(fn, "map()");
    checkMap(items, how);
    const submit = (item: unknown): Task<unknown> => this.submitWith(options, fn, [item], submit);
    return mapCalls(submit, items, how, how.lookAhead ?? this.defaultLookAhead());
  }

  /** @internal */
  streamWith(
    options: C | undefined,
    fn: unknown,
    args: readonly unknown[],
  ): AsyncGenerator<unknown, void, undefined> {
    this.check(fn, "stream()");
    return this.beginStream({ fn, args, caller: this.streamWith }, options);
  }

  private check(fn: unknown, method: string): asserts fn is Reference {
    requireReference(fn, `${this.title}.${method}`);
    if (!this.open)
      throw new ExecutorClosedError(`${this.title}.${method}: the ${this.title} is closed; make a new one`);
  }

  /** Has it been closed? */
  get closed(): boolean {
    return !this.open;
  }

  /** It takes no more calls. */
  protected shut(): void {
    this.open = false;
  }

  /**
   * Takes no more calls, waits for those it has, and gives its workers back. Twice is fine.
   *
   * *Cancel safety*: cancelled, it cancels the calls, and waits for them to end.
   */
  async close(options: CloseOptions = {}): Promise<void> {
    const scope = requireScope(`${this.title}.close()`);
    this.shut();
    if (options.cancel === true) this.cancelCalls(`${this.title}.close() was told to cancel`);
    try {
      await this.finish();
    } catch (error) {
      if (!(error instanceof CancelledError)) throw error;
      this.cancelCalls(`${this.title}.close() was cancelled`);
      await uncancellable(() => this.finish(), { grace: null });
      if (!scope.loop.isClosed()) throw error;
    }
  }

  /** Closes it. In what is being cancelled, the calls are cancelled too; otherwise they are waited for. */
  async [Symbol.asyncDispose](): Promise<void> {
    const scope = requireScope(`closing the ${this.title}`);
    if (scope.inForce() === null) await this.close();
    else await uncancellable(() => this.close({ cancel: true }), { grace: null });
  }
}

/** What a view needs of its executor. */
type Viewed = ExecutorBase<CallOptions, unknown>;

/** An executor whose calls are made in a certain way. */
class View implements Executor {
  private readonly of: Viewed;
  private readonly options: unknown;

  constructor(of: Viewed, options: unknown) {
    this.of = of;
    this.options = options;
  }

  submit<A extends unknown[], R>(fn: Reference<(...args: A) => R>, ...args: A): Task<Awaited<R>> {
    return this.of.submitWith(this.options, fn, args, this.submit) as Task<Awaited<R>>; // what the function gives
  }

  map<T, R>(
    fn: Reference<(item: T) => R>,
    items: Iterable<T> | AsyncIterable<T>,
    options: MapOptions = {},
  ): AsyncGenerator<Awaited<R>, void, undefined> {
    const results = this.of.mapWith(this.options, fn, items, options);
    return results as AsyncGenerator<Awaited<R>, void, undefined>; // what the function gives
  }

  stream<A extends unknown[], T>(
    fn: Reference<(...args: A) => Streamed<T>>,
    ...args: A
  ): AsyncGenerator<T, void, undefined> {
    return this.of.streamWith(this.options, fn, args) as AsyncGenerator<T, void, undefined>; // what the function gives
  }

  with(options: CallOptions): Executor {
    return this.of.further(options, this.options);
  }

  statistics(): ExecutorStatistics {
    return this.of.statistics();
  }

  close(options?: CloseOptions): Promise<void> {
    return this.of.close(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.of[Symbol.asyncDispose]();
  }

  toString(): string {
    return String(this.of);
  }
}
