import { createTask, getRunningLoop, interval, type MissedTicks, sleep } from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

/** The times at which ticks come, when the body of tick 1 takes 25 ms and the others none. */
function ticks(missed: MissedTicks | undefined, count: number): Promise<number[]> {
  return runVirtual(async () => {
    const times: number[] = [];
    for await (const tick of interval("10ms", missed === undefined ? {} : { missed })) {
      times.push(getRunningLoop().time());
      if (tick === 1) await sleep("25ms");
      if (times.length === count) break;
    }
    return times;
  });
}

describe("interval", () => {
  it("ticks at once and then each period, numbering the ticks", async () => {
    const events = await runVirtual(async () => {
      const seen: string[] = [];
      for await (const tick of interval("10ms")) {
        seen.push(`${getRunningLoop().time()} tick ${tick}`);
        if (tick === 3) return seen;
      }
      return seen;
    });
    expect(events).toEqual(["0 tick 0", "10 tick 1", "20 tick 2", "30 tick 3"]);
  });

  it("does not drift when the body takes time, but less than a period", async () => {
    const times = await runVirtual(async () => {
      const seen: number[] = [];
      for await (const _ of interval(10)) {
        seen.push(getRunningLoop().time());
        await sleep(9);
        if (seen.length === 4) break;
      }
      return seen;
    });
    expect(times).toEqual([0, 10, 20, 30]);
  });

  it("catches up on missed ticks with burst, the default", async () => {
    expect(await ticks("burst", 7)).toEqual([0, 10, 35, 35, 40, 50, 60]);
    expect(await ticks(undefined, 7)).toEqual([0, 10, 35, 35, 40, 50, 60]);
  });

  it("waits a full period after a late tick with delay", async () => {
    expect(await ticks("delay", 5)).toEqual([0, 10, 35, 45, 55]);
  });

  it("goes back to the beat with skip", async () => {
    expect(await ticks("skip", 6)).toEqual([0, 10, 35, 40, 50, 60]);
  });

  it("ends when its task is cancelled, also when every tick is late", async () => {
    const count = await runVirtual(async () => {
      let seen = 0;
      const task = createTask(async () => {
        for await (const _ of interval(1)) {
          seen++;
          await sleep(5);
        }
      });
      await sleep(12);
      task.cancel();
      await task.catch(() => {});
      return seen;
    });
    expect(count).toBe(3);
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])("refuses the period %s", (period) => {
    expect(() => interval(period)).toThrow(RangeError);
  });

  it("refuses an unknown policy", () => {
    expect(() => interval(1, { missed: "drop" as "skip" })).toThrow(
      /missed must be "burst", "delay" or "skip"/,
    );
  });
});
