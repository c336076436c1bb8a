import { setImmediate } from "node:timers";
import { CancelScope } from "../cancel/cancel-scope.ts";
import { CancelledError } from "../cancel/errors.ts";
import { ambient } from "../loop/ambient.ts";
import { type Duration, milliseconds } from "../loop/duration.ts";
import { RuntimeError } from "../loop/errors.ts";
import { Alarm } from "../loop/handle.ts";
import type { Loop } from "../loop/loop.ts";
import type { ReadyEntry } from "../loop/ready-queue.ts";
import type { ExceptionContext } from "../loop/report.ts";
import { Runner } from "../run/runner.ts";
import { allTasks, type Task } from "../tasks/task.ts";
import { waitsOf } from "../tasks/waits.ts";
import { Trace } from "./trace.ts";
import { Trial, type TrialOutcome } from "./trial.ts";
import { VirtualClock } from "./virtual-clock.ts";

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

/** One run of a program in virtual time. */
export class Attempt<T> {
  readonly points: Point[] = [];
  readonly problems: unknown[] = [];
  /** The numbers of the tasks in the order in which they ran on. */
  readonly schedule: number[] = [];
  private readonly program: TrialProgram<T>;
  private readonly options: TrialOptions;
  private readonly plan: Plan;
  private readonly runner: Runner;
  private readonly loop: Loop;
  private readonly trace: Trace;
  private readonly trial: Trial;
  private readonly scope = new CancelScope();
  private readonly reports: ExceptionContext[] = [];
  private readonly struck: Target[] = [];
  private bodyRuns = true;

  constructor(program: TrialProgram<T>, options: TrialOptions, plan: Plan) {
    this.program = program;
    this.options = options;
    this.plan = plan;
    const { cancellation } = plan;
    this.runner = new Runner({ cancellation, debug: false, handleSignals: false, clock: new VirtualClock() });
    this.loop = this.runner.getLoop();
    this.trace = new Trace(this.loop);
    this.trial = new Trial(plan.seed, (line) => this.trace.write(line));
    this.loop.setExceptionHandler((_, report) => void this.reports.push(report));
    this.loop.perturb = (entry) => this.ready(entry);
    this.loop.resuming = (task) => this.resuming(task);
    this.loop.idleListeners.add(() => this.idle());
  }

  get lines(): readonly string[] {
    return this.trace.lines;
  }

  /** The program's tasks in the order of their creation, main first. */
  get tasks(): readonly Task<unknown>[] {
    return this.trace.tasks;
  }

  /** Did the run come to every point at which something was to be cancelled? */
  get complete(): boolean {
    return this.plan.strikes.every(({ point }) => point < this.points.length);
  }

  nameOf(target: Target): string {
    return target === "body" ? "body" : (this.trace.tasks[target]?.getName() ?? `task number ${target}`);
  }

  // -- the points ----------------------------------------------------------------------------------------

  private ready(entry: ReadyEntry): boolean {
    this.trace.ready(entry);
    const strike = this.reach("turn");
    if (strike !== undefined) {
      const alarm = new Alarm(() => this.strike(strike), null);
      alarm.due();
      this.loop.enqueue(alarm);
    }
    return this.plan.perturb?.(entry) ?? false;
  }

  private resuming(task: object): void {
    this.trace.resumed(task);
    const number = this.trace.numberOf(task);
    if (number !== undefined) this.schedule.push(number);
    const strike = this.reach("resume", number);
    if (strike !== undefined) this.strike(strike);
  }

  private idle(): void {
    this.trace.look();
    this.problems.push(...this.trial.lostWakeUps());
    const strike = this.reach("idle");
    if (strike !== undefined) this.strike(strike);
  }

  private reach(kind: Point["kind"], task?: number): Strike | undefined {
    const at = this.points.length;
    const alive: number[] = [];
    for (const each of allTasks(this.loop)) {
      if (!each.done()) alive.push(this.trace.numberOf(each) as number); // the trace has just looked
    }
    this.points.push({ kind, alive, task, bodyRuns: this.bodyRuns });
    return this.plan.strikes.find(({ point }) => point === at);
  }

