import { Semaphore } from "brio";

/**
 * A number of permits, first come, first served. Unlike a semaphore's, one that is free is had at once, without a promise: that is
 * what nearly every request finds.
 *
 * Each permit is with somebody who took it, or counted in `free`, or in `line`, which hands it to who waits.
 */
export class Permits {
  private readonly all: number;
  private free: number;
  private readonly line = new Semaphore(0);
  private waiting = 0;

  constructor(all: number) {
    this.all = all;
    this.free = all;
  }

  /** Takes one, if there is one; whoever waits comes first. */
  tryTake(): boolean {
    if (this.free === 0) return false;
    this.free--;
    return true;
  }

  /**
   * Takes one; waits while there is none.
   *
   * *Cancel safety*: cancelled, it has taken none.
   */
  async take(): Promise<void> {
    if (this.tryTake()) return;
    this.waiting++;
    try {
      await this.line.acquire();
    } finally {
      this.waiting--;
    }
  }

  /** Gives one back: to the first in line, if there is one. */
  release(): void {
    if (this.waiting > 0) this.line.release();
    else this.free++;
  }

  /** Has nobody one, and does nobody want one? */
  get idle(): boolean {
    return this.waiting === 0 && this.free + this.line.statistics().value === this.all;
  }
}
