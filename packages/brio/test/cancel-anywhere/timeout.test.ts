import {
  CancelledError,
  CancelScope,
  currentTask,
  getRunningLoop,
  moveOnAfter,
  sleep,
  TimeoutError,
  timeout,
  timeoutAt,
} from "brio";
import { describe, expect, it } from "vitest";
import { everywhere } from "./everywhere.ts";

const isTimeout = (error: unknown): boolean => error instanceof TimeoutError;

describe("timeout, cancelled anywhere", () => {
  it("ends with TimeoutError only when its own time was over, and leaves no count behind", async () => {
    await everywhere(
      async (trial) => {
        let cancelledAt: number | null = null;
        const loop = getRunningLoop();
        try {
          await timeout("5ms", () => sleep("10ms"));
        } catch (error) {
          if (isTimeout(error)) {
            expect(loop.time()).toBe(5);
            if (!trial) return;
          } else {
            cancelledAt = loop.time();
            expect(cancelledAt).toBeLessThanOrEqual(5);
            throw error;
          }
        }
        await sleep("1ms");
      },
      { structured: true },
    );
  });

  it("tells the inner of two timeouts from the outer one", async () => {
    await everywhere(
      async (trial) => {
        const ends: string[] = [];
        trial.check(({ struck }) => {
          if (struck.length === 0) expect(ends).toEqual(["inner", "outer"]);
          else expect(["", "inner", "inner,outer"]).toContain(ends.join());
        });
        await timeout("10ms", async () => {
          await timeout("5ms", () => sleep("1h")).catch((error: unknown) => {
            if (!isTimeout(error)) throw error;
            ends.push("inner");
          });
          await timeout("50ms", () => sleep("1h"));
        }).catch((error: unknown) => {
          if (!isTimeout(error)) throw error;
          ends.push("outer");
        });
      },
      { structured: true },
    );
  });

  it("cancels at the same moment as an outer timeout, and the outer one wins", async () => {
    await everywhere(
      async () => {
        let inner: unknown;
        const outer = await timeout("5ms", async () => {
          try {
            await timeout("5ms", () => sleep("1h"));
          } catch (error) {
            inner = error;
            throw error;
          }
        }).then(
          () => undefined,
          (error: unknown) => error,
        );
        if (outer instanceof CancelledError) throw outer;
        expect(isTimeout(outer)).toBe(true);
        expect(isTimeout(inner) || inner instanceof CancelledError).toBe(true);
      },
      { structured: true },
    );
  });

  it("is disturbed by none of its branches' own timeouts", async () => {
    await everywhere(
      async (trial) => {
        const ends: string[] = [];
        trial.check(({ struck }) => {
          if (struck.length === 0) expect(ends).toEqual(["short", "long"]);
        });
        const branch = (name: string, limit: number) =>
          timeout(limit, () => sleep("1h")).catch((error: unknown) => {
            if (!isTimeout(error)) throw error;
            ends.push(name);
          });
        const results = await Promise.allSettled([branch("long", 4), branch("short", 2)]);
        for (const result of results) if (result.status === "rejected") throw result.reason;
        await sleep(0);
      },
      { structured: true, endsWithin: 4 },
    );
  });

  it("follows its deadline when the body moves it", async () => {
    await everywhere(
      async (trial) => {
        let end: number | null = null;
        trial.check(({ struck }) => {
          if (struck.length === 0) expect(end).toBe(9);
        });
        const loop = getRunningLoop();
        await timeoutAt(loop.time() + 3, async (deadline) => {
          await sleep("2ms");
          deadline.reschedule(loop.time() + 7);
          await sleep("1h");
        }).catch((error: unknown) => {
          if (!isTimeout(error)) throw error;
          end = loop.time();
        });
      },
      { structured: true },
    );
  });
});

describe("CancelScope and moveOnAfter, cancelled anywhere", () => {
  it("stop their own cancellation, and no other", async () => {
    await everywhere(
      async (trial) => {
        const main = currentTask();
        const events: string[] = [];
        trial.check(({ struck, status }) => {
          if (struck.length === 0) expect(events).toEqual(["moved on", "scope ended"]);
          if (struck.includes("main")) expect(status).toBe("cancelled");
          if (struck.includes("body")) expect(main?.cancelling()).toBe(0);
        });
        expect(await moveOnAfter("2ms", () => sleep("1h", "value"))).toBeUndefined();
        events.push("moved on");
        const scope = new CancelScope({ timeout: "2ms" });
        await scope.run(async () => {
          await sleep("1ms");
          scope.cancel();
          await sleep("1ms");
        });
        expect(scope.cancelledCaught).toBe(true);
        events.push("scope ended");
      },
      { structured: true },
    );
  });

  it("keep a cancellation out of a shielded scope until its end", async () => {
    await everywhere(
      async (trial) => {
        let inside = "not begun";
        trial.check(() => expect(["not begun", "done"]).toContain(inside));
        await new CancelScope({ shield: true }).run(async () => {
          inside = "begun";
          await sleep("2ms");
          await sleep("2ms");
          inside = "done";
        });
        await sleep("1ms");
      },
      { structured: true, endsWithin: 4 },
    );
  });
});
