import type { Duration } from "../loop/duration.ts";
import type { ReadyEntry } from "../loop/ready-queue.ts";
import type { Trial } from "./trial.ts";

/** A program under test: makes everything that it uses anew, and tells the trial what must hold at the end. */
export type TrialProgram<T> = (trial: Trial) => PromiseLike<T> | T;

/** What is in order in a program under test. */
export interface TrialOptions {
  /**
   * Errors that are in order: what the program may end with besides `CancelledError`, and what the loop may report.
   * Default: none is.
   */
  allow?: ((error: unknown) => boolean) | undefined;
  /** A task that was cancelled may return as if nothing had happened. Default false. */
  maySwallow?: boolean | undefined;
  /**
   * Nothing may be left when the program has ended: no task (that `run` would cancel), and no timer. Default false: no
   * task may be left when the run has ended.
   */
  structured?: boolean | undefined;
  /** How long, in virtual time, what was cancelled may take to end. Default: as long as it likes. */
  endsWithin?: Duration | undefined;
  /** How long one run may take in real time. Default "10s". */
  patience?: Duration | undefined;
}

/** What is cancelled: a task by its number in the order of creation (main is 0), or the program's own scope. */
export type Target = number | "body";

export interface Strike {
  readonly point: number;
  readonly target: Target;
}

/** What makes a run different from others. */
export interface Plan {
  readonly cancellation: "sticky" | "once";
  readonly strikes: readonly Strike[];
  /** For `trial.random`. */
  readonly seed: number;
  /** Decides which entries are sent to the back of the ready queue. */
  readonly perturb: ((entry: ReadyEntry) => boolean) | null;
}

/**
 * A moment at which a program can be cancelled: an entry is about to have its turn (before that, others have theirs), a
 * task is about to run on, or nothing is ready.
 */
export interface Point {
  readonly kind: "turn" | "resume" | "idle";
  /** The numbers of the tasks that are alive. */
  readonly alive: readonly number[];
  /** The task that is about to run on. */
  readonly task: number | undefined;
  readonly bodyRuns: boolean;
}
