import { getRunningLoop, RateLimiter, sleep, taskGroup } from "brio";
import { describe, expect, it } from "vitest";
import { everywhere } from "./everywhere.ts";

describe("RateLimiter, cancelled anywhere", () => {
  it("gives a token out each 10 ms, neither more nor, while somebody wants one, fewer", async () => {
    await everywhere(
      async (trial) => {
        const limiter = trial.watch(new RateLimiter({ limit: 100, per: "1s", burst: 1 }));
        const times: number[] = [];
        trial.check(() => expect(times).toEqual(times.map((_, at) => at * 10)));
        await taskGroup((group) => {
          for (let i = 0; i < 4; i++) {
            group.createTask(async () => {
              await limiter.acquire();
              times.push(getRunningLoop().time());
            });
          }
        });
      },
      { structured: true },
    );
  });

  it("does not lose the tokens of a large request that is cancelled", async () => {
    await everywhere(async (trial) => {
      const limiter = trial.watch(new RateLimiter({ limit: 100, per: "1s", burst: 3 }));
      const taken: [number, number][] = [];
      trial.check(() => {
        // At any time no more than the burst and what has come back since.
        let sum = 0;
        for (const [time, n] of taken) {
          sum += n;
          expect(sum).toBeLessThanOrEqual(3 + time / 10 + 1e-6);
        }
      });
      const acquire = (n: number) => async () => {
        await limiter.acquire(n);
        taken.push([getRunningLoop().time(), n]);
      };
      await taskGroup(async (group) => {
        await acquire(3)();
        group.createTask(acquire(3));
        group.createTask(acquire(1));
        group.createTask(acquire(2));
        await sleep("5ms");
      });
    });
  });
});
