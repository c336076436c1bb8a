import { originOf } from "../loop/origins.ts";
import type { Task } from "../tasks/task.ts";
import { waitsOf } from "../tasks/waits.ts";

/** One thing that a task waits for. */
export interface WaitDescription {
  /** What it does: `queue.get`, `sleep`, `task`. */
  readonly kind: string;
  /** What it waits for, for people. */
  readonly resource: string;
  /** The loop time, in milliseconds, at which it began to wait. */
  readonly since: number;
  /** The lines of code that wait, innermost first; only in debug mode. */
  readonly lines: readonly string[];
}

/** Where a task is on its way. `running`: see {@link TaskDescription.state}. */
export type TaskState = "waiting" | "running" | "done" | "cancelled" | "failed";

/** What a task does now. */
export interface TaskDescription {
  /** The task's name. */
  readonly name: string;
  /** `running` is also a task that has not begun, or that sits in a promise which is not brio's. */
  readonly state: TaskState;
  /** How many cancellations are asked for. */
  readonly cancelling: number;
  /** Oldest first. Several, if it waits in branches of a `Promise.all`. */
  readonly waits: readonly WaitDescription[];
  /** The lines of code that created it, innermost first; only in debug mode. */
  readonly created: readonly string[];
}

/**
 * Says what a task does now, and what it waits for.
 *
 * @example
 * ```ts
 * import { createTask, Lock, run, sleep } from "brio";
 * import { describeTask } from "brio/inspect";
 *
 * await run(async () => {
 *   const lock = new Lock();
 *   await lock.acquire();
 *   const task = createTask(() => lock.with(() => {}), { name: "writer" });
 *   await sleep(0);
 *   console.log(describeTask(task).waits[0]?.resource); // <Lock locked by "main", 1 waiting>
 *   lock.release();
 *   await task;
 * });
 * ```
 */
export function describeTask(task: Task<unknown>): TaskDescription {
  const waits = waitsOf(task).map((wait) => ({
    kind: wait.kind,
    resource: String(wait.source),
    since: wait.since,
    lines: originOf(wait),
  }));
  return {
    name: task.getName(),
    state: stateOf(task, waits.length > 0),
    cancelling: task.cancelling(),
    waits,
    created: originOf(task),
  };
}

function stateOf(task: Task<unknown>, waiting: boolean): TaskState {
  if (task.cancelled()) return "cancelled";
  if (task.rejected) return "failed";
  if (task.done()) return "done";
  return waiting ? "waiting" : "running";
}
