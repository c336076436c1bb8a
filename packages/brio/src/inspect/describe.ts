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
}

export interface TaskDescription {
  readonly name: string;
  readonly state: "waiting" | "running" | "done" | "cancelled" | "failed";
  readonly cancelling: number;
  /** Empty if it runs, has not begun, or sits in a promise that is not brio's. */
  readonly waits: readonly WaitDescription[];
}

/** What a task does now. */
export function describeTask(task: Task<unknown>): TaskDescription {
  const waits = waitsOf(task).map((wait) => ({
    kind: wait.kind,
    resource: String(wait.source),
    since: wait.since,
  }));
  const state = task.cancelled()
    ? "cancelled"
    : task.rejected
      ? "failed"
      : task.done()
        ? "done"
        : waits.length > 0
          ? "waiting"
          : "running";
  return { name: task.getName(), state, cancelling: task.cancelling(), waits };
}
