import type { Wait } from "./wait.ts";

/**
 * The line in which waits stand, first come first served: every primitive is built on one.
 *
 * A wait stays in the lot until its turn has come, even when it has been granted or cancelled meanwhile, so
 * that a primitive sees who was there first; `source.take` and `source.withdraw` remove it. Adding and removing
 * are O(1): the wait is its own list node. So is granting, over time: no wait before `cursor` is pending, and a
 * wait that has stopped pending becomes so again only at the back of the line.
 */
export class ParkingLot<T> {
  first: Wait<T> | null = null;
  private last: Wait<T> | null = null;
  private cursor: Wait<T> | null = null;
  private count = 0;

  get length(): number {
    return this.count;
  }

  add(wait: Wait<T>): void {
    wait.previous = this.last;
    wait.next = null;
    if (this.last === null) this.first = wait;
    else this.last.next = wait;
    this.last = wait;
    this.cursor ??= wait;
    this.count++;
  }

  remove(wait: Wait<T>): void {
    if (this.cursor === wait) this.cursor = wait.next;
    if (wait.previous === null) this.first = wait.next;
    else wait.previous.next = wait.next;
    if (wait.next === null) this.last = wait.previous;
    else wait.next.previous = wait.previous;
    wait.next = null;
    wait.previous = null;
    this.count--;
  }

  /** Is anybody in line who has not been cancelled? */
  get alive(): boolean {
    for (let wait = this.first; wait !== null; wait = wait.next) if (!wait.struck) return true;
    return false;
  }

  /** Grants the first that is still pending. False if there is none. */
  grantNext(): boolean {
    while (this.cursor !== null) {
      const wait = this.cursor;
      this.cursor = wait.next;
      if (wait.grant()) return true;
    }
    return false;
  }

  grantAll(): void {
    while (this.grantNext());
  }
}
