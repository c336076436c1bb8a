import { setImmediate } from "node:timers";
import { CancelScope } from "../cancel/cancel-scope.ts";
import { CancelledError } from "../cancel/errors.ts";
import { ambient } from "../loop/ambient.ts";
import { milliseconds } from "../loop/duration.ts";
import { RuntimeError } from "../loop/errors.ts";
import { Alarm } from "../loop/handle.ts";
import type { Loop } from "../loop/loop.ts";
import type { ReadyEntry } from "../loop/ready-queue.ts";
import type { ExceptionContext } from "../loop/report.ts";
import { Runner } from "../run/runner.ts";
import { allTasks } from "../tasks/create-task.ts";
import type { Task } from "../tasks/task.ts";
import type { Plan, Point, Strike, Target, TrialOptions, TrialProgram } from "./plan.ts";
import { Trace } from "./trace.ts";
import { Trial, type TrialOutcome } from "./trial.ts";
import { judge, leftovers, type Struck } from "./verdict.ts";
import { VirtualClock } from "./virtual-clock.ts";

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
  private readonly struck: { readonly target: Target; readonly at: number }[] = [];
  private bodyEnded: number | undefined;

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
    this.points.push({ kind, alive, task, bodyRuns: this.bodyEnded === undefined });
    return this.plan.strikes.find(({ point }) => point === at);
  }

  private strike({ point, target }: Strike): void {
    const reason = `point ${point}`;
    if (target === "body") {
      if (this.bodyEnded !== undefined) return;
      this.trace.write("=== cancelled: the body");
      this.scope.cancel(reason);
    } else {
      const task = this.trace.tasks[target];
      if (task === undefined || task.done()) return;
      this.trace.write(`=== cancelled: ${task.getName()}`);
      task.cancelWith({ reason, by: "the trial" });
    }
    this.struck.push({ target, at: this.loop.time() });
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
      this.problems.push(...judge(outcome, this.victims(), this.loop, this.options));
      this.problems.push(...(await this.trial.broken(outcome)));
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
      struck: this.struck.map(({ target }) => this.nameOf(target)),
      reports: this.reports,
    };
  }

  private async main(): Promise<T | undefined> {
    try {
      return await this.scope.run(() => this.program(this.trial));
    } finally {
      this.bodyEnded = this.loop.time();
      if (this.options.structured === true) this.problems.push(...leftovers(this.loop));
    }
  }

  private victims(): Struck[] {
    return this.struck.map(({ target, at }) => {
      const name = this.nameOf(target);
      if (target === "body") return { target, name, task: undefined, at, ended: this.bodyEnded };
      return { target, name, task: this.tasks[target], at, ended: this.trace.endOf(target) };
    });
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
