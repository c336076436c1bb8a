import { inspect } from "node:util";
import { immediate } from "../cancel/immediate.ts";
import { ParkingLot } from "../cancel/parking-lot.ts";
import { ambientScope, outsideTask } from "../cancel/scope.ts";
import { Wait, type WaitSource } from "../cancel/wait.ts";
import { Binding } from "./binding.ts";
import { holding } from "./holding.ts";

/** The state of a {@link Semaphore}. */
export interface SemaphoreStatistics {
  /** Permits that can be had at once. */
  readonly value: number;
  readonly waiting: number;
}

/**
 * A number of permits: `acquire` takes one, and waits while there is none.
 *
 * First come, first served, and handed over: `release` gives the permit to the first in line at once, so no newcomer
 * can take it away. A permit whose receiver was cancelled goes to the next.
 *
 * @example
 * ```ts
 * import { run, Semaphore, sleep, taskGroup } from "brio";
 *
 * await run(async () => {
 *   const slots = new Semaphore(2);
 *   await taskGroup((group) => {
 *     for (let i = 0; i < 4; i++) group.createTask(() => slots.with(() => sleep("5ms"))); // two at a time
 *   });
 * });
 * ```
 */
export class Semaphore implements WaitSource<Semaphore>, Disposable, AsyncDisposable {
  /** @internal */ readonly kind = "semaphore.acquire";
  private readonly lot = new ParkingLot<Semaphore>();
  private readonly binding = new Binding();
  /** Permits that nobody has, and that are promised to nobody. */
  protected value: number;

  /** @param value the number of permits, an integer >= 0; default 1 */
  constructor(value = 1) {
    if (!Number.isInteger(value) || value < 0) {
      throw new RangeError(
        `a semaphore's value must be an integer >= 0, such as new Semaphore(8); got ${inspect(value)}`,
      );
    }
    this.value = value;
  }

  /** True if `acquire` would have to wait. */
  locked(): boolean {
    return this.value === 0 || this.lot.alive;
  }

  /**
   * Takes a permit; waits while there is none. Resolves with the semaphore, for `await using`.
   *
   * *Cancel safety*: a cancelled `acquire` has taken no permit.
   */
  acquire(): Promise<this> {
    const scope = ambientScope();
    if (scope === undefined) return outsideTask("semaphore.acquire()");
    if (!this.locked()) {
      this.value--;
      return immediate(scope, this);
    }
    const elsewhere = this.binding.claim(scope.loop, this);
    if (elsewhere !== null) return Promise.reject(elsewhere);
    const wait = new Wait<Semaphore>(scope, this);
    this.lot.add(wait);
    return wait.begin() as Promise<this>; // take() gives this semaphore
  }

  /** Gives a permit back: to the first in line, if there is one. */
  release(): void {
    this.value++;
    this.wakeNext();
  }

  /**
   * Runs `fn` while holding a permit; gives it back whatever happens.
   *
   * *Cancel safety*: cancelled while it waits, it has nothing, and `fn` is not called; cancelled later, it gives back what
   * it holds when `fn` has ended.
   */
  with<T>(fn: () => PromiseLike<T> | T): Promise<T> {
    return holding(this, fn, "semaphore.with()");
  }

  /** Its state. */
  statistics(): SemaphoreStatistics {
    return { value: this.value, waiting: this.lot.length };
  }

  [Symbol.dispose](): void {
    this.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release();
  }

  toString(): string {
    return `<${this.constructor.name} value ${this.value}, ${this.lot.length} waiting>`;
  }

  private wakeNext(): boolean {
    if (!this.lot.grantNext()) return false;
    this.value--;
    return true;
  }

  private wakeWhileFree(): void {
    while (this.value > 0 && this.wakeNext());
  }

  /** @internal */
  take(wait: Wait<Semaphore>): Semaphore {
    this.lot.remove(wait);
    this.wakeWhileFree();
    return this;
  }

  /** @internal */
  withdraw(wait: Wait<Semaphore>, granted: boolean): undefined {
    this.lot.remove(wait);
    if (granted) this.value++;
    this.wakeWhileFree();
  }
}

/**
 * A {@link Semaphore} that never has more permits than it began with.
 *
 * @example
 * ```ts
 * import { BoundedSemaphore, run } from "brio";
 *
 * await run(async () => {
 *   const slots = new BoundedSemaphore(2);
 *   await slots.with(() => console.log(slots.statistics().value)); // 1
 *   try {
 *     slots.release(); // once too often
 *   } catch (error) {
 *     console.log(error instanceof RangeError); // true
 *   }
 * });
 * ```
 */
export class BoundedSemaphore extends Semaphore {
  private readonly bound: number;

  constructor(value = 1) {
    super(value);
    this.bound = value;
  }

  /** Gives a permit back. @throws RangeError if all permits are there already. */
  override release(): void {
    if (this.value >= this.bound) {
      throw new RangeError(
        `semaphore.release(): all ${this.bound} permits are there already; release once for each acquire`,
      );
    }
    super.release();
  }
}
