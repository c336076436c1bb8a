import {
  CancelledError,
  type ClockHost,
  createTask,
  gather,
  getRunningLoop,
  RateLimiter,
  run,
  sleep,
  TimeoutError,
  timeout,
} from "brio";
import { runVirtual, VirtualClock } from "brio/testing";
import { describe, expect, it } from "vitest";

/** Virtual time that also passes while code runs, when it is told so. */
class SkippingClock extends VirtualClock {
  private skipped = 0;

  skip(time: number): void {
    this.skipped += time;
  }

  override now(): number {
    return super.now() + this.skipped;
  }

  override arm(host: ClockHost, deadline: number | null): void {
    super.arm(host, deadline === null ? null : deadline - this.skipped);
  }
}

/** A maker of tasks that take `n` tokens and say when they got them. */
function taking(limiter: RateLimiter, events: string[]) {
  return (name: string, n = 1) =>
    createTask(async () => {
      await limiter.acquire(n);
      events.push(`${name} at ${getRunningLoop().time()}`);
    });
}

describe("RateLimiter", () => {
  it("lets a burst of its limit begin at once, and then one each per / limit", async () => {
    await runVirtual(async () => {
      const limiter = new RateLimiter({ limit: 4, per: "1s" });
      const events: string[] = [];
      const take = taking(limiter, events);
      await gather(...["a", "b", "c", "d", "e", "f", "g"].map((name) => take(name)));
      expect(events).toEqual(["a at 0", "b at 0", "c at 0", "d at 0", "e at 250", "f at 500", "g at 750"]);
    });
  });

  it("spaces operations evenly with a burst of 1", async () => {
    await runVirtual(async () => {
      const limiter = new RateLimiter({ limit: 10, per: "1s", burst: 1 });
      const times: number[] = [];
      for (let i = 0; i < 4; i++) {
        await limiter.acquire();
        times.push(getRunningLoop().time());
      }
      expect(times).toEqual([0, 100, 200, 300]);
    });
  });

  it("never lets more begin in a stretch of time than its burst and what comes back meanwhile", async () => {
    await runVirtual(async () => {
      const limiter = new RateLimiter({ limit: 5, per: 100, burst: 3 });
      const times: number[] = [];
      const worker = async () => {
        for (let i = 0; i < 10; i++) {
          await limiter.acquire();
          times.push(getRunningLoop().time());
          await sleep((i * 37) % 90);
        }
      };
      await gather(worker, worker, worker);
      expect(times).toHaveLength(30);
      for (const [i, start] of times.entries()) {
        for (const [j, end] of times.entries()) {
          if (j >= i) expect(j - i + 1).toBeLessThanOrEqual(3 + (end - start) / 20 + 1e-6);
        }
      }
    });
  });

  it("saves tokens up to its burst, and not beyond", async () => {
    await runVirtual(async () => {
      const limiter = new RateLimiter({ limit: 10, per: "1s", burst: 2 });
      await limiter.acquire(2);
      await sleep("1h");
      const events: string[] = [];
      const take = taking(limiter, events);
      await gather(take("a"), take("b"), take("c"));
      expect(events).toEqual(["a at 3600000", "b at 3600000", "c at 3600100"]);
    });
  });

  it("counts tokens that have come back in part", async () => {
    await runVirtual(async () => {
      const limiter = new RateLimiter({ limit: 1, per: 100 });
      const times: number[] = [];
      for (const pause of [0, 30, 0]) {
        await sleep(pause);
        await limiter.acquire();
        times.push(getRunningLoop().time());
      }
      expect(times).toEqual([0, 100, 200]);
    });
  });

  it("takes several tokens at once when that is asked for", async () => {
    await runVirtual(async () => {
      const limiter = new RateLimiter({ limit: 10, per: 1000 });
      const events: string[] = [];
      const take = taking(limiter, events);
      await gather(take("a", 7), take("b", 7), take("c", 0.5));
      expect(events).toEqual(["a at 0", "b at 400", "c at 450"]);
    });
  });

  it("makes small requests wait behind a large one that waits for its tokens", async () => {
    await runVirtual(async () => {
      const limiter = new RateLimiter({ limit: 10, per: 1000 });
      const events: string[] = [];
      const take = taking(limiter, events);
      await limiter.acquire(8);
      const large = take("large", 10);
      await sleep(0);
      const small: Promise<void>[] = [];
      for (let i = 0; i < 3; i++) {
        small.push(Promise.resolve(take(`small ${i}`)));
        await sleep(100);
      }
      await gather(large, ...small);
      expect(events).toEqual(["large at 800", "small 0 at 900", "small 1 at 1000", "small 2 at 1100"]);
    });
  });

  it("serves in the order of arrival, also those who find a token when others are about to take it", async () => {
    await runVirtual(async () => {
      const limiter = new RateLimiter({ limit: 1, per: 100 });
      const events: string[] = [];
      const take = taking(limiter, events);
      await limiter.acquire();
      const first = take("first");
      getRunningLoop().callLater(100, () => void getRunningLoop().createTask(() => take("newcomer")));
      await first;
      await sleep(200);
      expect(events).toEqual(["first at 100", "newcomer at 200"]);
    });
  });

  it("has room for one token even if less than one comes back in each period", async () => {
    await runVirtual(async () => {
      const limiter = new RateLimiter({ limit: 0.5, per: "1s" });
      const events: string[] = [];
      const take = taking(limiter, events);
      await gather(take("a"), take("b"), take("c"));
      expect(events).toEqual(["a at 0", "b at 2000", "c at 4000"]);
    });
  });

  it("never waits twice for a token because of rounding", async () => {
    await runVirtual(async () => {
      const limiter = new RateLimiter({ limit: 3, per: 1, burst: 1e12 });
      await limiter.acquire(1e12);
      const events: string[] = [];
      const take = taking(limiter, events);
      await gather(take("a", 1e11 / 3), take("b", 0.1), take("c", 0.7));
      expect(events).toHaveLength(3);
      expect(getRunningLoop().time()).toBeCloseTo(1e11 / 9 + 0.8 / 3, 3);
    });
  });

  it("takes a token before it runs the function given to with(), and passes its value on", async () => {
    await runVirtual(async () => {
      const limiter = new RateLimiter({ limit: 1, per: 50 });
      const stamp = () => limiter.with(async () => getRunningLoop().time());
      expect(await gather(stamp, stamp, stamp)).toEqual([0, 50, 100]);
    });
  });

  it("tells how many tokens there are, and how many wait, in its statistics and as a string", async () => {
    await runVirtual(async () => {
      const limiter = new RateLimiter({ limit: 2, per: 100 });
      const seen: unknown[] = [limiter.statistics(), String(limiter)];
      await limiter.acquire(2);
      const waiter = createTask(() => limiter.acquire());
      await sleep(0);
      seen.push(limiter.statistics(), String(limiter));
      await waiter;
      seen.push(limiter.statistics());
      await sleep(25);
      seen.push(limiter.statistics());
      expect(seen).toEqual([
        { available: 2, waiting: 0 },
        "<RateLimiter 2.0 of 2, 0 waiting>",
        { available: 0, waiting: 1 },
        "<RateLimiter 0.0 of 2, 1 waiting>",
        { available: 0, waiting: 0 },
        { available: 0.5, waiting: 0 },
      ]);
    });
  });

  it("begins anew in the next loop, whose clock begins at 0 again", async () => {
    const limiter = new RateLimiter({ limit: 1, per: 100 });
    const times: number[] = [];
    for (let i = 0; i < 2; i++) {
      await runVirtual(async () => {
        for (let j = 0; j < 2; j++) {
          await limiter.acquire();
          times.push(getRunningLoop().time());
        }
      });
    }
    expect(times).toEqual([0, 100, 100, 200]);
  });
});

