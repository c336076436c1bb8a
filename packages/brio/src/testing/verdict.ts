import { milliseconds } from "../loop/duration.ts";
import type { Loop } from "../loop/loop.ts";
import { allTasks } from "../tasks/create-task.ts";
import type { Task } from "../tasks/task.ts";
import { waitsOf } from "../tasks/waits.ts";
import type { Target, TrialOptions } from "./plan.ts";
import type { TrialOutcome } from "./trial.ts";

/** Something that was cancelled in a run. */
export interface Struck {
  readonly target: Target;
  readonly name: string;
  readonly task: Task<unknown> | undefined;
  /** When, in loop time. */
  readonly at: number;
  /** When it ended; undefined if it has not. */
  readonly ended: number | undefined;
}

/** What is left when the program has ended, and should not be. Called by the main task as the last thing that it does. */
export function leftovers(loop: Loop): Error[] {
  const [, ...left] = allTasks(loop);
  const errors = left.map((task) => new Error(`${task} is still alive when the program has ended`));
  if (loop.timersPending) errors.push(new Error("a timer is left when the program has ended"));
  return errors;
}

/** What is wrong with a run that is over. */
export function judge(
  outcome: TrialOutcome,
  struck: readonly Struck[],
  loop: Loop,
  options: TrialOptions,
): unknown[] {
  const { allow = () => false, maySwallow = false, endsWithin } = options;
  const problems: unknown[] = [];
  if (outcome.status === "failed" && !allow(outcome.error)) problems.push(outcome.error);
  if (outcome.status === "cancelled" && struck.length === 0) {
    const message = "the program ended with CancelledError, and was not cancelled";
    problems.push(new Error(message, { cause: outcome.error }));
  }
  if (!maySwallow) problems.push(...struck.flatMap(swallowed));
  if (endsWithin !== undefined)
    problems.push(...struck.flatMap(late(milliseconds(endsWithin, "endsWithin"))));
  for (const report of outcome.reports) {
    if (report.exception !== undefined && allow(report.exception)) continue;
    problems.push(new Error(`the loop reported: ${report.message}`, { cause: report.exception }));
  }
  for (const task of allTasks(loop)) {
    const waits = waitsOf(task).map((wait) => `${wait.kind} on ${String(wait.source)}`);
    const where = waits.join(", ") || "in a promise that is not brio's";
    problems.push(new Error(`${task} never ended; it waits: ${where}`));
  }
  return problems;
}

function swallowed({ name, task }: Struck, index: number, all: readonly Struck[]): Error[] {
  if (task === undefined || !task.done() || task.cancelled() || task.rejected) return [];
  if (all.findIndex((each) => each.task === task) < index) return []; // cancelled twice, told once
  const hint = "if that is meant: { maySwallow: true }";
  return [new Error(`${name} was cancelled, and returned as if nothing had happened (${hint})`)];
}

function late(limit: number): (struck: Struck) => Error[] {
  return ({ name, at, ended }) => {
    if (ended === undefined || ended - at <= limit) return [];
    return [
      new Error(
        `${name} was cancelled at ${at} ms, and took until ${ended} ms to end (endsWithin: ${limit} ms)`,
      ),
    ];
  };
}
