import { type Cancellation, CancelledError, cancelledError, InvalidStateError } from "../cancel/errors.ts";
import { ambientScope, requester, type Scope } from "../cancel/scope.ts";
import { FAILED, Wait, type WaitSource } from "../cancel/wait.ts";
import { RuntimeError } from "../loop/errors.ts";
import type { Loop } from "../loop/loop.ts";
import { closedCircle, postpone } from "./cancel-path.ts";
import {
  Callback,
  eachListener,
  hasListener,
  type Listener,
  type Listeners,
  Notice,
  Observer,
  Watcher,
  withListener,
  withoutListener,
} from "./listeners.ts";
import { thenRejected } from "./rejected.ts";
import { forgetFailure, noteFailure } from "./unretrieved.ts";

/*
 * A future's states: pending -> resolved | rejected | cancelled. It never leaves the last three.
 *
 * Who wants to know stands in `listeners`, in the order of registration: waits (of tasks that await it), observers
 * (brio's own: gather, wait, groups) and users' callbacks. Settling never calls them: each gets an entry of its
 * own in the ready queue.
 */
const PENDING = 0;
const RESOLVED = 1;
const REJECTED = 2;
const CANCELLED = 3;

/**
 * A result that will be there later. Awaiting it from a task that is cancelled meanwhile cancels the future too;
 * `shield` prevents that.
 *
 * @example
 * ```ts
 * import { getRunningLoop, run } from "brio";
 *
 * await run(async () => {
 *   const loop = getRunningLoop();
 *   const answer = loop.createFuture<number>();
 *   loop.callLater("5ms", () => answer.setResult(42));
 *   console.log(await answer); // 42
 * });
 * ```
 */
export class Future<T> implements PromiseLike<T>, WaitSource<T> {
  /** @internal */ readonly loop: Loop;
  private state: number = PENDING;
  private outcome: T | unknown = undefined;
  private listeners: Listeners = null;
  private retrieved = false;

  /** @internal Use `loop.createFuture()`. */
  constructor(loop: Loop) {
    this.loop = loop;
  }

  /** True once there is a result, an exception, or a cancellation. */
  done(): boolean {
    return this.state !== PENDING;
  }

  /** True if it ended with a cancellation. */
  cancelled(): boolean {
    return this.state === CANCELLED;
  }

  /**
   * The result.
   *
   * @throws what the future ended with: its exception, or CancelledError; InvalidStateError if it is pending.
   */
  result(): T {
    if (this.state === RESOLVED) return this.outcome as T; // set by setResult
    throw this.failure("result");
  }

  /**
   * The exception, or undefined if there is a result.
   *
   * @throws CancelledError if it was cancelled; InvalidStateError if it is pending.
   */
  exception(): unknown {
    if (this.state === RESOLVED) return undefined;
    if (this.state === REJECTED) return this.failure("exception");
    throw this.failure("exception");
  }

  private failure(wanted: string): unknown {
    if (this.state === REJECTED) {
      this.markRetrieved();
      return this.outcome;
    }
    if (this.state === CANCELLED) return this.takeCancelledError();
    return new InvalidStateError(`${this} has no ${wanted} yet: await it, or check done() first`);
  }

  /** Ends the future with a value. @throws InvalidStateError if it is done. */
  setResult(value: T): void {
    this.assertPending("setResult");
    this.settle(RESOLVED, value);
  }

  /** Ends the future with an error. @throws InvalidStateError if it is done. */
  setException(error: unknown): void {
    this.assertPending("setException");
    // Who awaits it will see the error, even if that wait is cancelled meanwhile.
    const awaited = this.listeners instanceof Wait;
    this.settle(REJECTED, error);
    if (!awaited && !this.retrieved) noteFailure(this as Future<unknown>, error);
  }

  /** Cancels the future: who awaits it gets CancelledError. False if it was done already. */
  cancel(reason?: unknown): boolean {
    return this.cancelWith({ reason, by: requester() });
  }

  /** @internal */
  cancelWith(cause: Cancellation): boolean {
    this.markRetrieved();
    if (this.state !== PENDING) return false;
    this.settle(CANCELLED, cause);
    return true;
  }

