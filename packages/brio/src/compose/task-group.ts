import { type Cancellation, CancelledError, cancelledError } from "../cancel/errors.ts";
import { requireScope, Scope } from "../cancel/scope.ts";
import { PersistentWait, type WaitSource } from "../cancel/wait.ts";
import { RuntimeError } from "../loop/errors.ts";
import { Coroutine, type Source } from "../tasks/coroutine.ts";
import { spawn, type TaskOptions } from "../tasks/create-task.ts";
import type { Future } from "../tasks/future.ts";
import { Observer } from "../tasks/listeners.ts";
import type { Task } from "../tasks/task.ts";
import { ExceptionGroup } from "./exception-group.ts";

/*
 * A group's states
 *
 *   created -> entered (the body runs) -> exiting (the body has ended; children are joined) -> finished
 *
 * and, beside them, `aborting`: set once, by the first child that fails, by a body that ends with an error, or by a
 * cancellation that reaches the join. Aborting cancels every child once, and refuses new ones.
 *
 * A child that fails while the group is not aborting also cancels the body (`bodyCancelled`): that is a request on
 * the group's own scope, and is taken back when the scope is left.
 */
type State = "created" | "entered" | "exiting" | "finished";

/** The children of a group, and the wait of its join. */
class Children extends Observer implements WaitSource<undefined> {
  readonly kind = "taskGroup";
  readonly tasks = new Set<Task<unknown>>();
  readonly errors: unknown[] = [];
  aborting = false;
  bodyCancelled = false;
  interruption: Cancellation | null = null;
  scope: Scope | null = null;
  private join: PersistentWait<undefined> | null = null;

  add(task: Task<unknown>): void {
    this.tasks.add(task);
    task.observe(this);
  }

  abort(by: string): void {
    this.aborting = true;
    for (const task of this.tasks) task.cancelWith({ reason: undefined, by });
  }

  override get awaiter(): object | null {
    return this.scope?.owner ?? null;
  }

  settled(future: Future<unknown>): void {
    const task = future as Task<unknown>; // only tasks are added
    this.tasks.delete(task);
    if (this.tasks.size === 0) this.join?.grant();
    if (!task.rejected) return;
    const error = task.exception();
    const scope = this.scope as Scope; // a group that has children was entered
    this.errors.push(error);
    if (scope.exited) {
      scope.loop.callExceptionHandler({
        message: `${task} has failed, but its parent is already completed`,
        exception: error,
        task,
      });
      return;
    }
    if (this.aborting) return;
    this.abort(`the failure of its sibling "${task.getName()}"`);
    this.bodyCancelled = true;
    scope.cancel({ reason: undefined, by: `the failure of task "${task.getName()}" in its group` });
  }

  /** Waits until there are no children. Persistent: a cancellation aborts the group, and the wait goes on. */
  async wait(scope: Scope): Promise<void> {
    while (this.tasks.size > 0) {
      const wait = new PersistentWait<undefined>(scope, this);
      this.join = wait;
      await wait.begin();
      this.join = null;
    }
  }

  take(): undefined {}

  withdraw(): undefined {}

  blockers(): Iterable<object> {
    return this.tasks;
  }

  again(wait: PersistentWait<undefined>): void {
    if (!this.aborting) {
      this.interruption = wait.interrupted;
      this.abort("the cancellation of its group");
    }
    if (this.tasks.size === 0) wait.fulfil(undefined);
  }

  override toString(): string {
    return `${this.tasks.size} task${this.tasks.size === 1 ? "" : "s"} of a group`;
  }
}

/**
 * Tasks that belong together: the group ends when all of them have ended, and the first that fails cancels the
 * others. Use {@link taskGroup}, or `new TaskGroup().run(body)` where the group must be known before its body runs.
 *
 * @example
 * ```ts
 * import { run, sleep, TaskGroup } from "brio";
 *
 * const group = new TaskGroup();
 * const welcome = (name: string) => group.createTask(() => sleep("1ms"), { name });
 *
 * await run(() =>
 *   group.run(() => {
 *     welcome("ada");
 *     welcome("grace");
 *     console.log(group.tasks.size); // 2
 *   }),
 * );
 * ```
 */
export class TaskGroup {
  private state: State = "created";
  private readonly children = new Children();

