import { type Cancellation, cancelledError } from "../cancel/errors.ts";
import { requireScope, type Scope } from "../cancel/scope.ts";
import { PlainSource, Wait, type WaitSource } from "../cancel/wait.ts";

/*
 * Node does what concerns files in threads of a pool, and what has begun there can't be interrupted. So a cancelled
 * operation is waited for: the work behind it is told to stop, ends at its next step, gives back what it has, and only then
 * does the wait throw. Nothing is under way any more when a task goes on, so a handle can be closed and a file removed
 * without anybody else still using it.
 *
 *   under way ── done ───────────────────────────────────────> its result (a cancellation that comes now hits the next wait)
 *       └─ cancelled: stop.asked ─┬─ the work stops, or succeeds ── undo ──> CancelledError
 *                                 ├─ the work succeeds, and is `kept` ─────> its result; the next wait is cancelled
 *                                 └─ the work fails ───────────────────────> its error; the next wait is cancelled
 *
 * When the loop has ended meanwhile, nobody is left to be told: then the result is given back as well.
 */

/** What the work of an operation is told about it. */
export interface Stop {
  /** Was the operation cancelled? */
  readonly asked: boolean;
  /** Ends the work here if the operation was cancelled. */
  check(): void;
}

/** For work that goes to its end. */
export const UNSTOPPABLE: Stop = { asked: false, check: () => {} };

/** What becomes of the result of an operation that was cancelled while it was under way. */
export interface Aftermath<T> {
  /** Gives it back. */
  readonly undo?: (value: T) => Promise<unknown>;
  /** It can't be given back: it is returned. */
  readonly kept?: boolean;
}

/** Thrown by `stop.check()`. */
const STOPPED: unique symbol = Symbol("stopped");

const NOT_BEGUN = new PlainSource<never>("a file operation", "file");

class Operation<T> implements WaitSource<T>, Stop {
  readonly kind: string;
  /** What has been done is done: a cancellation that comes later is for the next wait. */
  readonly final = true;
  private readonly path: string;
  private readonly aftermath: Aftermath<T>;
  private readonly wait: Wait<T>;
  private cause: Cancellation | null = null;
  private abandoned = false;
  private outcome: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown };

  constructor(scope: Scope, name: string, path: string, aftermath: Aftermath<T>) {
    this.kind = name;
    this.path = path;
    this.aftermath = aftermath;
    this.outcome = { ok: false, error: STOPPED };
    this.wait = new Wait<T>(scope, this);
  }

  /** A thread of Node's ends it. */
  get outside(): boolean {
    return true;
  }

  begin(work: (stop: Stop) => Promise<T>): Promise<T> {
    void this.run(work);
    return this.wait.begin();
  }

  private async run(work: (stop: Stop) => Promise<T>): Promise<void> {
    try {
      const value = await work(this);
      if (!this.asked || (this.aftermath.kept === true && this.cause !== null))
        this.outcome = { ok: true, value };
      else await this.aftermath.undo?.(value);
    } catch (error) {
      this.outcome = { ok: false, error };
    }
    this.wait.grant();
  }

  get asked(): boolean {
    return this.cause !== null || this.abandoned || this.wait.scope.loop.isClosed();
  }

  check(): void {
    if (this.asked) throw STOPPED;
  }

  divert(_wait: Wait<T>, cause: Cancellation): boolean {
    this.cause ??= cause;
    return true;
  }

  take(): T {
    const { outcome, cause } = this;
    if (outcome.ok) {
      this.redeliver();
      return outcome.value;
    }
    if (outcome.error === STOPPED && cause !== null) throw cancelledError(cause, this.wait.scope.loop.debug);
    this.redeliver();
    throw outcome.error;
  }

  /** The cancellation had no effect here: it hits the next wait. */
  private redeliver(): void {
    const { cause } = this;
    if (cause === null) return;
    for (let scope: Scope | null = this.wait.scope; scope !== null; scope = scope.parent) {
      if (scope.requests === 0 || scope.cause !== cause) continue;
      scope.undelivered = true;
      return;
    }
  }

  /** The loop has ended before the wait began. */
  withdraw(): undefined {
    this.abandoned = true;
  }

  toString(): string {
    return `"${this.path}"${this.cause === null ? "" : " (told to stop)"}`;
  }
}

/**
 * Does something with files, as one wait. `name` and `path` are for people: who looks at what the task waits for.
 *
 * @throws what the work throws; RuntimeError outside a task.
 */
export async function perform<T>(
  name: string,
  path: string,
  work: (stop: Stop) => Promise<T>,
  aftermath: Aftermath<T> = {},
): Promise<T> {
  const scope = requireScope(`${name}()`);
  // In a scope that is cancelled already, the work is not even begun.
  if (scope.blocked) await new Wait<never>(scope, NOT_BEGUN).begin();
  return await new Operation(scope, name, path, aftermath).begin(work);
}
