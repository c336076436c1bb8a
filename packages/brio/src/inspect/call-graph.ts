import process from "node:process";
import { RuntimeError } from "../loop/errors.ts";
import { originOf } from "../loop/origins.ts";
import { currentTask } from "../tasks/create-task.ts";
import { Future } from "../tasks/future.ts";
import { Task } from "../tasks/task.ts";
import { waitsOf } from "../tasks/waits.ts";

/** A future, the code that it hangs in, and who waits for it. */
export interface FutureCallGraph {
  readonly future: Future<unknown>;
  /** Lines of code, innermost first. JavaScript keeps no stack of suspended code: only debug mode knows these. */
  readonly callStack: readonly string[];
  readonly awaitedBy: readonly FutureCallGraph[];
}

/** How much of a call graph is shown. */
export interface CallGraphOptions {
  /** How many lines of each stack: the outermost `limit` if positive, the innermost if negative, none if 0. Default: all. */
  limit?: number | undefined;
}

/**
 * Who waits for a task or future, and who for those, and so on: the way from what hangs to what it holds up. Without an
 * argument, for the running task; null outside of one.
 *
 * @throws RuntimeError outside a loop, if no future is given.
 *
 * @example
 * ```ts
 * import { createTask, run, sleep } from "brio";
 * import { captureCallGraph } from "brio/inspect";
 *
 * await run(async () => {
 *   const child = createTask(() => sleep("5ms"), { name: "child" });
 *   createTask(() => child, { name: "parent" });
 *   await sleep(0);
 *   const graph = captureCallGraph(child);
 *   console.log(String(graph?.awaitedBy[0]?.future)); // <Task "parent" pending>
 *   await child;
 * });
 * ```
 */
export function captureCallGraph(
  future?: Future<unknown> | null,
  options: CallGraphOptions = {},
): FutureCallGraph | null {
  const start = future ?? currentTask();
  if (start === null) return null;
  if (!(start instanceof Future)) {
    throw new TypeError(`captureCallGraph() takes a task or future, got ${typeof start}`);
  }
  const graph = build(start, options.limit, new Set());
  if (start !== currentTask()) return graph;
  return { ...graph, callStack: limited(here(), options.limit) };
}

function build(
  future: Future<unknown>,
  limit: number | undefined,
  path: ReadonlySet<Future<unknown>>,
): FutureCallGraph {
  const inner = new Set(path).add(future);
  // A circle is shown once around: that is what a deadlock looks like.
  const awaiters = future
    .awaiters()
    .filter((awaiter): awaiter is Future<unknown> => awaiter instanceof Future);
  return {
    future,
    callStack: limited(stackOf(future), limit),
    awaitedBy: path.has(future) ? [] : [...new Set(awaiters)].map((awaiter) => build(awaiter, limit, inner)),
  };
}

function stackOf(future: Future<unknown>): readonly string[] {
  if (!(future instanceof Task)) return [];
  const [wait] = waitsOf(future as Task<unknown>);
  return wait === undefined ? [] : originOf(wait);
}

/** The stack of the calling code, without brio's own frames. */
function here(): string[] {
  const lines = (new Error().stack ?? "")
    .split("\n")
    .slice(1)
    .map((line) => line.trim().replace(/^at /, ""));
  return lines.filter((line) => !line.includes("node:internal") && !line.includes("call-graph."));
}

function limited(lines: readonly string[], limit: number | undefined): readonly string[] {
  if (limit === undefined) return lines;
  if (!Number.isInteger(limit)) throw new RangeError(`limit must be an integer; got ${String(limit)}`);
  if (limit === 0) return [];
  return limit > 0 ? lines.slice(-limit) : lines.slice(0, -limit);
}

/**
 * The call graph as text, as asyncio prints it.
 *
 * @throws RuntimeError outside a task, if no future is given.
 *
 * @example
 * ```ts
 * import { createTask, run, sleep } from "brio";
 * import { formatCallGraph } from "brio/inspect";
 *
 * await run(async () => {
 *   const child = createTask(() => sleep("5ms"), { name: "child" });
 *   createTask(() => child, { name: "parent" });
 *   await sleep(0);
 *   console.log(formatCallGraph(child));
 *   await child;
 * });
 * ```
 * ```text output
 * * <Task "child" pending>
 *   + Awaited by:
 *     * <Task "parent" pending>
 * ```
 */
export function formatCallGraph(future?: Future<unknown> | null, options: CallGraphOptions = {}): string {
  const graph = captureCallGraph(future, options);
  if (graph === null)
    throw new RuntimeError("formatCallGraph() was called outside a task: pass a task or future");
  const lines: string[] = [];
  render(graph, "", lines);
  return lines.join("\n");
}

function render(graph: FutureCallGraph, indent: string, lines: string[]): void {
  lines.push(`${indent}* ${String(graph.future)}`);
  if (graph.callStack.length > 0) {
    lines.push(`${indent}  + Call stack:`);
    for (const line of graph.callStack) lines.push(`${indent}  |   ${line}`);
  }
  if (graph.awaitedBy.length > 0) {
    lines.push(`${indent}  + Awaited by:`);
    for (const awaiter of graph.awaitedBy) render(awaiter, `${indent}    `, lines);
  }
}

/**
 * Writes the call graph to `stream` (default: stdout).
 *
 * @throws RuntimeError outside a task, if no future is given.
 *
 * @example
 * ```ts
 * import { createTask, run, sleep } from "brio";
 * import { printCallGraph } from "brio/inspect";
 *
 * await run(async () => {
 *   const child = createTask(() => sleep("5ms"), { name: "child" });
 *   printCallGraph(child);
 *   await child;
 * });
 * ```
 * ```text output
 * * <Task "child" pending>
 * ```
 */
export function printCallGraph(
  future?: Future<unknown> | null,
  options: CallGraphOptions & { stream?: { write(text: string): unknown } } = {},
): void {
  const { stream = process.stdout, ...rest } = options;
  stream.write(`${formatCallGraph(future, rest)}\n`);
}
