import { inspect } from "node:util";
import { CancelledError, TimeoutError } from "../cancel/errors.ts";
import { requireScope } from "../cancel/scope.ts";
import { PlainSource, Wait } from "../cancel/wait.ts";
import { type Duration, milliseconds } from "../loop/duration.ts";
import { type Awaitable, futureOf } from "../tasks/awaitable.ts";
import { Coroutine, isThenable } from "../tasks/coroutine.ts";
import { Future } from "../tasks/future.ts";
import { Watcher } from "../tasks/listeners.ts";
import { timeout } from "./timeout.ts";

const ENDED = new PlainSource<undefined>("the end of what was cancelled", "waitFor");

/**
 * Waits for `awaitable`, at most for `delay` (null: no limit). When time is over it is cancelled, and waited for
 * until it has ended; a bare promise is only no longer waited for.
 *
 * A coroutine or function runs in the calling task. With a delay of 0 it is not even begun.
 *
 * *Cancel safety*: cancelling it cancels what it waits for.
 *
 * @throws TimeoutError when time is over.
 *
 * @example
 * ```ts
 * import { run, sleep, waitFor } from "brio";
 *
 * await run(async () => {
 *   console.log(await waitFor(() => sleep("5ms", "in time"), "1s")); // in time
 * });
 * ```
 */
export async function waitFor<T>(awaitable: Awaitable<T>, delay: Duration | null): Promise<T> {
  requireScope("waitFor()");
  const limit = delay === null ? null : milliseconds(delay, "delay"); // undefined is a mistake, not "no limit"
  if (limit !== null && limit === 0) return await immediately(awaitable);
  if (typeof awaitable === "function") return await timeout(limit, () => awaitable());
  if (awaitable instanceof Coroutine || awaitable instanceof Future) {
    return await timeout(limit, () => awaitable as PromiseLike<T>);
  }
  if (!isThenable(awaitable))
    throw new TypeError(
      `waitFor() takes something to await, got ${inspect(awaitable)}: waitFor(() => work(), "1s")`,
    );
  const future = futureOf(awaitable as PromiseLike<T>, "waitFor()");
  return await timeout(limit, () => future);
}

async function immediately<T>(awaitable: Awaitable<T>): Promise<T> {
  const future = futureOf(awaitable, "waitFor()");
  if (future.done()) return future.result();
  await cancelAndJoin(future as Future<unknown>);
  try {
    return future.result();
  } catch (error) {
    if (!(error instanceof CancelledError)) throw error;
    throw new TimeoutError("the time given to waitFor() was over", { cause: error });
  }
}

async function cancelAndJoin(future: Future<unknown>): Promise<void> {
  const scope = requireScope("waitFor()");
  const wait = new Wait<undefined>(scope, ENDED);
  const watcher = new Watcher(() => void wait.grant(), scope.owner);
  future.observe(watcher);
  future.cancelWith({ reason: undefined, by: "waitFor()" });
  try {
    await wait.begin();
  } finally {
    future.unobserve(watcher);
  }
}
