import { inspect } from "node:util";
import { type Cancellation, cancelledError } from "../cancel/errors.ts";
import { ParkingLot } from "../cancel/parking-lot.ts";
import { requireScope, type Scope } from "../cancel/scope.ts";
import { PersistentWait, Wait, type WaitSource } from "../cancel/wait.ts";
import { RuntimeError } from "../loop/errors.ts";
import { Binding } from "./binding.ts";
import { holding } from "./holding.ts";
import { Lock } from "./lock.ts";

/** The state of a {@link Condition}. */
export interface ConditionStatistics {
  readonly locked: boolean;
  /** How many wait to be notified. */
  readonly waiting: number;
  /** How many wait for the lock. */
  readonly waitingForLock: number;
}

/**
 * A lock, and a line of tasks that wait for something to become true under it.
 *
 * @example
 * ```ts
 * import { Condition, createTask, run } from "brio";
 *
 * await run(async () => {
 *   const changed = new Condition();
 *   let stock = 0;
 *   const buyer = createTask(() => changed.with(() => changed.waitFor(() => stock > 0)));
 *   await changed.with(() => {
 *     stock = 1;
 *     changed.notifyAll();
 *   });
 *   console.log(await buyer); // true
 * });
 * ```
 */
export class Condition implements WaitSource<true>, Disposable, AsyncDisposable {
  /** @internal */ readonly kind = "condition.wait";
  private readonly lock: Lock;
  private readonly lot = new ParkingLot<true>();
  private readonly binding = new Binding();

  /** @param lock shared with other conditions; default: a lock of its own */
  constructor(lock: Lock = new Lock()) {
    if (!(lock instanceof Lock)) {
      throw new TypeError(
        `new Condition(lock) takes a Lock, or nothing: new Condition(new Lock()); got ${inspect(lock)}`,
      );
    }
    this.lock = lock;
  }

  /**
   * Takes the lock; waits until it is free.
   *
   * *Cancel safety*: a cancelled `acquire` does not hold the lock.
   */
  async acquire(): Promise<this> {
    requireScope("condition.acquire()");
    await this.lock.acquire();
    return this;
  }

  /** Releases the lock. @throws RuntimeError if it is not locked. */
  release(): void {
    if (!this.lock.locked()) throw notHeld("release");
    this.lock.release();
  }

  /** Is the lock taken? */
  locked(): boolean {
    return this.lock.locked();
  }

  /**
   * Runs `fn` while holding the lock; gives it back whatever happens.
   *
   * *Cancel safety*: cancelled while it waits, it has nothing, and `fn` is not called; cancelled later, it gives back what
   * it holds when `fn` has ended.
   */
  with<T>(fn: () => PromiseLike<T> | T): Promise<T> {
    return holding(this, fn, "condition.with()");
  }

  /**
   * Releases the lock, waits to be notified, and takes the lock again before it returns or throws.
   *
   * *Cancel safety*: when it throws `CancelledError` the lock is held, as in asyncio: a cancelled wait therefore ends
   * only when the lock can be had. A notification it may have received goes to another.
   *
   * @throws RuntimeError if the lock is not locked.
   */
  async wait(): Promise<true> {
    const scope = requireScope("condition.wait()");
    if (!this.lock.locked()) throw notHeld("wait");
    const elsewhere = this.binding.claim(scope.loop, this);
    if (elsewhere !== null) throw elsewhere;
    const wait = new Wait<true>(scope, this);
    this.lock.release();
    this.lot.add(wait);
    try {
      try {
        return await wait.begin();
      } finally {
        this.lot.remove(wait);
        const interrupted = await this.reacquire(scope);
        // biome-ignore lint/correctness/noUnsafeFinally: the last cancellation replaces what was under way
        if (interrupted !== null) throw cancelledError(interrupted, scope.loop.debug);
      }
    } catch (error) {
      // It may have eaten a notification.
      this.wake(1);
      throw error;
    }
  }

  /** Takes the lock, whatever cancellations come in meanwhile; returns the last of them. */
  private async reacquire(scope: Scope): Promise<Cancellation | null> {
    if (this.lock.free) {
      await this.lock.acquire();
      return null;
    }
    const elsewhere = this.lock.claim(scope);
    if (elsewhere !== null) throw elsewhere;
    const wait = new PersistentWait<Lock>(scope, this.lock);
    await this.lock.line(wait);
    return wait.interrupted;
  }

  /**
   * Waits until `predicate()` is true, looking at it each time it is notified. Resolves with its value.
   *
   * *Cancel safety*: as {@link wait}.
   */
  async waitFor<T>(predicate: () => T): Promise<T> {
    if (typeof predicate !== "function") {
      throw new TypeError("condition.waitFor() takes a predicate: condition.waitFor(() => queue.length > 0)");
    }
    let result = predicate();
    while (!result) {
      await this.wait();
      result = predicate();
    }
    return result;
  }

  /** Wakes the first `n` (default 1) that wait and are not on their way already. @throws RuntimeError if the lock is not locked. */
  notify(n = 1): void {
    if (!Number.isInteger(n) || n < 0) {
      throw new RangeError(
        `condition.notify(n): n must be an integer >= 0, such as condition.notify(2); got ${inspect(n)}`,
      );
    }
    if (!this.lock.locked()) throw notHeld("notify");
    this.wake(n);
  }

  /** Wakes all. @throws RuntimeError if the lock is not locked. */
  notifyAll(): void {
    if (!this.lock.locked()) throw notHeld("notifyAll");
    this.wake(this.lot.length);
  }

  private wake(n: number): void {
    for (let left = n; left > 0 && this.lot.grantNext(); left--);
  }

  /** Its state. */
  statistics(): ConditionStatistics {
    const { locked, waiting } = this.lock.statistics();
    return { locked, waiting: this.lot.length, waitingForLock: waiting };
  }

  [Symbol.dispose](): void {
    this.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release();
  }

  toString(): string {
    return `<Condition ${this.lock.locked() ? "locked" : "unlocked"}, ${this.lot.length} waiting>`;
  }

  /** @internal */
  take(): true {
    return true;
  }

  /** @internal */
  withdraw(): undefined {}
}

function notHeld(method: string): RuntimeError {
  return new RuntimeError(
    `condition.${method}(): acquire the condition first, as in condition.with(() => condition.${method}())`,
  );
}
