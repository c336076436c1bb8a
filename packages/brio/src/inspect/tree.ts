import type { EventLoop } from "../run/event-loop.ts";
import { allTasks } from "../tasks/create-task.ts";
import { Task } from "../tasks/task.ts";
import { describeTask, type TaskDescription } from "./describe.ts";

/** A task and the tasks that it created. */
export interface TaskNode extends TaskDescription {
  readonly task: Task<unknown>;
  readonly children: readonly TaskNode[];
}

/**
 * The unfinished tasks of the running loop (or of `loop`), each under the one that created it; a task whose creator has
 * ended stands at the top.
 *
 * @example
 * ```ts
 * import { createTask, run, sleep } from "brio";
 * import { taskTree } from "brio/inspect";
 *
 * await run(async () => {
 *   createTask(() => sleep("1h"), { name: "napper" });
 *   await sleep("1ms");
 *   const [main] = taskTree();
 *   console.log(main?.name, main?.children[0]?.name); // main napper
 * });
 * ```
 */
export function taskTree(loop?: EventLoop): TaskNode[] {
  const tasks = allTasks(loop);
  const children = new Map<Task<unknown> | null, Task<unknown>[]>();
  for (const task of tasks) {
    const parent = task.parent instanceof Task && tasks.has(task.parent) ? task.parent : null;
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [task]);
    else siblings.push(task);
  }
  const nodes = (of: Task<unknown> | null): TaskNode[] =>
    (children.get(of) ?? []).map((task) => ({ ...describeTask(task), task, children: nodes(task) }));
  return nodes(null);
}

/**
 * The tree as text, a line for each task: its name, what it does, since when. `now` is the loop's time.
 *
 * @example
 * ```ts
 * import { createTask, run, sleep } from "brio";
 * import { formatTaskTree, taskTree } from "brio/inspect";
 *
 * await run(async () => {
 *   createTask(() => sleep("1h"), { name: "napper" });
 *   await sleep("5ms");
 *   console.log(formatTaskTree(taskTree()));
 * });
 * ```
 * ```text output
 * └─ main  running
 *    └─ napper  sleep on the clock for … s
 * ```
 */
export function formatTaskTree(nodes: readonly TaskNode[], now?: number): string {
  const lines: string[] = [];
  const add = (list: readonly TaskNode[], indent: string): void => {
    list.forEach((node, index) => {
      const last = index === list.length - 1;
      lines.push(`${indent}${last ? "└─ " : "├─ "}${node.name}  ${activity(node, now)}`);
      add(node.children, indent + (last ? "   " : "│  "));
    });
  };
  add(nodes, "");
  return lines.join("\n");
}

function activity(node: TaskNode, now: number | undefined): string {
  const clock = now ?? node.task.getLoop().time();
  const cancelled = node.cancelling > 0 ? " (cancelled)" : "";
  if (node.waits.length === 0) return `${node.state}${cancelled}`;
  const waits = node.waits.map(
    ({ kind, resource, since }) => `${kind} on ${resource} for ${seconds(clock - since)}`,
  );
  return `${waits.join(", ")}${cancelled}`;
}

function seconds(milliseconds: number): string {
  return `${(Math.max(0, milliseconds) / 1000).toFixed(3)} s`;
}
