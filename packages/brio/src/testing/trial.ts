import { inspect, isDeepStrictEqual } from "node:util";
import type { ExceptionContext } from "../loop/report.ts";
import { lostWakeUp } from "./at-rest.ts";
import { Random } from "./random.ts";

/** How one run of a program ended. */
export interface TrialOutcome {
  readonly status: "returned" | "cancelled" | "failed";
  /** What the program returned. */
  readonly value: unknown;
  /** What it threw. */
  readonly error: unknown;
  /** The names of the tasks that were cancelled by the trial; `body` for the program's own scope. */
  readonly struck: readonly string[];
  /** What the loop's exception handler was told. */
  readonly reports: readonly ExceptionContext[];
}

/** A lock, semaphore, queue, ...: anything that tells its state. */
export interface Watchable {
  statistics(): object;
  toString(): string;
}

/** Throws if what must hold after a run does not. */
export type Invariant = (outcome: TrialOutcome) => void | PromiseLike<void>;

/**
 * One run of a program under test: where it says what must hold. `cancelAnywhere` and `explore` give it to the program.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { Semaphore, sleep, taskGroup } from "brio";
 * import { cancelAnywhere, type Trial } from "brio/testing";
 *
 * async function threeInTwoSlots(trial: Trial): Promise<void> {
 *   const slots = trial.watch(new Semaphore(2)); // all permits are there in the end
 *   let running = 0;
 *   trial.check(() => assert.equal(running, 0));
 *   await taskGroup((group) => {
 *     for (let i = 0; i < 3; i++) {
 *       group.createTask(() =>
 *         slots.with(async () => {
 *           running++;
 *           trial.note(`${running} running`); // a line in the trace, if something goes wrong
 *           try {
 *             await sleep("1s");
 *           } finally {
 *             running--;
 *           }
 *         }),
 *       );
 *     }
 *   });
 * }
 *
 * await cancelAnywhere(threeInTwoSlots, { targets: "all" });
 * ```
 */
export class Trial {
  /** Chance that is the same each time this run is repeated. */
  readonly random: Random;
  private readonly invariants: Invariant[] = [];
  private readonly watched = new Set<Watchable>();
  private readonly write: (line: string) => void;

  /** @internal */
  constructor(seed: number, write: (line: string) => void) {
    this.random = new Random(seed);
    this.write = write;
  }

  /**
   * Has a primitive looked at. Whenever nothing is ready, nobody may wait for what could be had (an item of a queue, a
   * permit). After the run, nobody waits for it, and it is as free as it was when it was given here: a lock is unlocked,
   * a semaphore has all of its permits, a barrier is whole. Returns it.
   *
   * @throws TypeError if it has no `statistics()`.
   */
  watch<R extends Watchable>(resource: R): R {
    if (typeof (resource as Partial<Watchable> | null)?.statistics !== "function") {
      throw new TypeError(
        `trial.watch() takes something with statistics(), such as a Lock; got ${inspect(resource)}`,
      );
    }
    this.watched.add(resource);
    const before = resource.statistics();
    this.check(() => {
      const problems = differences(before, resource.statistics());
      if (problems.length > 0) throw new Error(`${String(resource)}: ${problems.join(", ")}`);
    });
    return resource;
  }

  /** Has `invariant` called after the run, when the loop is closed. What it throws is what is wrong. */
  check(invariant: Invariant): void {
    if (typeof invariant !== "function") {
      throw new TypeError(
        "trial.check() takes a function: trial.check(() => assert.equal(semaphore.locked(), false))",
      );
    }
    this.invariants.push(invariant);
  }

  /** Puts a line into the trace that is shown when the run fails. */
  note(text: string): void {
    this.write(text);
  }

  /** @internal Nothing is ready: what should be? Each primitive is told of once. */
  lostWakeUps(): Error[] {
    const errors: Error[] = [];
    for (const resource of this.watched) {
      const lost = lostWakeUp(resource);
      if (lost === null) continue;
      this.watched.delete(resource);
      errors.push(new Error(`${String(resource)}: nothing is ready, but ${lost}`));
    }
    return errors;
  }

  /** @internal What does not hold. */
  async broken(outcome: TrialOutcome): Promise<unknown[]> {
    const errors: unknown[] = [];
    for (const invariant of this.invariants) {
      try {
        await invariant(outcome);
      } catch (error) {
        errors.push(error);
      }
    }
    return errors;
  }
}

/** What must be as it was before; whatever is called `...waiting...` must be 0. The rest (a queue's size) may differ. */
const STEADY = new Set(["locked", "value", "broken"]);

function differences(before: object, after: object): string[] {
  const was = new Map<string, unknown>(Object.entries(before));
  const found: string[] = [];
  for (const [name, value] of Object.entries(after) as [string, unknown][]) {
    if (/waiting/i.test(name)) {
      if (value !== 0) found.push(`${name} is ${String(value)} at the end, and should be 0`);
    } else if (STEADY.has(name) && !isDeepStrictEqual(value, was.get(name))) {
      found.push(`${name} is ${String(value)} at the end, and was ${String(was.get(name))}`);
    }
  }
  return found;
}
