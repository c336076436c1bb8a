import { immediate } from "../cancel/immediate.ts";
import { ParkingLot } from "../cancel/parking-lot.ts";
import { ambientScope, outsideTask, type Scope, type ScopeOwner } from "../cancel/scope.ts";
import { Wait, type WaitSource } from "../cancel/wait.ts";
import { RuntimeError } from "../loop/errors.ts";
import { Binding } from "./binding.ts";
import { holding } from "./holding.ts";

/** The state of a {@link Lock}. */
export interface LockStatistics {
  readonly locked: boolean;
  /** The name of the task that acquired it, or null. */
  readonly holder: string | null;
  /** How many wait for it. */
  readonly waiting: number;
}

/**
 * A mutual exclusion lock. It is not reentrant, and has no owner: any task may release it.
 *
 * First come, first served: `release` unlocks and wakes the first in line; a newcomer queues behind whoever waits,
 * even in the moment in which the lock is free. A wake-up that its receiver can't use, because it was cancelled,
 * goes to the next.
 *
 * @example
 * ```ts
 * import { Lock, run, sleep } from "brio";
 *
 * const lock = new Lock();
 *
 * await run(async () => {
 *   await lock.with(() => sleep("5ms"));
 *   {
 *     await using _held = await lock.acquire(); // released at the end of the block
 *   }
 *   console.log(lock.locked()); // false
 * });
 * ```
 */
export class Lock implements WaitSource<Lock>, Disposable, AsyncDisposable {
  /** @internal */ readonly kind = "lock.acquire";
  private readonly lot = new ParkingLot<Lock>();
  private readonly binding = new Binding();
  private taken = false;
  /** @internal The task that acquired it last. */ holder: ScopeOwner | null = null;

  /**
   * Waits until the lock is free, and takes it. Resolves with the lock, for `await using`.
   *
   * *Cancel safety*: a cancelled `acquire` does not hold the lock.
   */
  acquire(): Promise<this> {
    const scope = ambientScope();
    if (scope === undefined) return outsideTask("lock.acquire()");
    if (this.free) {
      this.taken = true;
      this.holder = scope.owner;
      return immediate(scope, this);
    }
    const elsewhere = this.claim(scope);
    if (elsewhere !== null) return Promise.reject(elsewhere);
    return this.line(new Wait<Lock>(scope, this)) as Promise<this>; // take() gives this lock
  }

  /** @internal Null if it may be waited for in this scope's loop; else the error that says why not. */
  claim(scope: Scope): RuntimeError | null {
    return this.binding.claim(scope.loop, this);
  }

  /** @internal Lines up with a wait made for this lock, which the caller has claimed. */
  line(wait: Wait<Lock>): Promise<Lock> {
    this.lot.add(wait);
    return wait.begin();
  }

  /** @internal Unlocked, and nobody in line: a newcomer may have it at once. */
  get free(): boolean {
    return !this.taken && !this.lot.alive;
  }

  /** Unlocks, and wakes the first in line. @throws RuntimeError if the lock is not locked. */
  release(): void {
    if (!this.taken)
      throw new RuntimeError("lock.release(): the lock is not locked; release once for each acquire");
    this.taken = false;
    this.holder = null;
    this.lot.first?.grant();
  }

  /** Is it taken? */
  locked(): boolean {
    return this.taken;
  }

  /**
   * Runs `fn` while holding the lock; gives it back whatever happens.
   *
   * *Cancel safety*: cancelled while it waits, it has nothing, and `fn` is not called; cancelled later, it gives back what
   * it holds when `fn` has ended.
   */
  with<T>(fn: () => PromiseLike<T> | T): Promise<T> {
    return holding(this, fn, "lock.with()");
  }

  /** Its state. */
  statistics(): LockStatistics {
    return { locked: this.taken, holder: this.holder?.getName() ?? null, waiting: this.lot.length };
  }

  [Symbol.dispose](): void {
    this.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release();
  }

  toString(): string {
    const by = this.holder === null ? "" : ` by "${this.holder.getName()}"`;
    return `<Lock ${this.taken ? `locked${by}` : "unlocked"}, ${this.lot.length} waiting>`;
  }

  // -- as a source -----------------------------------------------------------------------------------------

  /** @internal */
  take(wait: Wait<Lock>): Lock {
    this.lot.remove(wait);
    this.taken = true;
    this.holder = wait.scope.owner;
    return this;
  }

  /** @internal */
  withdraw(wait: Wait<Lock>): undefined {
    this.lot.remove(wait);
    if (!this.taken) this.lot.first?.grant();
  }

  /** @internal */
  blockers(): Iterable<object> {
    return this.holder === null ? [] : [this.holder];
  }

  /** @internal */
  again(wait: Wait<Lock>): void {
    const { free } = this;
    this.lot.add(wait);
    if (free) wait.fulfil(this.take(wait));
  }
}
