import { inspect } from "node:util";
import { Handle } from "../loop/handle.ts";
import type { ReadyEntry } from "../loop/ready-queue.ts";
import { Attempt, refuseInsideLoop } from "./attempt.ts";
import { type CancelTargets, pointsFor, targetsOf } from "./cancel-anywhere.ts";
import type { Plan, Strike, TrialOptions, TrialProgram } from "./plan.ts";
import { Random } from "./random.ts";
import { TrialError } from "./trial-error.ts";

/** Options of {@link explore}. */
export interface ExploreOptions extends TrialOptions {
  /** How many orders to try (seeds 0, 1, ...), or the seeds themselves. Default 100. */
  seeds?: number | readonly number[] | undefined;
  /** The mode to run in. Default `"sticky"`. */
  cancellation?: "sticky" | "once" | undefined;
  /** What is also cancelled, once for each seed, at a point left to chance. Default: nothing. */
  cancel?: CancelTargets | undefined;
}

/** What {@link explore} has done. */
export interface ExploreResult {
  /** How many runs there were. */
  readonly runs: number;
  /** How many different orders the tasks ran in. */
  readonly schedules: number;
}

/**
 * Runs a program many times in virtual time, each time in another order of what is ready, and looks whether everything
 * is in order afterwards, as `cancelAnywhere` does.
 *
 * brio's own order is fixed: a program that works once works always, until a network that answers in another order
 * brings out what it never relied on knowingly. Here, whenever a task is woken or starts, chance decides whether others
 * go first. Callbacks of `callSoon` and `callLater` keep their order, which is promised. A seed stands for an order: it
 * gives the same one again, also in `trial.random`, from which a program may take its own chances.
 *
 * *Cancel safety*: it is not called in a loop: it makes one for each run.
 *
 * @throws TrialError with the seed, everything that is wrong with its run, and what happened; RuntimeError inside a
 * running loop.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { checkpoint, gather, Lock } from "brio";
 * import { explore } from "brio/testing";
 *
 * await explore(
 *   async (trial) => {
 *     const lock = trial.watch(new Lock());
 *     let count = 0;
 *     const increment = () =>
 *       lock.with(async () => {
 *         const before = count;
 *         await checkpoint();
 *         count = before + 1;
 *       });
 *     await gather(increment, increment, increment);
 *     assert.equal(count, 3);
 *   },
 *   { seeds: 50 },
 * );
 * ```
 */
export async function explore<T>(
  program: TrialProgram<T>,
  options: ExploreOptions = {},
): Promise<ExploreResult> {
  if (typeof program !== "function") {
    throw new TypeError("explore() takes a function: explore(async (trial) => { ... })");
  }
  refuseInsideLoop("explore()");
  const schedules = new Set<string>();
  let runs = 0;
  const attempt = async (
    seed: number,
    strikes: readonly Strike[],
    perturbed: boolean,
  ): Promise<Attempt<T>> => {
    const { cancellation = "sticky" } = options;
    const plan: Plan = { cancellation, strikes, seed, perturb: perturbed ? detours(seed) : null };
    const made = new Attempt(program, options, plan);
    await made.run();
    runs++;
    return made;
  };
  for (const seed of seedsOf(options)) {
    let last = await attempt(seed, [], true);
    if (last.problems.length === 0 && options.cancel !== undefined) {
      last = await attempt(seed, chooseStrike(last, options.cancel, seed), true);
    }
    schedules.add(last.schedule.join());
    if (last.problems.length > 0) throw failure(last, seed, await attempt(seed, [], false));
  }
  return { runs, schedules: schedules.size };
}

function seedsOf({ seeds = 100 }: ExploreOptions): readonly number[] {
  if (typeof seeds !== "number") return seeds;
  if (!Number.isInteger(seeds) || seeds < 1) {
    throw new RangeError(
      `seeds must be an integer >= 1, or a list of seeds such as [17]; got ${inspect(seeds)}`,
    );
  }
  return [...new Array(seeds).keys()];
}

/** Sends entries to the back of the queue by chance: often with some seeds, rarely with others. */
function detours(seed: number): (entry: ReadyEntry) => boolean {
  const random = new Random(~seed);
  const often = 0.1 + 0.6 * random.next();
  return (entry) => !(entry instanceof Handle) && random.chance(often);
}

function chooseStrike<T>(calm: Attempt<T>, targets: CancelTargets, seed: number): Strike[] {
  const random = new Random(seed ^ 0x55555555);
  const choices = targetsOf(calm, targets);
  if (choices.length === 0) return [];
  const target = random.pick(choices);
  const points = pointsFor(calm, target);
  return points.length === 0 ? [] : [{ target, point: random.pick(points) }];
}

function failure<T>(attempt: Attempt<T>, seed: number, calm: Attempt<T>): TrialError {
  const count = attempt.problems.length === 1 ? "something is" : `${attempt.problems.length} things are`;
  const also =
    calm.problems.length === 0
      ? "Without reordering, nothing is wrong with it"
      : "Without reordering, it is not in order either";
  return new TrialError(
    `explore: with seed ${seed}, ${count} not in order`,
    attempt.problems,
    attempt.lines,
    `${also}. To run only this: { seeds: [${seed}] }`,
  );
}
