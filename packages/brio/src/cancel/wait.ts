import { setImmediate } from "node:timers";
import { closedError } from "../loop/errors.ts";
import { noteOrigin } from "../loop/origins.ts";
import type { TimerEntry } from "../loop/timers.ts";
import { type Cancellation, CancelledError, cancelledError } from "./errors.ts";
import { ENDED, type Scope } from "./scope.ts";
import { reportRefusal } from "./watchdog.ts";

/*
 * A wait's states
 *
 *   pending ── grant ──────────────> granted ── its turn: source.take ──> settled (or pending again: AGAIN)
 *      │                                │ interrupt: `cause` is set
 *      │                                └── its turn: source.withdraw(granted) ──> settled, rejected
 *      ├── interrupt ──────────────> struck ── its turn: source.withdraw ──> settled, rejected
 *      └── due (its timer) ────────> due ── its turn ──> granted
 *                                     └── interrupt ──> struck, and the timer's turn is skipped
 *
 * Granted XOR cancelled is decided once, in `run`, when the wait's turn in the ready queue has come: a wait
 * that was granted and then interrupted gives back what it was granted, and its promise rejects.
 *
 * A persistent wait is never rejected by a cancellation: it gives back, notes it in `interrupted`, and lines
 * up again. (Re-acquiring a condition's lock and joining a group are such waits.)
 */
const PENDING = 0;
/** Pending, with an entry in the timer heap. */
const TIMED = 1;
const GRANTED = 2;
const STRUCK = 3;
const DUE = 4;
/** Struck while its timer was about to have its turn, which is skipped. */
const STRUCK_DUE = 5;
const SETTLED = 6;

/**
 * What came of interrupting a wait: it was pending (or passed the cancellation down); it was on its way, and will be
 * rejected at its turn; or it has what it waited for and keeps it.
 */
export type Interruption = "accepted" | "late" | "missed";

/** How many waits in a loop that has ended may keep the process alive until they are refused. */
const PATIENCE = 1000;

/** Returned by `take`: there is nothing to take after all, and the source has put the wait in line again. */
export const AGAIN: unique symbol = Symbol("again");

/** Returned by `take`: the wait fails, with the error in `wait.value`. (Throwing it would cost more.) */
export const FAILED: unique symbol = Symbol("failed");

/** What is waited for. */
export interface WaitSource<T> {
  /** @internal What is done, for people: `queue.get`, `sleep`. */
  readonly kind: string;
  /** @internal Shown to people: `lock "db"`, `queue (3 of 100)`. */
  toString(): string;
  /** @internal The wait's turn has come, and it is granted: takes what it was granted. What it throws rejects the wait. */
  take(wait: Wait<T>): T | typeof AGAIN | typeof FAILED;
  /**
   * @internal The wait's turn has come, and it is cancelled: gives back what it was granted, if it was. May return the
   * error to reject with, instead of the cancellation.
   */
  withdraw(wait: Wait<T>, granted: boolean): CancelledError | undefined;
  /**
   * @internal A pending wait is to be interrupted. True if the source sees to it: it passed the cancellation down.
   *
   * @param first false if the scope was cancelled before, and this is the refusal of a later wait
   */
  divert?(wait: Wait<T>, cause: Cancellation, first: boolean): boolean;
  /** @internal What was granted exists nowhere else, and can't be given back: a cancellation that comes after it misses the wait. */
  readonly final?: true;
  /** @internal The tasks and futures without which the wait won't end, as far as that is known: for deadlock reports. */
  blockers?(): Iterable<object>;
  /**
   * @internal May something end it that comes from outside the program: a peer, a child process, a thread of Node's? Then it
   * is no deadlock. Asked only when everything stands still.
   */
  readonly outside?: boolean;
  /** @internal A persistent wait was interrupted: puts it in line again, or grants it. */
  again?(wait: Wait<T>): void;
}

