import { ParkingLot } from "../cancel/parking-lot.ts";
import type { Scope } from "../cancel/scope.ts";
import { Wait, type WaitSource } from "../cancel/wait.ts";

/** Those who wait for something that becomes of a connection or socket: it tells all of them. */
export class Line implements WaitSource<void> {
  readonly kind: string;
  readonly outside = true;
  private readonly lot = new ParkingLot<void>();
  private readonly of: object;

  /** @param of what they wait for something of, for people */
  constructor(kind: string, of: object) {
    this.kind = kind;
    this.of = of;
  }

  /** @param come has it come to that already? Then the wait is granted at once. */
  wait(scope: Scope, come = false): Promise<void> {
    const wait = new Wait<void>(scope, this);
    this.lot.add(wait);
    if (come) wait.grant();
    return wait.begin();
  }

  grantAll(): void {
    this.lot.grantAll();
  }

  take(wait: Wait<void>): undefined {
    this.lot.remove(wait);
  }

  withdraw(wait: Wait<void>): undefined {
    this.lot.remove(wait);
  }

  toString(): string {
    return String(this.of);
  }
}
