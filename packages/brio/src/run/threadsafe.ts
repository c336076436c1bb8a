import { Coroutine, type Source } from "../tasks/coroutine.ts";
import { spawn } from "../tasks/create-task.ts";
import { Watcher } from "../tasks/listeners.ts";
import { EventLoop } from "./event-loop.ts";

/** Options of {@link runCoroutineThreadsafe}. */
export interface ThreadsafeOptions {
  /** Cancels the task, with the signal's reason, when it is aborted. */
  signal?: AbortSignal | undefined;
}

/**
 * Starts a task in `loop` from code that does not run in it, such as a plain Node callback, and gives a native promise of
 * its result.
 *
 * *Cancel safety*: `options.signal` cancels the task; the promise rejects with `CancelledError` when it has ended.
 *
 * @throws what the task throws; TypeError if `loop` is not an {@link EventLoop}.
 *
 * @example
 * ```ts
 * import { getRunningLoop, run, runCoroutineThreadsafe, sleep } from "brio";
 *
 * await run(async () => {
 *   const loop = getRunningLoop();
 *   process.nextTick(() => {
 *     void runCoroutineThreadsafe(() => sleep("1ms", "done"), loop).then((text) => console.log(text)); // done
 *   });
 *   await sleep("10ms");
 * });
 * ```
 */
export function runCoroutineThreadsafe<T>(
  source: Source<T>,
  loop: EventLoop,
  options: ThreadsafeOptions = {},
): Promise<T> {
  if (!(loop instanceof EventLoop)) {
    throw new TypeError(
      "runCoroutineThreadsafe(source, loop) takes the loop to run in: const loop = getRunningLoop()",
    );
  }
  if (typeof source !== "function" && !(source instanceof Coroutine)) {
    throw new TypeError("runCoroutineThreadsafe() takes a coroutine or a function, such as () => work()");
  }
  return new Promise((resolve, reject) => {
    const task = spawn(loop, source, { signal: options.signal }, "runCoroutineThreadsafe()");
    task.observe(
      new Watcher(() => {
        try {
          resolve(task.result());
        } catch (error) {
          reject(error);
        }
      }, null),
    );
  });
}
