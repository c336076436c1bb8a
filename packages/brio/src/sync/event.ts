import { immediate } from "../cancel/immediate.ts";
import { ParkingLot } from "../cancel/parking-lot.ts";
import { ambientScope, outsideTask } from "../cancel/scope.ts";
import { Wait, type WaitSource } from "../cancel/wait.ts";
import { Binding } from "./binding.ts";

/** The state of an {@link Event}. */
export interface EventStatistics {
  readonly set: boolean;
  readonly waiting: number;
}

/**
 * A flag that tasks can wait for. Not to be confused with the platform's DOM-style `Event`.
 *
 * @example
 * ```ts
 * import { createTask, Event, run } from "brio";
 *
 * await run(async () => {
 *   const ready = new Event();
 *   const waiter = createTask(() => ready.wait());
 *   ready.set();
 *   console.log(await waiter); // true
 * });
 * ```
 */
export class Event implements WaitSource<true> {
  /** @internal */ readonly kind = "event.wait";
  private readonly lot = new ParkingLot<true>();
  private readonly binding = new Binding();
  private flag = false;

  /** Is the flag set? */
  isSet(): boolean {
    return this.flag;
  }

  /** Sets the flag and wakes everybody who waits, in the order in which they came, even if it is cleared at once. */
  set(): void {
    if (this.flag) return;
    this.flag = true;
    this.lot.grantAll();
  }

  /** Takes the flag down: who waits from now on, waits. */
  clear(): void {
    this.flag = false;
  }

  /**
   * Waits until the flag is set; at once if it is. Resolves with true.
   *
   * *Cancel safety*: nothing is lost.
   */
  wait(): Promise<true> {
    const scope = ambientScope();
    if (scope === undefined) return outsideTask("event.wait()");
    if (this.flag) return immediate(scope, true);
    const elsewhere = this.binding.claim(scope.loop, this);
    if (elsewhere !== null) return Promise.reject(elsewhere);
    const wait = new Wait<true>(scope, this);
    this.lot.add(wait);
    return wait.begin();
  }

  /** Its state. */
  statistics(): EventStatistics {
    return { set: this.flag, waiting: this.lot.length };
  }

  toString(): string {
    return `<Event ${this.flag ? "set" : "unset"}, ${this.lot.length} waiting>`;
  }

  /** @internal */
  take(wait: Wait<true>): true {
    this.lot.remove(wait);
    return true;
  }

  /** @internal */
  withdraw(wait: Wait<true>): undefined {
    this.lot.remove(wait);
  }
}