  /**
   * Calls `fn(future)` when the future is done: from the loop, never at once, without a current task, with the
   * context variables of now.
   */
  addDoneCallback(fn: (future: this) => void): void {
    if (typeof fn !== "function") {
      throw new TypeError(
        `addDoneCallback() takes a function, got ${typeof fn}: addDoneCallback((future) => { ... })`,
      );
    }
    this.listen(new Callback(this as Future<unknown>, fn));
  }

  /** Removes every registration of `fn`; returns how many there were. */
  removeDoneCallback(fn: (future: this) => void): number {
    const gone = [...eachListener(this.listeners)].filter((one) => one instanceof Callback && one.fn === fn);
    for (const callback of gone) this.unlisten(callback);
    return gone.length;
  }

  /** The loop that it belongs to. */
  getLoop(): Loop {
    return this.loop;
  }

  // -- awaiting ------------------------------------------------------------------------------------------

  /**
   * Waits for it, in the current task if there is one.
   *
   * *Cancel safety*: cancelling the waiting task cancels this future too; a task is waited for until it has ended.
   */
  // biome-ignore lint/suspicious/noThenProperty: being awaitable is what a future is for
  then<A = T, B = never>(
    fulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    rejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.state <= RESOLVED
      ? this.promise().then(fulfilled, rejected)
      : thenRejected(this.failure("result"), fulfilled, rejected);
  }