describe("RateLimiter, when waiters are cancelled", () => {
  it("takes no token for a cancelled waiter, and serves the next as if it had not been there", async () => {
    await runVirtual(async () => {
      const limiter = new RateLimiter({ limit: 1, per: 100 });
      const events: string[] = [];
      const take = taking(limiter, events);
      await limiter.acquire();
      const [first, second] = [take("first"), take("second")];
      await sleep(40);
      first.cancel();
      await expect(first).rejects.toThrow(CancelledError);
      await second;
      expect(events).toEqual(["second at 100"]);
    });
  });

  it("lets small requests go at their own time when the large one in front of them is cancelled", async () => {
    await runVirtual(async () => {
      const limiter = new RateLimiter({ limit: 10, per: 1000 });
      const events: string[] = [];
      const take = taking(limiter, events);
      await limiter.acquire(10);
      const large = take("large", 10);
      const small = [take("a"), take("b"), take("c")];
      await sleep(250);
      large.cancel();
      await gather(...small);
      expect(events).toEqual(["a at 250", "b at 250", "c at 300"]);
    });
  });

  it("lets a newcomer begin after those who have their tokens and await their turn", async () => {
    await runVirtual(async () => {
      const limiter = new RateLimiter({ limit: 10, per: 1000 });
      const events: string[] = [];
      const take = taking(limiter, events);
      await limiter.acquire(10);
      const large = take("large", 10);
      const small = take("small");
      await sleep(250);
      large.cancel();
      const newcomer = take("newcomer"); // its step comes between the grant and the turn of the small one
      await gather(small, newcomer);
      expect(events).toEqual(["small at 250", "newcomer at 250"]);
    });
  });

  it("gives tokens back that were granted to a waiter which is cancelled before its turn", async () => {
    await runVirtual(async () => {
      const limiter = new RateLimiter({ limit: 2, per: 200 });
      const events: string[] = [];
      const take = taking(limiter, events);
      await limiter.acquire(2);
      const large = take("large", 2);
      await sleep(0);
      const small = [take("a"), take("b")];
      await sleep(199);
      // Due in the same turn as the limiter's own alarm, and after it: the request is granted, and not resumed yet.
      getRunningLoop().callLater(1, () => large.cancel());
      await gather(...small);
      expect(large.cancelled()).toBe(true);
      expect(events).toEqual(["a at 200", "b at 200"]);
      expect(limiter.statistics()).toEqual({ available: 0, waiting: 0 });
    });
  });

  it("has no more than its burst for those behind, even if time passes before a grant is given back", async () => {
    const clock = new SkippingClock();
    await run(
      async () => {
        const limiter = new RateLimiter({ limit: 2, per: 200 });
        const events: string[] = [];
        const take = taking(limiter, events);
        await limiter.acquire(2);
        const [first, ...rest] = [take("a", 2), take("b", 2), take("c", 2)];
        await sleep(1);
        // Due in the same turn as the limiter's own alarm, and after it.
        getRunningLoop().callLater(199, () => {
          first?.cancel();
          clock.skip(1000); // a long step: the tokens have come back anew when the granted ones are given back
        });
        await gather(...rest);
        expect(first?.cancelled()).toBe(true);
        expect(events).toEqual(["b at 1200", "c at 1400"]);
      },
      { clock, handleSignals: false },
    );
  });

  it("hands tokens that came back while one large request waited to all who had to wait behind it", async () => {
    await runVirtual(async () => {
      const limiter = new RateLimiter({ limit: 5, per: 500 });
      const events: string[] = [];
      const take = taking(limiter, events);
      await limiter.acquire(5);
      await expect(timeout(350, () => limiter.acquire(5))).rejects.toThrow(TimeoutError);
      await gather(take("a"), take("b"), take("c"), take("d"));
      expect(events).toEqual(["a at 350", "b at 350", "c at 350", "d at 400"]);
    });
  });

  it("leaves nobody in line after the time to wait was over", async () => {
    await runVirtual(async () => {
      const limiter = new RateLimiter({ limit: 1, per: "1h" });
      await limiter.acquire();
      await expect(timeout(10, () => limiter.acquire())).rejects.toThrow(TimeoutError);
      expect(limiter.statistics().waiting).toBe(0);
      expect(getRunningLoop().time()).toBe(10);
    });
  });
});
