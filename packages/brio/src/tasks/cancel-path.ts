import type { Cancellation } from "../cancel/errors.ts";
import type { Wait } from "../cancel/wait.ts";

/*
 * Cancelling goes down from a task to what it awaits, and on to what that awaits. The path is walked by recursion, so
 * that events keep asyncio's order, with two provisions that asyncio lacks (it ends both with a RecursionError):
 *
 *   - Tasks may await each other in a circle. A task that is on the path already is not cancelled again; the wait
 *     that closes the circle is interrupted itself, and the circle unwinds from there.
 *   - The path may be longer than the stack is deep (each task of a long chain awaits the one before it). Beyond
 *     DEEPEST, waits are noted down, and interrupted when the stack has come back.
 */
const DEEPEST = 200;

/** A task, as far as the path needs to know it. */
export interface PathNode {
  /** @internal */
  onPath: boolean;
}

let depth = 0;
let circular = false;
let postponed: { wait: Wait<unknown>; cause: Cancellation }[] = [];
let passed: PathNode[] = [];

/** Cancels `node` by calling `cancel`, unless it is on the path already. */
export function step(node: PathNode, cancel: (cause: Cancellation) => void, cause: Cancellation): boolean {
  if (node.onPath) {
    circular = true;
    return false;
  }
  node.onPath = true;
  depth++;
  cancel.call(node, cause);
  depth--;
  if (postponed.length === 0) node.onPath = false;
  else passed.push(node);
  if (depth === 0 && postponed.length > 0) finish();
  return true;
}

/** Is the stack too deep to go on? Then the wait is interrupted later. */
export function postpone(wait: Wait<unknown>, cause: Cancellation): boolean {
  if (depth < DEEPEST) return false;
  postponed.push({ wait, cause });
  return true;
}

/** Has the last step that failed closed a circle? */
export function closedCircle(): boolean {
  const closed = circular;
  circular = false;
  return closed;
}

function finish(): void {
  depth = 1; // what is called from here is not the outermost step
  while (postponed.length > 0) {
    const work = postponed;
    postponed = [];
    for (const { wait, cause } of work) wait.interrupt(cause);
  }
  depth = 0;
  for (const node of passed) node.onPath = false;
  passed = [];
}
