import { type Cancellation, CancelledError, cancelledError } from "../cancel/errors.ts";
import { ambientScope } from "../cancel/scope.ts";
import type { Loop } from "../loop/loop.ts";
import { type Awaitable, futureOf, type Results, requireLoop, Watcher } from "../tasks/awaitable.ts";
import { isThenable } from "../tasks/coroutine.ts";
import { Future } from "../tasks/future.ts";
import type { Observer } from "../tasks/listeners.ts";

/** Options of {@link gather}. */
export interface GatherOptions {
  /** Give errors and cancellations as results, in their places, instead of ending with the first. Default false. */
  returnExceptions?: boolean;
}

type Gathered<A extends readonly unknown[], O> = O extends { returnExceptions: true }
  ? { -readonly [I in keyof A]: Results<A>[I & keyof Results<A>] | Error }
  : Results<A>;

/** The future that `gather` makes of several. Cancelling it cancels them all. */
class GatherFuture extends Future<unknown[]> {
  private readonly children: readonly Future<unknown>[];
  private readonly distinct: number;
  private readonly returnExceptions: boolean;
  private cancelAsked = false;
  private finished = 0;
  /** @internal The task that gathered. */ readonly creator: object | null;

  constructor(loop: Loop, children: readonly Future<unknown>[], distinct: number, returnExceptions: boolean) {
    super(loop);
    this.children = children;
    this.distinct = distinct;
    this.returnExceptions = returnExceptions;
    this.creator = ambientScope()?.owner ?? null;
  }

  /** Cancels what is not done yet; the gathered future itself ends when that has ended. */
  override cancelWith(cause: Cancellation): boolean {
    if (this.done()) return false;
    let any = false;
    for (const child of this.children) if (child.cancelWith(cause)) any = true;
    if (any) this.cancelAsked = true;
    return any;
  }

  override get kind(): string {
    return "gather";
  }

  protected override get owned(): boolean {
    return true;
  }

  override blockers(): Iterable<object> {
    return this.children.filter((child) => !child.done());
  }

  childDone(child: Future<unknown>): void {
    this.finished++;
    if (this.done()) {
      child.markRetrieved();
      return;
    }
    if (!this.returnExceptions) {
      if (child.cancelled()) {
        this.setException(child.takeCancelledError());
        return;
      }
      if (child.rejected) {
        this.setException(child.exception());
        return;
      }
    }
    if (this.finished < this.distinct) return;
    if (this.cancelAsked) {
      // Asked for from outside: the end is a cancellation, even if every child swallowed it.
      for (const each of this.children) each.markRetrieved();
      const last = this.children[this.children.length - 1] as Future<unknown>; // there is one: it has just ended
      const cause = { reason: last.cancelReason, by: undefined };
      this.setException(
        last.cancelled() ? last.takeCancelledError() : cancelledError(cause, this.loop.debug),
      );
    } else {
      this.setResult(this.children.map(outcome));
    }
  }

  override toString(): string {
    return `<gather of ${this.children.length}, ${this.describeState()}>`;
  }
}

function outcome(child: Future<unknown>): unknown {
  if (child.cancelled()) return new CancelledError(child.cancelReason);
  return child.rejected ? child.exception() : child.result();
}

/**
 * Runs several awaitables at once and resolves with their results, in the order of the arguments.
 *
 * The first error (or cancelled child) ends it; the others go on, as in asyncio: use `taskGroup` to have them
 * cancelled. With `{ returnExceptions: true }` errors are results.
 *
 * *Cancel safety*: cancelling it cancels every child that is not done, and waits until they have ended.
 *
 * @throws TypeError for what can't be awaited; RuntimeError outside a loop.
 *
 * @example
 * ```ts
 * import { gather, run, sleep } from "brio";
 *
 * await run(async () => {
 *   const [a, b] = await gather(
 *     () => sleep("20ms", 1),
 *     () => sleep("10ms", "two"),
 *   );
 *   console.log(a, b); // 1 two
 *   const results = await gather([async () => { throw new Error("no") }, async () => 2], { returnExceptions: true });
 *   console.log(results.map(String)); // [ 'Error: no', '2' ]
 * });
 * ```
 */
export function gather<
  const A extends readonly Awaitable<unknown>[],
  const O extends GatherOptions = Record<never, never>,
>(awaitables: A, options?: O): Future<Gathered<A, O>>;
export function gather<const A extends readonly Awaitable<unknown>[]>(...awaitables: A): Future<Results<A>>;
export function gather(...args: unknown[]): Future<never> {
  const listed = Array.isArray(args[0]);
  const awaitables = (listed ? args[0] : args) as Awaitable<unknown>[]; // checked one by one below
  const options = (listed ? args[1] : undefined) as GatherOptions | undefined; // as the overloads say
  if (!listed && args.length > 1 && isOptions(args[args.length - 1])) {
    throw new TypeError(
      "gather() takes options only after an array: gather([a, b], { returnExceptions: true })",
    );
  }
  const loop = requireLoop("gather()");
  const futures = new Map<unknown, Future<unknown>>();
  const children = awaitables.map((awaitable) => {
    // The same coroutine or future twice is run once; a function is run each time it is given.
    const key = typeof awaitable === "function" ? {} : awaitable;
    let future = futures.get(key);
    if (future === undefined) {
      future = futureOf(awaitable, "gather()", loop);
      futures.set(key, future);
    }
    return future;
  });
  const gathered = new GatherFuture(loop, children, futures.size, options?.returnExceptions ?? false);
  if (children.length === 0) {
    gathered.setResult([]);
    return gathered as unknown as Future<never>; // typed by the overloads
  }
  const observer: Observer = new Watcher((child) => gathered.childDone(child), gathered.creator);
  const finished: Future<unknown>[] = [];
  for (const future of futures.values()) {
    if (future.done()) finished.push(future);
    else future.observe(observer);
  }
  for (const future of finished) gathered.childDone(future);
  return gathered as unknown as Future<never>; // typed by the overloads
}

function isOptions(value: unknown): boolean {
  return typeof value === "object" && value !== null && "returnExceptions" in value && !isThenable(value);
}
