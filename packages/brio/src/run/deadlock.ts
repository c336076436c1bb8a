import type { Loop } from "../loop/loop.ts";
import { allTasks } from "../tasks/create-task.ts";
import { Future } from "../tasks/future.ts";
import { Task } from "../tasks/task.ts";
import { waitsOf } from "../tasks/waits.ts";

/** A task that can't go on, as a {@link DeadlockError} lists it. */
export interface BlockedTask {
  readonly name: string;
  /** What it waits for; empty if it sits in a promise that is not brio's. */
  readonly waits: readonly { readonly kind: string; readonly resource: string; readonly seconds: number }[];
}

/**
 * Nothing is left that could wake the program: every task waits, and no timer, socket or other thing of Node's is
 * under way. The message lists each task, what it waits for, and the circle they wait in, if there is one.
 */
export class DeadlockError extends Error {
  override name = "DeadlockError";
  /** Every task that was left. */
  // Kept out of what Node prints of an error: the message has it all.
  readonly #tasks: readonly BlockedTask[];
  readonly #cycle: readonly string[] | null;

  constructor(tasks: readonly BlockedTask[], cycle: readonly string[] | null) {
    super(render(tasks, cycle));
    this.#tasks = tasks;
    this.#cycle = cycle;
  }

  /** The unfinished tasks, in the order of their creation. */
  get tasks(): readonly BlockedTask[] {
    return this.#tasks;
  }

  /** The names of tasks that wait for each other in a circle, or null. */
  get cycle(): readonly string[] | null {
    return this.#cycle;
  }
}

/** Describes a loop in which nothing moves any more. */
export function deadlockOf(loop: Loop): DeadlockError {
  const tasks = [...allTasks(loop)];
  const now = loop.time();
  const blocked = tasks.map((task) => ({
    name: task.getName(),
    waits: waitsOf(task).map((wait) => ({
      kind: wait.kind,
      resource: String(wait.source),
      seconds: Math.round(now - wait.since) / 1000,
    })),
  }));
  return new DeadlockError(blocked, findCycle(tasks)?.map((task) => task.getName()) ?? null);
}

/** Are all of the loop's tasks blocked on waits that only the program itself could end? */
export function isDeadlocked(loop: Loop): boolean {
  for (const resource of loop.resources) if (resource.callsIn) return false;
  const tasks = allTasks(loop);
  for (const task of tasks) {
    const waits = waitsOf(task);
    if (waits.length === 0 || waits.some((wait) => wait.source.outside)) return false;
  }
  return tasks.size > 0;
}

/** The tasks that each task waits for, through gathers and other futures. */
function neighbours(task: Task<unknown>): Task<unknown>[] {
  const found: Task<unknown>[] = [];
  const visit = (blocker: object): void => {
    if (blocker instanceof Task) found.push(blocker);
    else if (blocker instanceof Future)
      for (const inner of blocker.blockers()) if (inner !== blocker) visit(inner);
  };
  for (const wait of waitsOf(task)) for (const blocker of wait.source.blockers?.() ?? []) visit(blocker);
  return found;
}

function findCycle(tasks: readonly Task<unknown>[]): Task<unknown>[] | null {
  const finished = new Set<Task<unknown>>();
  for (const start of tasks) {
    const path: Task<unknown>[] = [];
    const onPath = new Set<Task<unknown>>();
    const pending: { task: Task<unknown>; rest: Task<unknown>[] }[] = [];
    const enter = (task: Task<unknown>): void => {
      path.push(task);
      onPath.add(task);
      pending.push({ task, rest: neighbours(task) });
    };
    if (!finished.has(start)) enter(start);
    while (pending.length > 0) {
      const top = pending[pending.length - 1] as { task: Task<unknown>; rest: Task<unknown>[] };
      const next = top.rest.pop();
      if (next === undefined) {
        pending.pop();
        path.pop();
        onPath.delete(top.task);
        finished.add(top.task);
      } else if (onPath.has(next)) {
        return path.slice(path.indexOf(next));
      } else if (!finished.has(next)) {
        enter(next);
      }
    }
  }
  return null;
}

function render(tasks: readonly BlockedTask[], cycle: readonly string[] | null): string {
  const count = `${tasks.length} task${tasks.length === 1 ? "" : "s"}`;
  const lines = [
    `nothing is left that could wake this program, and ${count} still wait${tasks.length === 1 ? "s" : ""}:`,
  ];
  const width = Math.max(0, ...tasks.map((task) => task.name.length));
  for (const { name, waits } of tasks) {
    const what = waits.map(({ kind, resource, seconds }) => `${kind} on ${resource} for ${seconds} s`);
    lines.push(
      `  ${name.padEnd(width)}  ${what.join(", ") || "in a promise that is not brio's (see interruptible())"}`,
    );
  }
  if (cycle !== null) lines.push(`they wait in a circle: ${[...cycle, cycle[0]].join(" -> ")}`);
  return lines.join("\n");
}
