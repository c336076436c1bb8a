import { originOf } from "../loop/origins.ts";
import type { Cancellation } from "./errors.ts";
import type { Scope, ScopeOwner } from "./scope.ts";
import type { Wait } from "./wait.ts";

/*
 * What debug mode has to say about cancellations that don't go as they should.
 */

/** How long a task may go on after it was cancelled before debug mode speaks of it, in milliseconds. */
const PATIENCE = 5000;

const alarmed = new WeakSet<ScopeOwner>();

/** A wait was refused because its scope had been cancelled before. */
export function reportRefusal(wait: Wait<unknown>, cause: Cancellation): void {
  const { scope } = wait;
  scope.loop.callExceptionHandler({
    message:
      `task "${scope.owner.getName()}" was cancelled${by(cause)} and waits again (${wait.kind} on ${String(wait.source)}): the wait was refused. ` +
      "Let CancelledError go on; put clean-up that has to wait into uncancellable(() => ...), " +
      "or call currentTask().uncancel() if the cancellation was meant to stop here",
    task: scope.owner,
    ...at(wait),
  });
}

/** A task ended well although a cancellation had been delivered to it and not been taken back. */
export function reportSwallowed(task: ScopeOwner, scope: Scope): void {
  scope.loop.callExceptionHandler({
    message: `task "${task.getName()}" was cancelled${by(scope.cause)} and swallowed the cancellation: it returned as if nothing had happened`,
    task,
    ...at(task),
  });
}

/** A task was cancelled: see to it that somebody hears if it lives on. */
export function watchCancelled(task: ScopeOwner, scope: Scope): void {
  if (alarmed.has(task)) return;
  alarmed.add(task);
  const { loop } = scope;
  const alarm = loop.alarm(loop.time() + PATIENCE, () => {
    alarmed.delete(task);
    if (task.done()) return;
    const waits: string[] = [];
    for (let wait = scope.waits; wait !== null; wait = wait.nextInScope)
      waits.push(`${wait.kind} on ${String(wait.source)}`);
    loop.callExceptionHandler({
      message: `task "${task.getName()}" is still alive ${PATIENCE / 1000} s after it was cancelled${by(scope.cause)}; ${
        waits.length > 0
          ? `it waits in ${waits.join(", ")}`
          : "it runs, or sits in a promise that is not brio's: see interruptible()"
      }`,
      task,
      ...at(task),
    });
  });
  watched.set(task, alarm);
}

const watched = new WeakMap<ScopeOwner, { cancel(): void }>();

/** A task has ended. */
export function unwatch(task: ScopeOwner): void {
  watched.get(task)?.cancel();
}

function by(cause: Cancellation | null): string {
  return cause?.by === undefined ? "" : ` by ${cause.by}`;
}

function at(thing: object): { source?: string } {
  const lines = originOf(thing);
  return lines.length === 0 ? {} : { source: lines.join("\n    ") };
}
