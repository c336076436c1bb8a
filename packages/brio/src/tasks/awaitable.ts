import { inspect } from "node:util";
import { CancelledError } from "../cancel/errors.ts";
import { ambient, type Frame } from "../loop/ambient.ts";
import { RuntimeError } from "../loop/errors.ts";
import type { Loop } from "../loop/loop.ts";
import { Coroutine, isThenable, type Source } from "./coroutine.ts";
import { spawn } from "./create-task.ts";
import { Future } from "./future.ts";

/**
 * What can be waited for together with others: a coroutine or a function (made a task), a future or task, or a
 * bare promise. A bare promise is hot: cancelling only stops the waiting for it.
 */
export type Awaitable<T> = Source<T> | Future<T> | PromiseLike<T>;

/** What awaiting each of `A` gives, as a tuple. */
export type Results<A extends readonly unknown[]> = { -readonly [I in keyof A]: Result<A[I]> };

/** What awaiting `A` gives. */
export type Result<A> =
  A extends Future<infer T>
    ? T
    : A extends Coroutine<infer T>
      ? T
      : A extends () => infer R
        ? Awaited<R>
        : Awaited<A>;

/** A future that is fed by a promise which is not brio's. */
export class PromiseFuture<T> extends Future<T> {
  constructor(loop: Loop, promise: PromiseLike<T>) {
    super(loop);
    promise.then(
      (value) => {
        if (!this.done()) this.setResult(value);
      },
      (error: unknown) => {
        if (this.done()) return;
        if (error instanceof CancelledError) this.settleCancelled(error);
        else this.setException(error);
      },
    );
  }

  override get kind(): string {
    return "promise";
  }

  /** @internal */
  get outside(): boolean {
    return true;
  }
}

/**
 * A future of the running loop for a promise: cancelling it stops the waiting, and not the work. A future is returned
 * as it is.
 *
 * @throws TypeError if `promise` is no promise; RuntimeError outside a loop.
 *
 * @example
 * ```ts
 * import { run, wrapFuture } from "brio";
 *
 * await run(async () => {
 *   const future = wrapFuture(Promise.resolve(42));
 *   future.addDoneCallback(() => console.log(future.result())); // 42
 *   await future;
 * });
 * ```
 */
export function wrapFuture<T>(promise: PromiseLike<T>): Future<T> {
  if (promise instanceof Future) return promise as Future<T>;
  if (!isThenable(promise))
    throw new TypeError(`wrapFuture() takes a promise: wrapFuture(fetch(url)); got ${inspect(promise)}`);
  return new PromiseFuture(requireFrame("wrapFuture()").loop, promise);
}

/**
 * A future for anything awaitable: a future as it is; a coroutine or function becomes a task; a promise is wrapped.
 *
 * @throws TypeError for anything else; RuntimeError outside a loop.
 *
 * @example
 * ```ts
 * import { ensureFuture, run, sleep } from "brio";
 *
 * await run(async () => {
 *   const task = ensureFuture(() => sleep("5ms", "done"));
 *   console.log(ensureFuture(task) === task, await task); // true done
 * });
 * ```
 */
export function ensureFuture<T>(awaitable: Awaitable<T>): Future<T> {
  return futureOf(awaitable, "ensureFuture()");
}

/**
 * @internal
 * @param inside the frame to make tasks in: the future must then be of its loop
 */
export function futureOf<T>(awaitable: Awaitable<T>, caller: string, inside?: Frame): Future<T> {
  if (awaitable instanceof Future) {
    if (inside !== undefined && awaitable.getLoop() !== inside.loop) {
      throw new RangeError(`${caller} was given a future of another event loop: ${awaitable}`);
    }
    return awaitable as Future<T>;
  }
  const frame = inside ?? requireFrame(caller);
  if (typeof awaitable === "function" || awaitable instanceof Coroutine) {
    return spawn<T>(frame.loop, awaitable as Source<T>, undefined, caller, frame);
  }
  if (isThenable(awaitable)) return new PromiseFuture(frame.loop, awaitable as PromiseLike<T>);
  throw new TypeError(
    `${caller} takes coroutines, functions such as () => work(), futures or promises; got ${inspect(awaitable)}`,
  );
}

/** @internal */
export function requireFrame(caller: string): Frame {
  const frame = ambient.getStore();
  if (frame?.loop === undefined) {
    throw new RuntimeError(`${caller} needs a running event loop: call it inside run(async () => { ... })`);
  }
  return frame;
}

/** @internal */
export function isIterable(value: unknown): value is Iterable<unknown> {
  return (
    typeof (value as { [Symbol.iterator]?: unknown } | null | undefined)?.[Symbol.iterator] === "function"
  );
}
