import type { EventLoop, TimerHandle } from "brio";
import type { Exchange } from "./exchange.ts";
import type { Milliseconds } from "./options.ts";
import type { UnderWay } from "./under-way.ts";

/** How long to wait at least between two looks at all exchanges. */
const PAUSE: Milliseconds = 10;

/**
 * Sees to the time limits of a loop's exchanges. Nearly all of them end long before: so there is one timer, not one for each, and
 * when it goes off, it looks at all that are under way.
 */
export class Watch {
  readonly loop: EventLoop;
  private readonly exchanges: UnderWay<Exchange>;
  private alarm: TimerHandle | null = null;
  private alarmAt = Number.POSITIVE_INFINITY;

  constructor(loop: EventLoop, exchanges: UnderWay<Exchange>) {
    this.loop = loop;
    this.exchanges = exchanges;
  }

  /** Something may be due at this loop time. */
  expect(when: number): void {
    if (when >= this.alarmAt) return;
    this.alarm?.cancel();
    this.alarmAt = when;
    this.alarm = this.loop.callAt(when, () => this.look());
  }

  /** Nothing is under way: a timer must not keep the process alive. */
  rest(): void {
    this.alarm?.cancel();
    this.alarm = null;
    this.alarmAt = Number.POSITIVE_INFINITY;
  }

  private look(): void {
    this.alarm = null;
    this.alarmAt = Number.POSITIVE_INFINITY;
    const now = this.loop.time();
    let next = Number.POSITIVE_INFINITY;
    for (const exchange of this.exchanges.all())
      if (exchange.watch.loop === this.loop) next = Math.min(next, exchange.dueAfter(now));
    if (this.exchanges.size > 0) this.expect(Math.max(next, now + PAUSE));
  }
}
