import { inspect } from "node:util";
import * as brio from "brio";
import { createTask, getRunningLoop, sleep } from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";
import { errorOf, expectError, wrong } from "./mistakes.ts";

const work = async (): Promise<number> => 1;

describe("a duration that is none", () => {
  /** Every function that takes a duration, with the argument's name. */
  const takers: Record<string, [argument: string, call: (duration: never) => unknown]> = {
    sleep: ["delay", (d) => sleep(d)],
    timeout: ["delay", (d) => brio.timeout(d, work)],
    waitFor: ["delay", (d) => brio.waitFor(work, d)],
    moveOnAfter: ["delay", (d) => brio.moveOnAfter(d, work)],
    interval: ["period", (d) => brio.interval(d)],
    "loop.callLater": ["delay", (d) => getRunningLoop().callLater(d, () => {})],
    RateLimiter: ["per", (d) => new brio.RateLimiter({ limit: 1, per: d })],
    wait: ["timeout", (d) => brio.wait([createTask(work)], { timeout: d })],
    asCompleted: ["timeout", (d) => brio.asCompleted([work], { timeout: d })],
    CancelScope: ["timeout", (d) => new brio.CancelScope({ timeout: d })],
    uncancellable: ["grace", (d) => brio.uncancellable(work, { grace: d })],
    retry: ["backoff", (d) => brio.retry(() => Promise.reject(new Error("x")), { backoff: d })],
    Runner: ["shutdownTimeout", (d) => new brio.Runner({ shutdownTimeout: d })],
  };
  /** For these, undefined means the default, or has a message of its own. */
  const optional = ["moveOnAfter", "wait", "asCompleted", "CancelScope", "uncancellable", "retry", "Runner"];

  const outOfRange = [-1, -0.001, Number.NaN, Number.NEGATIVE_INFINITY, "-1s", "-5ms"];
  const misspelt = ["1 s", "1sec", "1S", "1d", "10", "s", "", "1e3ms", "1s1ms", "Infinity"];
  const ofAnotherType = [true, 10n, () => 1];

  for (const [name, [argument, call]] of Object.entries(takers)) {
    const refusal = (value: unknown) => runVirtual(() => errorOf(() => call(wrong(value))));

    it.each(outOfRange)(`is refused by ${name} as out of range: %s`, async (value) => {
      const error = await refusal(value);
      expectError(error, RangeError, [argument, '"1s"']);
      expect((error as Error).message).toMatch(/is NaN|is negative \('?-/);
    });

    const others: unknown[] = [...misspelt, ...ofAnotherType];
    if (!optional.includes(name)) others.push(undefined);
    it.each(others)(`is refused by ${name} as no duration: %s`, async (value) => {
      expectError(await refusal(value), TypeError, [argument, inspect(value), "ms, s, m or h", '"1.5s"']);
    });
  }

  it("is refused by moveOnAfter where it was left out", async () => {
    const error = await runVirtual(() => errorOf(() => brio.moveOnAfter(wrong(work), wrong(undefined))));
    expectError(error, TypeError, ["is not a duration"]);
    const undefinedToo = await runVirtual(() => errorOf(() => brio.moveOnAfter(wrong(undefined), work)));
    expectError(undefinedToo, TypeError, ["moveOnAfter() takes a duration"]);
  });

  it("is caught by the compiler where its unit is misspelt or missing", () => {
    const calls = [
      // @ts-expect-error sec is no unit
      () => sleep("1sec"),
      // @ts-expect-error there is no unit
      () => sleep("1"),
      // @ts-expect-error there is no number
      () => brio.timeout("one minute", work),
    ];
    expect(calls).toHaveLength(3);
  });

  it("is zero or positive, of any unit, where it is one", async () => {
    const times = await runVirtual(async () => {
      const at: number[] = [];
      for (const delay of [0, "0ms", 1.5, "1.5ms", ".5s", "0.5s", "2m", "1h"] as const) {
        await sleep(delay);
        at.push(getRunningLoop().time());
      }
      return at;
    });
    expect(times).toEqual([0, 0, 1.5, 3, 503, 1003, 121_003, 3_721_003]);
  });
});

describe("a loop time that is none", () => {
  const takers: Record<string, (when: never) => unknown> = {
    "loop.callAt": (when) => getRunningLoop().callAt(when, () => {}),
    timeoutAt: (when) => brio.timeoutAt(when, work),
    "timeout.reschedule": (when) => brio.timeout(null, async (timeout) => timeout.reschedule(when)),
  };
  for (const [name, call] of Object.entries(takers)) {
    it.each([Number.NaN, "1s", undefined])(`is refused by ${name}: %s`, async (value) => {
      const error = await runVirtual(() => errorOf(() => call(wrong(value))));
      expectError(error, TypeError, ["when is not a loop time", String(value), "loop.time() + "]);
    });
  }

  it.each([Number.NaN, "1s"])("is refused by CancelScope as its deadline: %s", async (value) => {
    const parts = ["deadline is not a loop time", String(value), "loop.time() + "];
    expectError(await errorOf(() => new brio.CancelScope({ deadline: wrong(value) })), TypeError, parts);
    const scope = new brio.CancelScope();
    const set = () => {
      scope.deadline = wrong(value);
    };
    expectError(await errorOf(set), TypeError, parts);
  });

  it("leaves the timeout as it was when it is refused", async () => {
    const ended = await runVirtual(async () => {
      const rescheduled = brio.timeout(10, async (timeout) => {
        await errorOf(() => timeout.reschedule(wrong("1s")));
        await sleep(20);
      });
      return [await errorOf(() => rescheduled), getRunningLoop().time()];
    });
    expect(ended).toEqual([expect.any(brio.TimeoutError), 10]);
  });
});
