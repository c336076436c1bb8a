import type { Task } from "../tasks/task.ts";
import { Attempt, refuseInsideLoop } from "./attempt.ts";
import type { Plan, Point, Strike, Target, TrialOptions, TrialProgram } from "./plan.ts";
import { TrialError } from "./trial-error.ts";

/**
 * What is cancelled: the main task; the `body`, that is the program as a scope in the main task (as a timeout would);
 * `all`: the body, the main task and each task that the program starts, one at a time; or the tasks, main among them,
 * for which a function returns true.
 */
export type CancelTargets = "main" | "body" | "all" | ((task: Task<unknown>) => boolean);

/** One run of `cancelAnywhere`, as its error names it. */
export interface CancelAnywhereRun {
  /** Cancelled at this point, or at these two. */
  readonly points: readonly number[];
  readonly target: Target;
  readonly cancellation: "sticky" | "once";
}

/** Options of {@link cancelAnywhere}. */
export interface CancelAnywhereOptions extends TrialOptions {
  /** What is cancelled. Default `"main"`. */
  targets?: CancelTargets | undefined;
  /** The modes to run in. Default: both. */
  cancellation?: "sticky" | "once" | undefined;
  /** Cancel the same a second time, at each later point: clean-up is interrupted too. Many more runs. Default false. */
  twice?: boolean | undefined;
  /** Only this run, as an error named it. */
  only?: CancelAnywhereRun | undefined;
}

/** What {@link cancelAnywhere} has done. */
export interface CancelAnywhereResult {
  /** At how many points it was cancelled, counted in one mode. */
  readonly points: number;
  /** How many runs there were, undisturbed ones included. */
  readonly runs: number;
  /** Runs that came to an end before their point: the program does not do the same each time. */
  readonly missed: number;
}

/**
 * Cancels a program at every point at which it can be cancelled, in a run of its own each time, and looks whether
 * everything is in order afterwards.
 *
 * The program runs undisturbed first, in virtual time, and the points are counted: whenever something is about to have
 * its turn in the loop, whenever a task is about to run on, and whenever nothing is ready. Then it runs once for each
 * point and target, and is cancelled there. After each run must hold:
 *
 * - no task is left, and the loop has nothing to report;
 * - no promise was rejected without a handler;
 * - the program ended with `CancelledError`, or returned; what was cancelled did not return as if nothing had happened;
 * - nobody waits for what was given to `trial.watch`, and it is as free as it was; nor did anybody wait, while nothing was
 *   ready, for what could be had;
 * - what `trial.check` was given does not throw.
 *
 * The program must make everything it uses anew in each run, and do the same each time.
 *
 * *Cancel safety*: it is not called in a loop: it makes one for each run.
 *
 * @throws TrialError with the run, everything that is wrong with it, and what happened; RuntimeError inside a running
 * loop.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { Queue, taskGroup } from "brio";
 * import { cancelAnywhere } from "brio/testing";
 *
 * const { points } = await cancelAnywhere(async (trial) => {
 *   const queue = trial.watch(new Queue<number>(1));
 *   const put: number[] = [];
 *   const got: number[] = [];
 *   trial.check(() => assert.equal(put.length, got.length + queue.qsize(), "no item is lost or doubled"));
 *   await taskGroup(async (group) => {
 *     group.createTask(async () => {
 *       for (let i = 0; i < 3; i++) got.push(await queue.get());
 *     });
 *     for (let i = 0; i < 3; i++) {
 *       await queue.put(i);
 *       put.push(i);
 *     }
 *   });
 * });
 * console.log(points > 10); // true
 * ```
 */
export async function cancelAnywhere<T>(
  program: TrialProgram<T>,
  options: CancelAnywhereOptions = {},
): Promise<CancelAnywhereResult> {
  if (typeof program !== "function") {
    throw new TypeError("cancelAnywhere() takes a function: cancelAnywhere(async (trial) => { ... })");
  }
  refuseInsideLoop("cancelAnywhere()");
  const sweep = new Sweep(program, options);
  const { only } = options;
  if (only !== undefined) {
    await sweep.run(only);
  } else {
    for (const cancellation of modesOf(options)) await sweep.all(cancellation);
  }
  return { points: sweep.points, runs: sweep.runs, missed: sweep.missed };
}