  /** As a promise's. *Cancel safety*: as {@link then}. */
  catch<B = never>(rejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<T | B> {
    return this.then(undefined, rejected);
  }

  /** As a promise's. *Cancel safety*: as {@link then}. */
  finally(settled?: (() => void) | null): Promise<T> {
    return this.promise().finally(settled);
  }

  /** Waits for it: as a wait of the current task if there is one. */
  private promise(): Promise<T> {
    if (this.state !== PENDING) {
      return this.state === RESOLVED
        ? Promise.resolve(this.outcome as T)
        : Promise.reject(this.failure("result"));
    }
    const scope = ambientScope();
    return scope === undefined ? this.outsiderPromise() : this.waitIn(scope);
  }

  /** @internal */
  waitIn(scope: Scope): Promise<T> {
    if ((scope.owner as object) === this) {
      return Promise.reject(new RuntimeError(`${this} cannot await itself: it would wait for ever`));
    }
    if (scope.loop !== this.loop) {
      return Promise.reject(
        new RuntimeError(`${this} belongs to another event loop: use runCoroutineThreadsafe(...)`),
      );
    }
    const wait = new Wait<T>(scope, this);
    this.listen(wait as Wait<unknown>);
    return wait.begin();
  }

  /** @internal */
  get kind(): string {
    return "future";
  }

  private outsiderPromise(): Promise<T> {
    return new Promise((resolve, reject) => {
      this.observe(
        new Watcher(() => {
          if (this.state === RESOLVED) resolve(this.outcome as T);
          else reject(this.failure("result"));
        }, null),
      );
    });
  }

  /** @internal */
  take(wait: Wait<T>): T | typeof FAILED {
    if (this.state === RESOLVED) return this.outcome as T; // set by setResult
    wait.value = this.failure("result");
    return FAILED;
  }

  /** @internal */
  withdraw(wait: Wait<T>): CancelledError | undefined {
    if (this.state === CANCELLED) return this.takeCancelledError();
    if (this.state === REJECTED) {
      this.markRetrieved();
      return this.outcome instanceof CancelledError ? this.outcome : undefined;
    }
    this.unlisten(wait as Wait<unknown>);
    return undefined;
  }

  /** @internal */
  divert(wait: Wait<T>, cause: Cancellation, first: boolean): boolean {
    // A later wait in a scope that was cancelled before is refused for itself: others still want this future.
    if (!first && !this.owned) return false;
    if (postpone(wait as Wait<unknown>, cause) || this.cancelWith(cause)) return true;
    if (closedCircle()) return false;
    wait.interruptLater(cause);
    return true;
  }

  /** @internal Is this something that runs, and is waited for until it has ended? */
  protected get owned(): boolean {
    return false;
  }

  /** @internal */
  blockers(): Iterable<object> {
    return [this];
  }

  // -- for brio itself ---------------------------------------------------------------------------------

  /** @internal */
  observe(observer: Observer): void {
    this.listen(observer);
  }

  /** @internal */
  unobserve(observer: Observer): void {
    this.unlisten(observer);
  }

  /** @internal */
  observedBy(observer: Observer): boolean {
    return hasListener(this.listeners, observer);
  }

  /** @internal Whoever looks at the outcome by other means has seen the error. */
  markRetrieved(): void {
    if (this.retrieved) return;
    this.retrieved = true;
    if (this.state === REJECTED) forgetFailure(this as Future<unknown>);
  }

  /** @internal The error, without marking; undefined unless rejected. */
  get rejection(): unknown {
    return this.state === REJECTED ? this.outcome : undefined;
  }

  /** @internal */
  get rejected(): boolean {
    return this.state === REJECTED;
  }

  /** @internal Did it fail, and has nobody looked at the error yet? */
  get unseen(): boolean {
    return this.state === REJECTED && !this.retrieved;
  }

  /** @internal Who waits for this: tasks, and futures made of several. */
  awaiters(): object[] {
    const found: object[] = [];
    for (const listener of eachListener(this.listeners)) {
      if (listener instanceof Wait) found.push(listener.scope.owner);
      else if (listener instanceof Observer && listener.awaiter !== null) found.push(listener.awaiter);
    }
    return found;
  }

  /**
   * @internal The error for a reader of a cancelled future. A task's own error, with its message, goes to the
   * first reader; a bare future's message goes to all.
   */
  takeCancelledError(): CancelledError {
    const { outcome } = this;
    if (outcome instanceof CancelledError) {
      this.outcome = UNKNOWN;
      return outcome;
    }
    return cancelledError(outcome as Cancellation, this.loop.debug); // the only other kind
  }

  /** @internal The reason that the future itself was cancelled with; a task's is in the error it ended with. */
  get cancelReason(): unknown {
    if (this.state !== CANCELLED || this.outcome instanceof CancelledError) return undefined;
    return (this.outcome as Cancellation).reason; // the only other kind
  }

  /** @internal */
  protected settleCancelled(error: CancelledError | Cancellation): void {
    this.settle(CANCELLED, error);
  }

  private assertPending(what: string): void {
    if (this.state !== PENDING) throw new InvalidStateError(`${what}: ${this} is done already`);
  }

  private settle(state: number, outcome: unknown): void {
    this.state = state;
    this.outcome = outcome;
    const { listeners } = this;
    if (listeners === null) return;
    this.listeners = null;
    if (Array.isArray(listeners) || listeners instanceof Set)
      for (const listener of listeners) this.notify(listener);
    else this.notify(listeners);
  }

  private notify(listener: Listener): void {
    if (listener instanceof Wait) listener.grant();
    else if (listener instanceof Callback) this.loop.push(listener);
    else this.loop.push(new Notice(this as Future<unknown>, listener));
  }

  private listen(listener: Listener): void {
    if (this.state !== PENDING) this.notify(listener);
    else this.listeners = withListener(this.listeners, listener);
  }

  private unlisten(listener: Listener): void {
    this.listeners = withoutListener(this.listeners, listener);
  }

  toString(): string {
    return `<Future ${this.describeState()}>`;
  }

  /** @internal */
  protected describeState(): string {
    if (this.state === PENDING) return "pending";
    if (this.state === CANCELLED) return "cancelled";
    return this.state === RESOLVED ? "finished" : `failed: ${String(this.outcome)}`;
  }
}

const UNKNOWN: Cancellation = { reason: undefined, by: undefined };

/**
 * Is this a Future (or Task)?
 *
 * @example
 * ```ts
 * import { createTask, isFuture, run } from "brio";
 *
 * await run(async () => {
 *   const task = createTask(async () => 42);
 *   console.log(isFuture(task), isFuture(Promise.resolve(42))); // true false
 *   await task;
 * });
 * ```
 */
export function isFuture(value: unknown): value is Future<unknown> {
  return value instanceof Future;
}
