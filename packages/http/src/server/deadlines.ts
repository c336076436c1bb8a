import type { EventLoop, TimerHandle } from "brio";
import { Line, type Place } from "./line.ts";

/** What has a deadline. */
export interface Expiring {
  /** In the loop's time. */
  deadline: number;
  expire(timeout: number): void;
}

/** For so long, in milliseconds, requests share a look at the clock: it costs as much as all else that a deadline does. */
const GRAIN = 10;

/** Those with the same time limit: who came first is due first. */
class Limit {
  readonly waiting = new Line<Expiring>();
  timer: TimerHandle | null = null;
}

/**
 * The deadlines of requests. Nearly all requests have one of a few time limits, and end long before: so there is a timer for
 * each limit, not for each request, and it is set anew only when it goes off. A deadline may be late by 10 ms.
 */
export class Deadlines {
  private readonly loop: EventLoop;
  private readonly limits = new Map<number, Limit>();

  /** The last look at the clock, rounded up; forgotten when `stale` goes off. */
  private soon = 0;
  private stale: TimerHandle | null = null;

  constructor(loop: EventLoop) {
    this.loop = loop;
  }

  /** Has `one` expire in `timeout` milliseconds. If it leaves its place before, it does not. */
  add(one: Expiring, timeout: number): Place<Expiring> {
    let limit = this.limits.get(timeout);
    if (limit === undefined) {
      limit = new Limit();
      this.limits.set(timeout, limit);
    }
    one.deadline = this.time() + timeout;
    if (limit.timer === null) this.arm(limit, timeout, one.deadline);
    return limit.waiting.add(one);
  }

  private time(): number {
    if (this.stale === null) {
      this.soon = this.loop.time() + GRAIN;
      this.stale = this.loop.callAt(this.soon, () => {
        this.stale = null;
      });
    }
    return this.soon;
  }

  private arm(limit: Limit, timeout: number, deadline: number): void {
    limit.timer = this.loop.callAt(deadline, () => this.due(limit, timeout));
  }

  private due(limit: Limit, timeout: number): void {
    limit.timer = null;
    const now = this.loop.time();
    for (let place = limit.waiting.first; place !== null; place = limit.waiting.first) {
      const { value } = place;
      if (value.deadline > now) {
        if (limit.timer === null) this.arm(limit, timeout, value.deadline);
        return;
      }
      place.leave();
      value.expire(timeout);
    }
    // Limits may be worked out for each request: none is kept for ever.
    if (limit.timer === null) this.limits.delete(timeout);
  }

  /** No more of them. */
  clear(): void {
    this.stale?.cancel();
    for (const { timer } of this.limits.values()) timer?.cancel();
    this.limits.clear();
  }
}
