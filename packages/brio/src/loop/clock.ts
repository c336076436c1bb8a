import { clearTimeout, setTimeout } from "node:timers";

/** The loop as a clock sees it. */
export interface ClockHost {
  /** @internal Nothing is ready, and all microtasks have run. */
  readonly idle: boolean;
  /** Look at the timers now. */
  wake(): void;
}

/**
 * Where a loop's time comes from. Times are milliseconds on a scale of the clock's own that never goes back.
 */
export interface Clock {
  now(): number;
  /**
   * The host has become idle, and its next timer is due at `deadline` (null: it has none). The clock calls
   * `host.wake()` when that moment has come; calling it too early is harmless. A later call replaces an earlier one.
   */
  arm(host: ClockHost, deadline: number | null): void;
  /** The host is closing: forget it. */
  disarm(host: ClockHost): void;
  /** True where time stands still while code runs: the loop then counts operations instead of reading it. */
  readonly virtual: boolean;
}

// setTimeout's own limit; a longer wait wakes up early and is armed again.
const LONGEST_TIMEOUT = 2 ** 31 - 1;

/** `performance.now()`, with a single Node timer for whatever the loop waits for next. */
export class SystemClock implements Clock {
  readonly virtual = false;
  private timeout: NodeJS.Timeout | null = null;
  private due = Number.POSITIVE_INFINITY;

  now(): number {
    return performance.now();
  }

  arm(host: ClockHost, deadline: number | null): void {
    if (deadline === null) {
      // A timer left behind by a cancelled wait must not keep the process alive.
      this.clear();
      return;
    }
    if (this.timeout !== null && this.due <= deadline) return;
    this.clear();
    const delay = Math.min(Math.max(Math.ceil(deadline - performance.now()), 1), LONGEST_TIMEOUT);
    this.due = deadline;
    this.timeout = setTimeout(() => {
      this.timeout = null;
      host.wake();
    }, delay);
  }

  disarm(): void {
    this.clear();
  }

  private clear(): void {
    if (this.timeout === null) return;
    clearTimeout(this.timeout);
    this.timeout = null;
  }
}
