import { ambientScope } from "../cancel/scope.ts";
import { checkSignal } from "../cancel/signal.ts";
import { ambient, type Frame } from "../loop/ambient.ts";
import { RuntimeError } from "../loop/errors.ts";
import type { Loop } from "../loop/loop.ts";
import { Context } from "./context.ts";
import { Coroutine, checkSource, type Source } from "./coroutine.ts";
import { Task } from "./task.ts";

/** How a task is made. */
export interface TaskOptions {
  /** Shown in reports. Default `Task-1`, `Task-2`, ... */
  name?: string | undefined;
  /** Begin at once, inside the caller's step, up to the first wait. Default false: on the loop's next turn. */
  eager?: boolean | undefined;
  /** The context to run in, shared and not copied. Default: a copy of the current one. */
  context?: Context | undefined;
  /** Cancels the task, with the signal's reason, when it is aborted. */
  signal?: AbortSignal | undefined;
}

/**
 * @internal Makes a task on `loop`.
 *
 * @param frame the calling code's
 */
export function spawn<T>(
  loop: Loop,
  source: Source<T>,
  options: TaskOptions | undefined,
  caller: string,
  frame: Frame | undefined = ambient.getStore(),
): Task<T> {
  if (loop.isClosed() && source instanceof Coroutine) source.close();
  loop.assertOpen();
  checkSource(source, caller);
  if (options?.signal !== undefined) checkSignal(options.signal);
  const context = options?.context;
  if (context !== undefined && !(context instanceof Context)) {
    throw new TypeError(`${caller}: context must be a Context, such as copyContext()`);
  }
  const sameLoop = frame?.loop === loop;
  const values = context === undefined && sameLoop ? frame.variables.values : null;
  const parent = sameLoop ? frame.owner : null;
  const task = new Task<T>(loop, source, options?.name, values, context, parent);
  if (source instanceof Coroutine) source.adopt(task);
  if (options?.signal !== undefined) task.heed(options.signal);
  // Outside of every loop, it is Node that has called: a listener.
  if (options?.eager && (sameLoop || frame === undefined)) {
    task.runEagerly();
  } else {
    task.prepare();
    loop.push(task);
  }
  return task;
}

/**
 * Starts a task in the running loop. Keep it, await it, or better give it to a group: an error that nobody looks
 * at is reported by the loop, and `run` cancels what is left at its end.
 *
 * @throws TypeError if `source` is a promise: its work has begun, and could not be cancelled. RuntimeError outside a loop.
 *
 * @example
 * ```ts
 * import { createTask, run, sleep } from "brio";
 *
 * await run(async () => {
 *   const task = createTask(() => sleep("10ms", "done"), { name: "nap" });
 *   console.log(await task); // done
 * });
 * ```
 */
export function createTask<T>(source: Source<T>, options?: TaskOptions): Task<T> {
  const frame = ambient.getStore();
  if (frame === undefined) {
    if (source instanceof Coroutine) source.close();
    throw new RuntimeError(
      "createTask() needs a running event loop: call it inside run(async () => { ... })",
    );
  }
  return spawn(frame.loop, source, options, "createTask()", frame);
}

/**
 * The running task, or null outside of one (also in loop callbacks).
 *
 * @example
 * ```ts
 * import { currentTask, run } from "brio";
 *
 * await run(async () => {
 *   console.log(currentTask()?.getName()); // main
 * });
 * ```
 */
export function currentTask(): Task<unknown> | null {
  return (ambientScope()?.owner ?? null) as Task<unknown> | null; // tasks are the only owners
}

/**
 * The unfinished tasks of the running loop (or of `loop`), in the order of their creation.
 *
 * @throws RuntimeError outside a loop, if none is given.
 *
 * @example
 * ```ts
 * import { allTasks, createTask, run, sleep } from "brio";
 *
 * await run(async () => {
 *   createTask(() => sleep("1h"), { name: "napper" });
 *   for (const task of allTasks()) console.log(task.getName()); // main, then napper
 * });
 * ```
 */
export function allTasks(loop?: Loop): Set<Task<unknown>> {
  const of = loop ?? ambient.getStore()?.loop;
  if (of === undefined)
    throw new RuntimeError("allTasks() needs a running event loop, or takes one: allTasks(loop)");
  const found = new Set<Task<unknown>>();
  for (let task = of.firstTask; task !== null; task = task.nextTask) found.add(task as Task<unknown>); // only tasks enlist
  return found;
}
