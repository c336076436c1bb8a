import { inspect } from "node:util";
import { requireScope } from "../cancel/scope.ts";
import { type Duration, milliseconds } from "../loop/duration.ts";
import { sleep } from "./sleep.ts";

/** What becomes of missed ticks: see {@link IntervalOptions.missed}. */
export type MissedTicks = "burst" | "delay" | "skip";

/** Options of {@link interval}. */
export interface IntervalOptions {
  /**
   * What happens when the loop's body takes longer than a period. With a period of 10 ms and a second tick (`1`) whose
   * body takes 25 ms:
   *
   * ```text
   * time    0         10        20        30        40        50        60        70
   * burst   0         1~~~~~~~~~~~~~~~~~~~~~~~~ 2 3    4      5         6             catches up
   * delay   0         1~~~~~~~~~~~~~~~~~~~~~~~~ 2         3         4                 a full period from each late tick
   * skip    0         1~~~~~~~~~~~~~~~~~~~~~~~~ 2      3      4         5             back on the beat
   * ```
   *
   * Default "burst".
   */
  missed?: MissedTicks;
}

/**
 * Ticks, one each `period`, numbered 0, 1, 2, ... as they are given out; the first at once.
 *
 * *Cancel safety*: a cancelled wait for a tick loses none.
 *
 * @throws RangeError if `period` is 0 or less, or `missed` is unknown; TypeError if its unit is.
 *
 * @example
 * ```ts
 * import { interval, run } from "brio";
 *
 * await run(async () => {
 *   for await (const tick of interval("5ms")) {
 *     if (tick === 3) break; // after 15 ms
 *   }
 * });
 * ```
 */
export function interval(period: Duration, options: IntervalOptions = {}): AsyncIterable<number> {
  const length = milliseconds(period, "period");
  if (!(length > 0 && length < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`period must be longer than 0, such as "1s"; got ${inspect(period)}`);
  }
  const { missed = "burst" } = options;
  if (missed !== "burst" && missed !== "delay" && missed !== "skip") {
    throw new RangeError(`missed must be "burst", "delay" or "skip"; got ${inspect(missed)}`);
  }
  return { [Symbol.asyncIterator]: () => new Ticks(length, missed) };
}

class Ticks implements AsyncIterator<number> {
  private readonly period: number;
  private readonly missed: MissedTicks;
  private count = 0;
  /** When the next tick is due, in loop time; null before the first. */
  private due: number | null = null;

  constructor(period: number, missed: MissedTicks) {
    this.period = period;
    this.missed = missed;
  }

  async next(): Promise<IteratorResult<number>> {
    const { loop } = requireScope("interval()");
    this.due ??= loop.time();
    // Even a tick that is late is a wait: everything else gets a turn, and a cancellation is noticed.
    await sleep(Math.max(0, this.due - loop.time()));
    this.due = this.after(this.due, loop.time());
    return { done: false, value: this.count++ };
  }

  private after(due: number, now: number): number {
    const { period } = this;
    if (now < due + period) return due + period;
    if (this.missed === "burst") return due + period;
    if (this.missed === "delay") return now + period;
    return due + period * (Math.floor((now - due) / period) + 1);
  }
}
