import { type Cancellation, CancelledError, cancelledError } from "../cancel/errors.ts";
import { ambientScope, requester, Scope, type ScopeOwner } from "../cancel/scope.ts";
import { linkSignal } from "../cancel/signal.ts";
import { uncancellable } from "../cancel/uncancellable.ts";
import { reportSwallowed, unwatch, watchCancelled } from "../cancel/watchdog.ts";
import { ambient, enterFrame, holdBack } from "../loop/ambient.ts";
import { RuntimeError } from "../loop/errors.ts";
import type { ListedTask, Loop } from "../loop/loop.ts";
import { noteOrigin } from "../loop/origins.ts";
import type { ReadyEntry } from "../loop/ready-queue.ts";
import type { Values, Variables } from "../loop/variables.ts";
import { type PathNode, step } from "./cancel-path.ts";
import { type Source, start } from "./coroutine.ts";
import { Future } from "./future.ts";
import { Observer } from "./listeners.ts";

let created = 0;

/** A coroutine that runs in the loop. It is a {@link Future} of what the coroutine returns. */
export class Task<T>
  extends Future<T>
  implements ReadyEntry, ScopeOwner, ListedTask, PathNode, Variables, AsyncDisposable
{
  /** @internal */ epoch = 0;
  /** @internal */ cancelRequests = 0;
  /** @internal */ lateReason: unknown = undefined;
  /** @internal */ onPath = false;
  /** @internal */ values: Values;
  /** @internal */ previousTask: ListedTask | null = null;
  /** @internal */ nextTask: ListedTask | null = null;
  /** @internal */ readonly scope: Scope;
  /** @internal The task that created this one; null if there is none, or this one has ended. */ parent:
    | object
    | null;
  private name: string | number;
  private source: Source<T> | null;
  private open: ((scope: Scope) => void) | null = null;

  /** @internal */
  constructor(
    loop: Loop,
    source: Source<T>,
    name: string | undefined,
    values: Values,
    variables: Variables | undefined,
    parent: object | null,
  ) {
    super(loop);
    this.source = source;
    this.name = name === undefined ? ++created : String(name);
    this.parent = parent;
    this.values = values;
    this.scope = new Scope(loop, this, null, variables ?? this);
    if (loop.debug) noteOrigin(this);
    enlist(loop, this as unknown as Task<unknown>);
  }

  /** The name that reports show. */
  getName(): string {
    return typeof this.name === "number" ? `Task-${this.name}` : this.name;
  }

  /** Gives it another name. */
  setName(name: string): void {
    this.name = String(name);
  }

  /** How many cancellations were asked for and not taken back with {@link uncancel}. */
  cancelling(): number {
    return this.cancelRequests;
  }

  /**
   * Asks the task to end: the wait it hangs in throws `CancelledError`, and, unless the loop runs in the mode
   * `once`, so does every later wait of it. If it awaits another task, that one is cancelled and waited for.
   *
   * @returns false if the task has ended; true otherwise.
   */
  override cancel(reason?: unknown): boolean {
    return this.cancelWith({ reason, by: requester() });
  }

  /** @internal */
  override cancelWith(cause: Cancellation): boolean {
    if (this.done()) {
      this.markRetrieved();
      return false;
    }
    return step(this, this.cancelScope, cause);
  }

  private cancelScope(cause: Cancellation): void {
    this.scope.cancel(cause);
    if (this.loop.debug) watchCancelled(this, this.scope);
  }

  /**
   * Takes one cancellation back: "I meant to stop it here". When none is left, the task may wait again.
   *
   * @returns how many are left.
   */
  uncancel(): number {
    if (this.scope.requests > 0) {
      this.scope.retract();
    } else if (this.cancelRequests > 0) {
      // Asked by a deadline or a failing group further in.
      const scope = ambientScope();
      if (scope?.owner === this) scope.retractNearest();
    }
    return this.cancelRequests;
  }

  /** A task ends by itself. @throws RuntimeError, always. */
  override setResult(_value: T): void {
    throw new RuntimeError("a task's result is what its coroutine returns: setResult() is for futures");
  }

  /** A task ends by itself. @throws RuntimeError, always. */
  override setException(_error: unknown): void {
    throw new RuntimeError("a task's exception is what its coroutine throws: setException() is for futures");
  }

  /**
   * Cancels the task and waits until it has ended, so that `await using task = createTask(...)` leaves nothing
   * behind. What it threw, other than CancelledError, is thrown here.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.done()) {
      this.cancel("disposed");
      try {
        await uncancellable(() => this, { grace: null });
      } catch (error) {
        if (!this.cancelled()) throw error;
      }
    } else if (this.unseen) {
      throw this.exception();
    }
  }

  /** @internal */
  override get cancelReason(): unknown {
    return this.cancelled() ? super.cancelReason : this.lateReason;
  }

  /** @internal */
  override get kind(): string {
    return "task";
  }

  protected override get owned(): boolean {
    return true;
  }

  // -- running -------------------------------------------------------------------------------------------

  /** @internal Prepares the first step, in the context of the caller. */
  prepare(): void {
    this.open = holdBack(firstStep);
  }

  /** @internal The task's turn has come: its first step. */
  run(): void {
    const { open, scope } = this;
    this.open = null;
    if (scope.undelivered) {
      this.source = null;
      const cause = scope.cause as Cancellation; // undelivered means there is one
      this.settleCancelled(cancelledError(cause, this.loop.debug));
      this.end();
      return;
    }
    this.loop.take(this);
    open?.(scope);
  }

  /** @internal The first step, inside the caller's. */
  runEagerly(): void {
    this.loop.join(this);
    ambient.run(this.scope, () => this.enter());
  }

  /** @internal Runs in the task's own scope. */
  enter(): void {
    const source = this.source as Source<T>; // a task starts once
    this.source = null;
    let result: PromiseLike<T> | T;
    try {
      result = start(source);
    } catch (error) {
      this.fail(error);
      return;
    }
    if (result instanceof Promise) {
      this.follow(result);
    } else if (typeof (result as PromiseLike<T> | null | undefined)?.then === "function") {
      this.follow(inline(result as PromiseLike<T>)); // it has a then()
    } else {
      this.succeed(result as T); // neither a promise nor any other thenable
    }
  }

  private follow(result: Promise<T>): void {
    result.then(taskReturned, taskThrew);
  }

  /** @internal */
  succeed(value: T): void {
    const { scope } = this;
    if (scope.undelivered) {
      // Asked to end while it was running its last stretch: it ends cancelled, as in asyncio.
      this.settleCancelled(scope.cause as Cancellation); // undelivered means there is one
    } else {
      if (this.loop.debug && scope.requests > 0) reportSwallowed(this, scope);
      super.setResult(value);
    }
    this.end();
  }

  /** @internal */
  fail(error: unknown): void {
    if (error instanceof CancelledError) this.settleCancelled(error);
    else super.setException(error);
    this.end();
  }

  private end(): void {
    if (this.loop.debug) unwatch(this);
    this.scope.exit();
    // Or a task that is started by a task, and so on, would hold them all.
    this.parent = null;
    delist(this.loop, this);
    this.loop.park(this);
  }

  /** @internal */
  heed(signal: AbortSignal): void {
    const unlink = linkSignal(signal, (reason) => this.cancelWith({ reason, by: "an AbortSignal" }));
    this.observe(new SignalLink(unlink));
  }

  override toString(): string {
    return `<Task "${this.getName()}" ${this.describeState()}>`;
  }
}