  private strike({ point, target }: Strike): void {
    const reason = `point ${point}`;
    if (target === "body") {
      if (!this.bodyRuns) return;
      this.trace.write("=== cancelled: the body");
      this.scope.cancel(reason);
    } else {
      const task = this.trace.tasks[target];
      if (task === undefined || task.done()) return;
      this.trace.write(`=== cancelled: ${task.getName()}`);
      task.cancelWith({ reason, by: "the trial" });
    }
    this.struck.push(target);
  }

  // -- the run -------------------------------------------------------------------------------------------

  async run(): Promise<void> {
    const unhandled = (error: unknown): void => {
      this.problems.push(new Error("a promise was rejected and nobody handled it", { cause: error }));
    };
    process.on("unhandledRejection", unhandled);
    try {
      const outcome = await this.inTime(this.play());
      if (outcome === null) return;
      await turnOfNode();
      await turnOfNode();
      await this.judge(outcome);
    } finally {
      process.off("unhandledRejection", unhandled);
    }
  }

  private async play(): Promise<TrialOutcome> {
    const end = { value: undefined as unknown, error: undefined as unknown };
    let status: TrialOutcome["status"] = "returned";
    try {
      end.value = await this.runner.run(() => this.main());
    } catch (error) {
      end.error = error;
      status = error instanceof CancelledError ? "cancelled" : "failed";
    } finally {
      await this.runner.close();
    }
    this.trace.look();
    return {
      status,
      ...end,
      struck: this.struck.map((target) => this.nameOf(target)),
      reports: this.reports,
    };
  }

  private async main(): Promise<T | undefined> {
    try {
      return await this.scope.run(() => this.program(this.trial));
    } finally {
      this.bodyRuns = false;
      if (this.options.structured === true) this.findLeftovers();
    }
  }

  private findLeftovers(): void {
    const [, ...left] = allTasks(this.loop);
    for (const task of left)
      this.problems.push(new Error(`${task} is still alive when the program has ended`));
    if (this.loop.timersPending) this.problems.push(new Error("a timer is left when the program has ended"));
  }

  /** Null if it takes too long. */
  private async inTime<R>(promise: Promise<R>): Promise<R | null> {
    const patience = milliseconds(this.options.patience ?? "10s", "patience");
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(() => {
        this.trace.look();
        this.problems.push(new Error(`the run has not ended after ${patience} ms of real time`));
        resolve(null);
      }, patience);
    });
    try {
      return await Promise.race([promise, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  // -- what is wrong -------------------------------------------------------------------------------------

  private async judge(outcome: TrialOutcome): Promise<void> {
    const { allow = () => false, maySwallow = false } = this.options;
    if (outcome.status === "failed" && !allow(outcome.error)) this.problems.push(outcome.error);
    if (outcome.status === "cancelled" && this.struck.length === 0) {
      this.problems.push(
        new Error("the program ended with CancelledError, and was not cancelled", { cause: outcome.error }),
      );
    }
    if (!maySwallow) this.findSwallowed();
    for (const report of outcome.reports) {
      if (report.exception !== undefined && allow(report.exception)) continue;
      this.problems.push(new Error(`the loop reported: ${report.message}`, { cause: report.exception }));
    }
    for (const task of allTasks(this.loop)) {
      const waits = waitsOf(task).map((wait) => `${wait.kind} on ${String(wait.source)}`);
      this.problems.push(
        new Error(`${task} never ended; it waits: ${waits.join(", ") || "in a promise that is not brio's"}`),
      );
    }
    this.problems.push(...(await this.trial.broken(outcome)));
  }

  private findSwallowed(): void {
    for (const target of new Set(this.struck)) {
      const task = target === "body" ? undefined : this.trace.tasks[target];
      if (task === undefined || !task.done() || task.cancelled() || task.rejected) continue;
      const message = `${task.getName()} was cancelled, and returned as if nothing had happened (if that is meant: { maySwallow: true })`;
      this.problems.push(new Error(message));
    }
  }
}

/** @throws RuntimeError inside a running loop. */
export function refuseInsideLoop(caller: string): void {
  const loop = ambient.getStore()?.loop;
  if (loop === undefined || loop.isClosed()) return;
  throw new RuntimeError(
    `${caller} was called inside a running event loop: it makes one for each run; call it outside of run()`,
  );
}

function turnOfNode(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
