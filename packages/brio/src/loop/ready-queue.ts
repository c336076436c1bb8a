/**
 * Something that is to run at its turn. It may run while a task that has just parked is still on the stack, so it runs
 * no user's code itself: that goes into a microtask, with the baton.
 */
export interface ReadyEntry {
  /** @internal */
  run(): void;
}

const INITIAL = 64;

/** A FIFO ring of entries that grows by doubling. */
export class ReadyQueue {
  private ring: (ReadyEntry | undefined)[] = new Array(INITIAL).fill(undefined);
  private mask = INITIAL - 1;
  private head = 0;
  length = 0;

  push(entry: ReadyEntry): void {
    if (this.length > this.mask) this.grow();
    this.ring[(this.head + this.length) & this.mask] = entry;
    this.length++;
  }

  /** The caller has checked that `length > 0`. */
  shift(): ReadyEntry {
    const entry = this.ring[this.head] as ReadyEntry;
    this.ring[this.head] = undefined;
    this.head = (this.head + 1) & this.mask;
    this.length--;
    return entry;
  }

  clear(): void {
    this.ring = new Array(INITIAL).fill(undefined);
    this.mask = INITIAL - 1;
    this.head = 0;
    this.length = 0;
  }

  private grow(): void {
    const old = this.ring;
    const size = old.length;
    const ring: (ReadyEntry | undefined)[] = new Array(size * 2).fill(undefined);
    for (let i = 0; i < size; i++) ring[i] = old[(this.head + i) & this.mask];
    this.ring = ring;
    this.mask = size * 2 - 1;
    this.head = 0;
  }
}