  /**
   * Starts a task in the group. Children may start further ones.
   *
   * @throws RuntimeError if the group is not running, is shutting down, or has finished.
   */
  createTask<T>(source: Source<T>, options?: TaskOptions): Task<T> {
    const refusal = this.refusal();
    if (refusal !== null) {
      if (source instanceof Coroutine) source.close();
      throw new RuntimeError(`this TaskGroup ${refusal}: it takes no new task${nameOf(options)}`);
    }
    const { loop } = this.children.scope as Scope; // it was entered
    const task = spawn(loop, source, options, "group.createTask()");
    this.children.add(task as Task<unknown>);
    return task;
  }

  private refusal(): string | null {
    if (this.state === "created") return "has not been entered (use taskGroup(async (group) => { ... }))";
    if (this.state === "finished") return "is finished";
    if (this.state === "exiting" && this.children.tasks.size === 0) return "is finished";
    return this.children.aborting ? "is shutting down" : null;
  }

  /** The unfinished tasks of the group. */
  get tasks(): ReadonlySet<Task<unknown>> {
    return this.children.tasks;
  }

  /**
   * Runs `body`, waits for all tasks of the group, and resolves with what the body returned. Once.
   *
   * *Cancel safety*: cancelling it cancels the body and the tasks, and waits until they have ended.
   *
   * @throws ExceptionGroup of all errors of tasks and body; RuntimeError if the group was run before.
   */
  async run<T>(body: (group: TaskGroup) => PromiseLike<T> | T): Promise<T> {
    if (typeof body !== "function") {
      throw new TypeError("a task group takes a function as its body: taskGroup(async (group) => { ... })");
    }
    if (this.state !== "created") throw new RuntimeError("this TaskGroup was entered before: make a new one");
    const outer = requireScope("taskGroup()");
    const scope = new Scope(outer.loop, outer.owner, outer, outer.variables);
    outer.enter(scope);
    this.children.scope = scope;
    this.state = "entered";

    let outcome: { ok: true; value: T } | { ok: false; error: unknown };
    try {
      outcome = { ok: true, value: await scope.run(call<T>, this, body) };
    } catch (error) {
      outcome = { ok: false, error };
    }
    this.state = "exiting";
    if (!outcome.ok && !this.children.aborting) this.children.abort("the end of its group's body");
    await this.children.wait(scope);
    this.state = "finished";
    scope.exit(this.children.bodyCancelled);
    return this.conclude(outcome, outer);
  }

  /** What the group ends with: its errors; else a cancellation from outside; else the body's value. */
  private conclude<T>(outcome: { ok: true; value: T } | { ok: false; error: unknown }, outer: Scope): T {
    const { errors, interruption } = this.children;
    if (errors.length === 0 && interruption !== null) throw cancelledError(interruption, outer.loop.debug);
    if (!outcome.ok) {
      // A CancelledError is dropped if a task has failed: then it is the group's own, or stays in force.
      if (!(outcome.error instanceof CancelledError)) errors.push(outcome.error);
      else if (errors.length === 0) throw outcome.error;
    }
    if (errors.length > 0) {
      // A cancellation from outside stays in force: the next wait throws it.
      outer.rearm();
      const group = new ExceptionGroup("unhandled errors in a TaskGroup", errors);
      errors.length = 0; // what keeps the TaskGroup should not keep them
      throw group;
    }
    return (outcome as { ok: true; value: T }).value; // a failed body has thrown above
  }
}

async function call<T>(group: TaskGroup, body: (group: TaskGroup) => PromiseLike<T> | T): Promise<T> {
  return await body(group);
}

function nameOf(options: TaskOptions | undefined): string {
  return options?.name === undefined ? "" : ` "${options.name}"`;
}

/**
 * Runs `body` with a group for its tasks; when both the body and all tasks have ended, resolves with what the body
 * returned. The first failure cancels the body and the other tasks.
 *
 * *Cancel safety*: cancelling it cancels the body and the tasks, and waits until they have ended.
 *
 * @throws ExceptionGroup of all errors of tasks and body.
 *
 * @example
 * ```ts
 * import { run, sleep, taskGroup } from "brio";
 *
 * await run(async () => {
 *   await taskGroup(async (group) => {
 *     group.createTask(() => sleep("10ms"));
 *     group.createTask(() => sleep("20ms"));
 *   });
 *   console.log("both have ended");
 * });
 * ```
 */
export function taskGroup<T>(body: (group: TaskGroup) => PromiseLike<T> | T): Promise<T> {
  return new TaskGroup().run(body);
}