/** A source that gives the value the wait was granted with. */
export class PlainSource<T> implements WaitSource<T> {
  readonly kind: string;
  private readonly name: string;

  constructor(name: string, kind: string) {
    this.name = name;
    this.kind = kind;
  }

  take(wait: Wait<T>): T | typeof AGAIN {
    return wait.value as T; // granted with a value
  }

  withdraw(): undefined {}

  toString(): string {
    return this.name;
  }
}

function ignore(): void {}

let resolver: (value: never) => void = ignore;
let rejecter: (error: unknown) => void = ignore;
const executor = (resolve: (value: never) => void, reject: (error: unknown) => void): void => {
  resolver = resolve;
  rejecter = reject;
};

/** One suspension: a native promise, what it waits for, and the scope it hangs in. */
export class Wait<T> implements TimerEntry {
  readonly scope: Scope;
  readonly source: WaitSource<T>;
  /** The loop time at which it began, in whole milliseconds. */
  readonly since: number;
  readonly promise: Promise<T>;
  /** What it will give, where that is known before; or what it brings, such as the item that is to be put. */
  value: unknown = undefined;
  /** Its neighbours in the line where it stands: a wait is its own list node. */
  next: Wait<T> | null = null;
  previous: Wait<T> | null = null;
  nextInScope: Wait<unknown> | null = null;
  previousInScope: Wait<unknown> | null = null;
  private state: number = PENDING;
  private cause: Cancellation | null = null;
  // Typed by what it takes least, so that a wait for something can stand for a wait for anything.
  private readonly resolve: (value: never) => void;
  private readonly reject: (error: unknown) => void;

  constructor(scope: Scope, source: WaitSource<T>) {
    this.scope = scope;
    this.source = source;
    this.since = Math.floor(scope.loop.recently);
    if (scope.loop.debug) noteOrigin(this);
    this.promise = new Promise<T>(executor as never); // one executor for all: it stores both settlers
    this.resolve = resolver;
    this.reject = rejecter;
    // Or the last wait's promise, and what it is settled with, would be kept.
    resolver = ignore;
    rejecter = ignore;
  }

  /** Is it never rejected by a cancellation? */
  get persistent(): boolean {
    return false;
  }

  /** A cancellation has reached a persistent wait, which is pending again. */
  protected persist(_cause: Cancellation): void {}

  /** What is done, for people: `queue.get`, `sleep`. */
  get kind(): string {
    return this.source.kind;
  }

  /** The wait is lined up with its source: hang it in its scope, and give the baton away. */
  begin(): Promise<T> {
    const { scope } = this;
    if (scope.loop.isClosed()) return this.refuseLate();
    scope.link(this as Wait<unknown>);
    const news = scope.deliver();
    if (news !== null) {
      this.interrupt(news);
    } else if (!this.persistent) {
      const refusal = scope.refusal();
      if (refusal !== null) {
        if (scope.loop.debug) reportRefusal(this as Wait<unknown>, refusal);
        this.interrupt(refusal, false);
      }
    }
    scope.loop.park(scope.owner);
    return this.promise;
  }

  /**
   * The loop has ended. A task that it left behind is told to end as well, so that its clean-up runs; code that belongs to
   * no living task is told that it can't wait here any more. Not at once, and not for ever for the sake of it alone: a
   * branch that catches everything must keep the process neither busy nor alive.
   */
  private refuseLate(): Promise<T> {
    const { loop, owner } = this.scope;
    this.state = STRUCK;
    const immediate = setImmediate(() => {
      this.source.withdraw(this, false);
      this.state = SETTLED;
      this.fail(owner.done() ? closedError() : cancelledError(this.scope.inForce() ?? ENDED, loop.debug));
    });
    if (++loop.lateWaits > PATIENCE) immediate.unref();
    return this.promise;
  }

  /** Waits for the turn without anything to wait for: the entry goes straight into the ready queue. */
  beginGranted(value: T): Promise<T> {
    this.value = value;
    this.grant();
    return this.begin();
  }

