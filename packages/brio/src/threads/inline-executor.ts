import { inspect } from "node:util";
import { uncancellable } from "../cancel/uncancellable.ts";
import { timeout } from "../compose/timeout.ts";
import { wait } from "../compose/wait.ts";
import type { Loop } from "../loop/loop.ts";
import { Queue } from "../queues/queue.ts";
import { requireFrame } from "../tasks/awaitable.ts";
import { Watcher } from "../tasks/listeners.ts";
import type { Task } from "../tasks/task.ts";
import {
  type AnyCall,
  type CallOptions,
  type CheckedCallOptions,
  checkedCallOptions,
  type ExecutorStatistics,
} from "./executor.ts";
import { ExecutorBase } from "./executor-base.ts";
import { loadFunction } from "./load-function.ts";
import { type AnyFunction, functionOf } from "./reference.ts";
import { arriveLate, carriedContext, startCall } from "./run-call.ts";
import { sendItems } from "./stream-items.ts";

/** How an {@link InlineExecutor} works. */
export interface InlineExecutorOptions {
  /**
   * Copy arguments, results and progress, as they are on their way to a thread: what works here then works there. Default true.
   */
  readonly copy?: boolean | undefined;
}

/** How many items of a stream are made ahead of their reader. */
const AHEAD = 16;

/**
 * An executor that runs functions right here, each in a task: for tests, and for programs that need no other thread. Like the
 * others it copies arguments and results, carries only the context variables that are carried, and tells progress.
 *
 * @example
 * ```ts
 * import { run, sleep } from "brio";
 * import { InlineExecutor, reference } from "brio/threads";
 *
 * export const greet = reference(import.meta.url, "greet", async function (name: string) {
 *   return await sleep("5ms", `hello ${name}`);
 * });
 *
 * await run(async () => {
 *   await using executor = new InlineExecutor();
 *   console.log(await executor.submit(greet, "ada")); // hello ada
 * });
 * ```
 */
export class InlineExecutor extends ExecutorBase<CallOptions, CheckedCallOptions> {
  protected override readonly title = "executor";
  private readonly copies: boolean;
  private readonly calls = new Set<Task<unknown>>();
  private completed = 0;
  private failed = 0;
  private cancelled = 0;

  constructor(options: InlineExecutorOptions = {}) {
    super();
    if (typeof options !== "object" || options === null)
      throw new TypeError(
        `InlineExecutor takes an object of options, such as { copy: false }; got ${inspect(options)}`,
      );
    this.copies = options.copy ?? true;
  }

  protected override checkOptions(
    options: CallOptions,
    before: CheckedCallOptions | undefined,
  ): CheckedCallOptions {
    return checkedCallOptions(options, before);
  }

  protected override defaultLookAhead(): number {
    return AHEAD;
  }

  protected override begin({ fn, args }: AnyCall, options: CheckedCallOptions | undefined): Task<unknown> {
    const { loop } = requireFrame("executor.submit()");
    return this.start(loop, fn, args, options, async (called, given) => {
      const result = await (called as (...args: readonly unknown[]) => unknown)(...given); // what its caller's types allow
      return this.copied(result, `what ${fn.id} returned`);
    });
  }

  protected override async *beginStream(
    { fn, args }: AnyCall,
    options: CheckedCallOptions | undefined,
  ): AsyncGenerator<unknown, void, undefined> {
    const { loop } = requireFrame("executor.stream()");
    const items = new Queue<{ readonly item: unknown } | null>(AHEAD);
    const sender = this.start(loop, fn, args, options, (called, given) =>
      sendItems(
        called,
        given,
        (item) => items.put({ item: this.copied(item, `an item of ${fn.id}`) }),
        fn.id,
      ),
    );
    sender.observe(new Watcher(() => items.shutdown(), null));
    try {
      for await (const entry of items) if (entry !== null) yield entry.item;
      await sender;
    } finally {
      if (!sender.done()) {
        sender.cancel("the loop over stream() was left");
        await uncancellable(() => wait([sender]), { grace: null });
      }
      sender.markRetrieved();
    }
  }

  private start(
    loop: Loop,
    fn: AnyCall["fn"],
    args: readonly unknown[],
    options: CheckedCallOptions | undefined,
    perform: (called: AnyFunction, args: readonly unknown[]) => Promise<unknown>,
  ): Task<unknown> {
    const onProgress = options?.onProgress;
    const progress = (value: unknown): void => {
      const copy = this.copied(value, `progress of ${fn.id}`);
      loop.callSoon(() => onProgress?.(copy));
    };
    const variables = this.copied(options?.variables ?? carriedContext(), "a carried context variable");
    const call = async (): Promise<unknown> => {
      const given = args.map((arg, index) => this.copied(arg, `argument ${index + 1} of ${fn.id}`));
      const called = functionOf(fn) ?? (await loadFunction(fn));
      arriveLate(variables);
      return await timeout(options?.timeout ?? null, () => perform(called, given));
    };
    const task = startCall(loop, call, [], {
      variables,
      name: options?.name ?? fn.id,
      progress: onProgress === undefined ? undefined : progress,
    });
    this.calls.add(task);
    task.observe(new Watcher(() => this.ended(task), null));
    return task;
  }

  private ended(task: Task<unknown>): void {
    this.calls.delete(task);
    if (task.cancelled()) this.cancelled++;
    else if (task.rejected) this.failed++;
    else this.completed++;
  }

  private copied<T>(value: T, what: string): T {
    if (!this.copies) return value;
    try {
      return structuredClone(value);
    } catch (cause) {
      throw new TypeError(`${what} can't be copied: ${(cause as Error).message}`, { cause }); // what structuredClone throws
    }
  }

  /** What it does: its one worker is this thread. */
  override statistics(): ExecutorStatistics {
    const { completed, failed, cancelled } = this;
    const busy = this.calls.size > 0 ? 1 : 0;
    return { workers: 1, idle: 1 - busy, busy, queued: 0, completed, failed, cancelled, replaced: 0 };
  }

  protected override cancelCalls(reason: string): void {
    for (const call of this.calls) call.cancel(reason);
  }

  protected override async finish(): Promise<void> {
    while (this.calls.size > 0) await wait([...this.calls]);
  }

  override toString(): string {
    return `<InlineExecutor, ${this.calls.size} calls>`;
  }
}
