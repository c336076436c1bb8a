import type { EventLoop, TimerHandle } from "brio";

/** What has a deadline. */
export interface Expiring {
  /** In the loop's time. */
  deadline: number;
  expire(timeout: number): void;
}

/** Those with the same time limit: who came first is due first. */
class Line {
  readonly waiting = new Set<Expiring>();
  timer: TimerHandle | null = null;
}

/**
 * The deadlines of requests. Nearly all requests have one of a few time limits, and end long before: so there is a timer for
 * each limit, not for each request, and it is set anew only when it goes off.
 */
export class Deadlines {
  private readonly loop: EventLoop;
  private readonly lines = new Map<number, Line>();

  constructor(loop: EventLoop) {
    this.loop = loop;
  }

  /** Has `one` expire in `timeout` milliseconds. Taken out of the set that it returns, it does not. */
  add(one: Expiring, timeout: number): Set<Expiring> {
    let line = this.lines.get(timeout);
    if (line === undefined) {
      line = new Line();
      this.lines.set(timeout, line);
    }
    one.deadline = this.loop.time() + timeout;
    line.waiting.add(one);
    if (line.timer === null) this.arm(line, timeout, one.deadline);
    return line.waiting;
  }

  private arm(line: Line, timeout: number, deadline: number): void {
    line.timer = this.loop.callAt(deadline, () => this.due(line, timeout));
  }

  private due(line: Line, timeout: number): void {
    line.timer = null;
    const now = this.loop.time();
    for (const one of line.waiting) {
      if (one.deadline > now) {
        if (line.timer === null) this.arm(line, timeout, one.deadline);
        return;
      }
      line.waiting.delete(one);
      one.expire(timeout);
    }
    // Limits may be worked out for each request: none is kept for ever.
    if (line.waiting.size === 0 && line.timer === null) this.lines.delete(timeout);
  }

  /** No more of them. */
  clear(): void {
    for (const line of this.lines.values()) line.timer?.cancel();
    this.lines.clear();
  }
}
