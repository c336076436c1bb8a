import { type Cancellation, CancelledError, cancelledError } from "../cancel/errors.ts";
import { ambientScope } from "../cancel/scope.ts";
import type { Frame } from "../loop/ambient.ts";
import type { Loop } from "../loop/loop.ts";
import { type Awaitable, futureOf, type Results, requireFrame } from "../tasks/awaitable.ts";
import { Coroutine, isThenable } from "../tasks/coroutine.ts";
import { Future } from "../tasks/future.ts";
import { Watcher } from "../tasks/listeners.ts";

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
  private readonly returnExceptions: boolean;
  private cancelAsked = false;
  /** How many children, counting the same only once, have yet to say that they have ended. */
  private left = 0;
  /** @internal The task that gathered. */ readonly creator: object | null;

  constructor(loop: Loop, children: readonly Future<unknown>[], returnExceptions: boolean) {
    super(loop);
    this.children = children;
    this.returnExceptions = returnExceptions;
    this.creator = ambientScope()?.owner ?? null;
  }

  /** Looks after its children from now on. */
  begin(): void {
    if (this.children.length === 0) this.setResult([]);
    const observer = new Watcher((child) => this.childDone(child), this.creator);
    const ended = new Set<Future<unknown>>();
    for (const child of this.children) {
      if (child.done()) {
        ended.add(child);
      } else if (!child.observedBy(observer)) {
        child.observe(observer);
        this.left++;
      }
    }
    this.left += ended.size;
    for (const child of ended) this.childDone(child);
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

  private childDone(child: Future<unknown>): void {
    this.left--;
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
    if (this.left > 0) return;
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
  const frame = requireFrame("gather()");
  const children: Future<unknown>[] = [];
  for (const awaitable of awaitables) children.push(childOf(awaitable, children, frame));
  const gathered = new GatherFuture(frame.loop, children, options?.returnExceptions ?? false);
  gathered.begin();
  return gathered as unknown as Future<never>; // typed by the overloads
}

/** The same coroutine twice is run once; a function is run each time it is given. */
function childOf(awaitable: Awaitable<unknown>, earlier: Future<unknown>[], frame: Frame): Future<unknown> {
  const task = awaitable instanceof Coroutine ? awaitable.task : null;
  return task !== null && earlier.includes(task) ? task : futureOf(awaitable, "gather()", frame);
}

function isOptions(value: unknown): boolean {
  return typeof value === "object" && value !== null && "returnExceptions" in value && !isThenable(value);
}