  get pending(): boolean {
    return this.state <= TIMED;
  }

  /** Cancelled, and not resumed yet. */
  get struck(): boolean {
    return this.state === STRUCK || this.state === STRUCK_DUE;
  }

  /** Gives the wait what it waits for. False if it is no longer pending. */
  grant(): boolean {
    if (this.state > TIMED) return false;
    this.state = GRANTED;
    this.scope.loop.push(this);
    return true;
  }

  /** Cancels the wait, if it can still be cancelled, and says what came of it. */
  interrupt(cause: Cancellation, first = true): Interruption {
    switch (this.state) {
      case PENDING:
        if (this.source.divert?.(this, cause, first)) return this.cause === null ? "accepted" : "late";
        return this.strike(cause, STRUCK);
      case TIMED:
        this.scope.loop.timerDied();
        return this.strike(cause, STRUCK);
      case GRANTED:
        if (this.source.final) return "missed";
        this.cause = cause;
        return "late";
      case DUE:
        return this.strike(cause, STRUCK_DUE);
      default:
        return "late"; // struck: the first cause stands
    }
  }

  private strike(cause: Cancellation, state: number): Interruption {
    this.cause = cause;
    this.state = state;
    this.scope.loop.push(this);
    return "accepted";
  }

  /** The source could not be cancelled, but will settle the wait: reject it then. */
  interruptLater(cause: Cancellation): void {
    this.cause = cause;
  }

  // -- as a timer ----------------------------------------------------------------------------------------

  /** Grants the wait when the loop's time reaches `when`; for waits that nothing else grants. */
  grantAt(when: number): void {
    this.state = TIMED;
    this.scope.loop.addTimer(when, this);
  }

  get dead(): boolean {
    return this.state !== TIMED;
  }

  due(): void {
    this.state = DUE;
  }

  // -- its turn ------------------------------------------------------------------------------------------

  run(): void {
    if (this.state >= DUE) {
      // Its timer's turn: its own comes behind what is ready now. If it was struck meanwhile, that is in line already.
      const due = this.state === DUE;
      this.state = due ? GRANTED : STRUCK;
      if (due) this.scope.loop.push(this);
      return;
    }
    if (this.cause !== null) {
      this.cancelled(this.cause);
      return;
    }
    let value: T | typeof AGAIN | typeof FAILED;
    try {
      value = this.source.take(this);
    } catch (error) {
      this.resume();
      this.reject(error);
      return;
    }
    if (value === AGAIN) {
      this.state = PENDING;
      return;
    }
    this.resume();
    if (value === FAILED) this.fail(this.value);
    else this.resolve(value as never);
  }

  private fail(error: unknown): void {
    this.reject(error);
    // A wait that nobody awaits is no error when it is cancelled.
    if (error instanceof CancelledError) this.promise.then(undefined, ignore);
  }

  private cancelled(cause: Cancellation): void {
    const error = this.source.withdraw(this, this.state === GRANTED);
    if (this.persistent) {
      this.cause = null;
      this.state = PENDING;
      this.persist(cause);
      return;
    }
    this.resume();
    this.fail(error ?? cancelledError(cause, this.scope.loop.debug));
  }

  /** A persistent wait that was put in line again finds what it waits for free: no turn is needed. */
  fulfil(value: T): void {
    this.resume();
    this.resolve(value as never);
  }

  private resume(): void {
    this.state = SETTLED;
    this.scope.unlink(this as Wait<unknown>);
    this.scope.loop.take(this.scope.owner);
  }
}

/** A wait that gives back what it was granted when it is cancelled, and lines up again. */
export class PersistentWait<T> extends Wait<T> {
  /** The last cancellation that has reached it. */
  interrupted: Cancellation | null = null;

  override get persistent(): boolean {
    return true;
  }

  protected override persist(cause: Cancellation): void {
    this.interrupted = cause;
    this.source.again?.(this);
  }
}