// What begins and ends a task. None of these is a closure of its task: the first is given the scope, and the others run in
// it, as reactions that were registered there. That spares each task two hundred bytes.

function firstStep(scope: Scope): void {
  enterFrame(scope);
  taskOf(scope).enter();
}

function taskReturned(value: unknown): void {
  taskOf(ambientScope()).succeed(value);
}

function taskThrew(error: unknown): void {
  taskOf(ambientScope()).fail(error);
}

function taskOf(scope: Scope | undefined): Task<unknown> {
  return scope?.owner as Task<unknown>; // tasks are the only owners, and these functions run in tasks only
}

/** Stops listening to a task's signal when the task has ended. */
class SignalLink extends Observer {
  readonly settled: () => void;

  constructor(unlink: () => void) {
    super();
    this.settled = unlink;
  }
}

async function inline<T>(awaitable: PromiseLike<T>): Promise<T> {
  return await awaitable;
}

function enlist(loop: Loop, task: ListedTask): void {
  task.previousTask = loop.lastTask;
  if (loop.lastTask === null) loop.firstTask = task;
  else loop.lastTask.nextTask = task;
  loop.lastTask = task;
}

function delist(loop: Loop, task: ListedTask): void {
  const { previousTask: previous, nextTask: next } = task;
  if (previous === null) loop.firstTask = next;
  else previous.nextTask = next;
  if (next === null) loop.lastTask = previous;
  else next.previousTask = previous;
  task.previousTask = null;
  task.nextTask = null;
}
