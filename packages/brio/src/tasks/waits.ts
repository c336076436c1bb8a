import type { Scope } from "../cancel/scope.ts";
import type { Wait } from "../cancel/wait.ts";
import type { Task } from "./task.ts";

/** What a task waits for now, oldest first. Empty: it is running, has not begun, or sits in a foreign promise. */
export function waitsOf(task: Task<unknown>): Wait<unknown>[] {
  const found: Wait<unknown>[] = [];
  collect(task.scope, found);
  return found.sort((a, b) => a.since - b.since);
}

function collect(scope: Scope, found: Wait<unknown>[]): void {
  for (let wait = scope.waits; wait !== null; wait = wait.nextInScope) found.push(wait);
  for (const inner of scope.inner()) collect(inner, found);
}