function modesOf({ cancellation }: CancelAnywhereOptions): readonly ("sticky" | "once")[] {
  return cancellation === undefined ? ["sticky", "once"] : [cancellation];
}

class Sweep<T> {
  points = 0;
  runs = 0;
  missed = 0;
  private readonly program: TrialProgram<T>;
  private readonly options: CancelAnywhereOptions;

  constructor(program: TrialProgram<T>, options: CancelAnywhereOptions) {
    this.program = program;
    this.options = options;
  }

  async all(cancellation: "sticky" | "once"): Promise<void> {
    const calm = await this.attempt(cancellation, []);
    if (calm.problems.length > 0) {
      throw new TrialError(
        `cancelAnywhere: the program is not in order even when it is not cancelled ("${cancellation}")`,
        calm.problems,
        calm.lines,
        "Nothing was cancelled in this run.",
      );
    }
    const points = new Set<number>();
    for (const target of targetsOf(calm, this.options.targets ?? "main")) {
      for (const point of pointsFor(calm, target)) {
        points.add(point);
        await this.from({ points: [point], target, cancellation });
      }
    }
    this.points = points.size;
  }

  private async from(run: CancelAnywhereRun): Promise<void> {
    const first = await this.run(run);
    if (this.options.twice !== true) return;
    const after = run.points[0] ?? 0;
    for (const point of pointsFor(first, run.target)) {
      if (point > after) await this.run({ ...run, points: [after, point] });
    }
  }

  async run(run: CancelAnywhereRun): Promise<Attempt<T>> {
    const { points, target, cancellation } = run;
    const attempt = await this.attempt(
      cancellation,
      points.map((point) => ({ point, target })),
    );
    if (!attempt.complete) this.missed++;
    if (attempt.problems.length > 0) throw failure(attempt, run);
    return attempt;
  }

  private async attempt(cancellation: "sticky" | "once", strikes: readonly Strike[]): Promise<Attempt<T>> {
    const plan: Plan = { cancellation, strikes, seed: 0, perturb: null };
    const attempt = new Attempt(this.program, this.options, plan);
    this.runs++;
    await attempt.run();
    return attempt;
  }
}

/** What is cancelled, as numbers that mean the same in each run. */
export function targetsOf<T>(calm: Attempt<T>, targets: CancelTargets): Target[] {
  if (targets === "main") return [0];
  if (targets === "body") return ["body"];
  if (targets === "all") return ["body", ...calm.tasks.keys()];
  const chosen = [...calm.tasks.entries()].filter(([, task]) => targets(task));
  return chosen.map(([number]) => number);
}

/** Where it makes a difference to cancel `target`. */
export function pointsFor<T>(attempt: Attempt<T>, target: Target): number[] {
  return [...attempt.points.keys()].filter((at) => concerns(attempt.points[at] as Point, target)); // a key of it
}

function concerns(point: Point, target: Target): boolean {
  const task = target === "body" ? 0 : target;
  if (target === "body" ? !point.bodyRuns : !point.alive.includes(task)) return false;
  // That somebody else is about to run on is the moment before its turn over again.
  return point.kind !== "resume" || point.task === task;
}

function failure<T>(attempt: Attempt<T>, run: CancelAnywhereRun): TrialError {
  const { points, target, cancellation } = run;
  const name = attempt.nameOf(target);
  const at = points.map((point) => `point ${point}`).join(" and ");
  const count = attempt.problems.length === 1 ? "something is" : `${attempt.problems.length} things are`;
  return new TrialError(
    `cancelAnywhere: when ${name} is cancelled at ${at} ("${cancellation}"), ${count} not in order`,
    attempt.problems,
    attempt.lines,
    `To run only this: { only: ${JSON.stringify(run)} }`,
  );
}
