import { ambientScope } from "../cancel/scope.ts";
import { type Awaitable, futureOf } from "../tasks/awaitable.ts";
import { Future } from "../tasks/future.ts";
import { Watcher } from "../tasks/listeners.ts";

/**
 * Protects something from the cancellation of who waits for it: cancelling the returned future, or the task that
 * awaits it, leaves `awaitable` running. Keep a reference to what is shielded and await it later, or it will be
 * cancelled only when `run` ends. If it fails after nobody waits for it any more, the loop reports the error.
 *
 * *Cancel safety*: the point of it.
 *
 * @throws TypeError for what can't be awaited; RuntimeError outside a loop.
 *
 * @example
 * ```ts
 * import { createTask, run, shield, sleep, TimeoutError, timeout } from "brio";
 *
 * await run(async () => {
 *   const saving = createTask(() => sleep("50ms", "saved"));
 *   await timeout("10ms", () => shield(saving)).catch((error) => console.log(error instanceof TimeoutError)); // true
 *   console.log(await saving); // saved
 * });
 * ```
 */
export function shield<T>(awaitable: Awaitable<T>): Future<T> {
  const inner = futureOf(awaitable, "shield()");
  if (inner.done()) return inner;
  const outer = new Future<T>(inner.loop);

  const innerDone = new Watcher(() => {
    if (outer.cancelled()) return;
    if (inner.cancelled()) outer.cancelWith({ reason: undefined, by: "the end of what was shielded" });
    else if (inner.rejected) outer.setException(inner.exception());
    else outer.setResult(inner.result());
  }, ambientScope()?.owner ?? null);

  inner.observe(innerDone);
  outer.observe(
    new Watcher(() => {
      if (inner.done()) return;
      inner.unobserve(innerDone);
      // Once, however many shields of it have been given up.
      inner.unobserve(lateFailure);
      inner.observe(lateFailure);
    }, null),
  );
  return outer;
}

/** Reports the error of something that was shielded, and that nobody waits for any more. */
const lateFailure = new Watcher((inner) => {
  if (!inner.rejected) return;
  const exception = inner.exception();
  const name = exception instanceof Error ? exception.name : typeof exception;
  inner.loop.callExceptionHandler({
    message: `${name} exception in shielded future`,
    exception,
    future: inner,
  });
}, null);
