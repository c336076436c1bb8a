import { inspect } from "node:util";
import { immediate } from "../cancel/immediate.ts";
import { ParkingLot } from "../cancel/parking-lot.ts";
import { ambientScope, outsideTask } from "../cancel/scope.ts";
import { Wait, type WaitSource } from "../cancel/wait.ts";
import { type Duration, milliseconds } from "../loop/duration.ts";
import type { Alarm } from "../loop/handle.ts";
import type { Loop } from "../loop/loop.ts";
import { Binding } from "./binding.ts";

/** What a {@link RateLimiter} is made with. */
export interface RateLimiterOptions {
  /** How many tokens come back in each `per`; > 0. */
  limit: number;
  /** The length of time that `limit` is counted over; > 0. */
  per: Duration;
  /** How many tokens can be saved up, and the most that can be taken at once; default: `limit`, but at least 1. */
  burst?: number;
}

/** The state of a {@link RateLimiter}. */
export interface RateLimiterStatistics {
  /** Tokens that can be had at once. */
  readonly available: number;
  readonly waiting: number;
}

/**
 * Lets `limit` operations begin in each `per`: a token bucket. Tokens come back steadily, one each `per / limit`,
 * until `burst` of them are saved up. First come, first served: a large request is not overtaken by small ones.
 *
 * @example
 * ```ts
 * import { RateLimiter, run } from "brio";
 *
 * await run(async () => {
 *   const limiter = new RateLimiter({ limit: 100, per: "1s", burst: 1 });
 *   for (let i = 0; i < 3; i++) await limiter.acquire(); // 10 ms apart
 * });
 * ```
 */
export class RateLimiter implements WaitSource<undefined> {
  /** @internal */ readonly kind = "limiter.acquire";
  private readonly lot = new ParkingLot<undefined>();
  /** Those who have their tokens, and await their turn: apart, so that nobody has to look past them. */
  private readonly granted = new ParkingLot<undefined>();
  private readonly binding = new Binding();
  private readonly wanted = new WeakMap<Wait<undefined>, number>();
  private readonly interval: number;
  private readonly burst: number;
  private tokens: number;
  /** The loop time up to which tokens have been counted. */
  private counted: number | null = null;
  private loop: Loop | null = null;
  private alarm: Alarm | null = null;

  constructor(options: RateLimiterOptions) {
    if (typeof options !== "object" || options === null) {
      throw new TypeError(
        `new RateLimiter() takes options, such as { limit: 100, per: "1s" }; got ${inspect(options)}`,
      );
    }
    const { limit, per } = options;
    positive(limit, "limit");
    const { burst = Math.max(limit, 1) } = options;
    positive(burst, "burst");
    const length = milliseconds(per, "per");
    if (length === 0 || length === Number.POSITIVE_INFINITY) {
      throw new RangeError(`per must be longer than 0 and finite, such as "1s"; got ${inspect(per)}`);
    }
    this.interval = length / limit;
    this.burst = burst;
    this.tokens = burst;
  }

  /**
   * Takes `n` tokens (default 1); waits until they are there.
   *
   * *Cancel safety*: a cancelled `acquire` has taken no token.
   */
  acquire(n = 1): Promise<void> {
    const scope = ambientScope();
    if (scope === undefined) return outsideTask("limiter.acquire()");
    if (typeof n !== "number" || !(n > 0 && n <= this.burst)) {
      return Promise.reject(
        new RangeError(
          `limiter.acquire(n): n must be a number > 0 and at most burst (${this.burst}); got ${inspect(n)}`,
        ),
      );
    }
    // Always, not only to wait: tokens are counted in the time of one loop.
    const elsewhere = this.binding.claim(scope.loop, this);
    if (elsewhere !== null) return Promise.reject(elsewhere);
    this.refill(scope.loop);
    if (!this.lot.alive && this.granted.length === 0 && this.tokens >= n) {
      this.tokens -= n;
      return immediate(scope, undefined);
    }
    const wait = new Wait<undefined>(scope, this);
    this.wanted.set(wait, n);
    this.lot.add(wait);
    this.serve(scope.loop);
    return wait.begin();
  }

  /**
   * Runs `fn` after taking a token.
   *
   * *Cancel safety*: cancelled while it waits, it has taken no token, and `fn` is not called.
   */
  async with<T>(fn: () => PromiseLike<T> | T): Promise<T> {
    if (typeof fn !== "function")
      throw new TypeError("limiter.with() takes a function: limiter.with(() => work())");
    await this.acquire();
    return await fn();
  }

  /** Its state. */
  statistics(): RateLimiterStatistics {
    return { available: this.available, waiting: this.waiting };
  }

  toString(): string {
    return `<RateLimiter ${this.available.toFixed(1)} of ${this.burst}, ${this.waiting} waiting>`;
  }

  private get available(): number {
    if (this.loop !== null && !this.loop.isClosed()) this.refill(this.loop);
    return Math.max(0, this.tokens); // below 0 by rounding
  }

  private get waiting(): number {
    return this.lot.length + this.granted.length;
  }

  private refill(loop: Loop): void {
    const now = loop.time();
    this.loop = loop;
    if (this.counted === null || now < this.counted) this.counted = now; // a new loop has a time of its own
    this.tokens = Math.min(this.burst, this.tokens + (now - this.counted) / this.interval);
    this.counted = now;
  }

  /** Grants whoever is first for as long as there are tokens; then sets the alarm for the next. */
  private serve(loop: Loop): void {
    this.alarm?.cancel();
    this.alarm = null;
    let next: Wait<undefined> | null;
    for (let wait = this.lot.first; wait !== null; wait = next) {
      next = wait.next;
      if (!wait.pending) continue;
      const n = this.wanted.get(wait) ?? 1;
      if (this.tokens < n) {
        this.alarm = loop.alarm(this.whenThereAre(n, loop), () => {
          this.refill(loop);
          this.tokens = Math.max(this.tokens, n); // a crumb may have been lost to rounding
          this.serve(loop);
        });
        return;
      }
      this.tokens -= n;
      this.lot.remove(wait);
      this.granted.add(wait);
      wait.grant();
    }
  }

  private whenThereAre(n: number, loop: Loop): number {
    return loop.time() + (n - this.tokens) * this.interval;
  }

  /** @internal */
  take(wait: Wait<undefined>): undefined {
    this.granted.remove(wait);
  }

  /** @internal */
  withdraw(wait: Wait<undefined>, granted: boolean): undefined {
    (granted ? this.granted : this.lot).remove(wait);
    const { loop } = wait.scope;
    this.refill(loop);
    if (granted) this.tokens = Math.min(this.burst, this.tokens + (this.wanted.get(wait) ?? 1));
    this.serve(loop);
  }
}

function positive(value: number, argument: string): void {
  if (Number.isFinite(value) && value > 0) return;
  throw new RangeError(
    `${argument} must be a finite number > 0, as in { limit: 100, per: "1s", burst: 10 }; got ${inspect(value)}`,
  );
}
