import { setImmediate } from "node:timers";
import type { Clock, ClockHost } from "../loop/clock.ts";

/**
 * A clock that stands still while anything runs, and jumps to the next timer when everything waits: a program that
 * sleeps for an hour takes no time, and does the same each time it runs.
 *
 * Before each jump Node gets one turn, for I/O that is about to arrive; it does not wait for it. Several loops may share
 * a clock: it jumps when all of them are idle.
 *
 * @example
 * ```ts
 * import { run, sleep } from "brio";
 * import { VirtualClock } from "brio/testing";
 *
 * const clock = new VirtualClock();
 * await run(() => sleep("1h"), { clock });
 * console.log(clock.now()); // 3600000
 * ```
 */
export class VirtualClock implements Clock {
  /** See {@link Clock.virtual}. */
  readonly virtual = true;
  private time = 0;
  private readonly deadlines = new Map<ClockHost, number | null>();
  private jumping = false;

  /** The virtual time in milliseconds; 0 at the beginning. */
  now(): number {
    return this.time;
  }

  /** For loops: see {@link Clock.arm}. */
  arm(host: ClockHost, deadline: number | null): void {
    this.deadlines.set(host, deadline);
    if (this.jumping) return;
    this.jumping = true;
    setImmediate(this.jump);
  }

  /** For loops: see {@link Clock.disarm}. */
  disarm(host: ClockHost): void {
    this.deadlines.delete(host);
  }

  private readonly jump = (): void => {
    this.jumping = false;
    let next: number | null = null;
    for (const [host, deadline] of this.deadlines) {
      if (!host.idle) return; // it arms again when it is
      if (deadline !== null && (next === null || deadline < next)) next = deadline;
    }
    if (next === null) return;
    this.time = Math.max(this.time, next);
    for (const [host, deadline] of [...this.deadlines])
      if (deadline !== null && deadline <= this.time) host.wake();
  };
}
