import {
  CancelledError,
  checkpoint,
  createTask,
  DeadlockError,
  getRunningLoop,
  RuntimeError,
  sleep,
  sleepForever,
} from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

describe("sleep", () => {
  it("resolves with its result when the time has passed", () =>
    runVirtual(async () => {
      const loop = getRunningLoop();
      const log: unknown[] = [await sleep(100, "yeah"), loop.time()];
      log.push(await sleep("1.5s"), loop.time());
      expect(log).toEqual(["yeah", 100, undefined, 1600]);
    }));

  it("of zero gives what is ready one turn, and takes no time", () =>
    runVirtual(async () => {
      const log: string[] = [];
      const loop = getRunningLoop();
      loop.callSoon(() => {
        log.push("ready before");
        loop.callSoon(() => log.push("added meanwhile"));
      });
      log.push(`${await sleep(0, "result")} at ${loop.time()}`);
      await sleep(0);
      expect(log).toEqual(["ready before", "result at 0", "added meanwhile"]);
    }));

  it("that was cancelled leaves no timer behind: time does not move on to it", async () => {
    let time = -1;
    const stuck = runVirtual(async () => {
      const task = createTask(() => sleep("10h"));
      await sleep(1);
      task.cancel();
      try {
        await getRunningLoop().createFuture();
      } finally {
        time = getRunningLoop().time();
      }
    });
    await expect(stuck).rejects.toThrow(DeadlockError);
    expect(time).toBe(1);
  });

  it("ends sleepers in the order of their times, not of their calls", () =>
    runVirtual(async () => {
      const log: number[] = [];
      await Promise.all(
        [30, 10, 20].map((delay) => createTask(async () => log.push(await sleep(delay, delay)))),
      );
      expect(log).toEqual([10, 20, 30]);
    }));

  it("ends sleepers of the same time in the order of their calls", () =>
    runVirtual(async () => {
      const log: string[] = [];
      await Promise.all(
        ["a", "b", "c"].map((name) => createTask(async () => log.push(await sleep(5, name)))),
      );
      expect(log).toEqual(["a", "b", "c"]);
    }));

  it("of Infinity ends only by cancellation", () =>
    runVirtual(async () => {
      const task = createTask(() => sleep(Number.POSITIVE_INFINITY));
      await sleep("1000h");
      expect(task.done()).toBe(false);
      task.cancel();
      await expect(Promise.resolve(task)).rejects.toThrow(CancelledError);
    }));

  const refuses = (delay: unknown, message: RegExp) => (): Promise<void> =>
    runVirtual(async () => {
      // @ts-expect-error what a JavaScript caller may pass all the same
      expect(await sleep(delay).then(String, String)).toMatch(message);
    });

  it(
    "refuses a negative number",
    refuses(-1, /RangeError: delay is negative \(-1\): pass milliseconds >= 0/),
  );
  it("refuses NaN", refuses(Number.NaN, /RangeError: delay is NaN/));
  it("refuses a negative duration", refuses("-1s", /RangeError: delay is negative \('-1s'\)/));
  it(
    "refuses a space before the unit",
    refuses("10 s", /TypeError: delay is not a duration: '10 s'; pass milliseconds/),
  );
  it("refuses an unknown unit", refuses("10sec", /TypeError: delay is not a duration: '10sec'/));
  it("refuses text without a unit", refuses("10", /TypeError: delay is not a duration: '10'/));
  it("refuses text without a number", refuses("s", /TypeError: delay is not a duration: 's'/));
  it("refuses undefined", refuses(undefined, /TypeError: delay is not a duration: undefined/));
  it("refuses a bigint", refuses(10n, /TypeError: delay is not a duration: 10n/));

  it("needs a task: it says so in a callback, and outside of a loop", async () => {
    await expect(sleep(1)).rejects.toThrow(RuntimeError);
    await expect(sleep(1)).rejects.toThrow(/sleep\(\) needs a running event loop: call it inside run\(/);
    let inCallback: Promise<void> | undefined;
    await runVirtual(async () => {
      getRunningLoop().callSoon(() => {
        inCallback = sleep(1);
        inCallback.catch(() => {});
      });
      await sleep(0);
    });
    await expect(inCallback).rejects.toThrow(/sleep\(\) needs a task, and this is a loop callback/);
  });
});

describe("sleepForever", () => {
  it("ends by cancellation only", () =>
    runVirtual(async () => {
      const task = createTask(sleepForever);
      await sleep("1000h");
      expect(task.done()).toBe(false);
      task.cancel("enough");
      await expect(Promise.resolve(task)).rejects.toMatchObject({ reason: "enough" });
    }));
});

describe("checkpoint", () => {
  it("lets the others have a turn", () =>
    runVirtual(async () => {
      const log: string[] = [];
      const count = async (name: string): Promise<void> => {
        for (let i = 1; i <= 2; i++) {
          log.push(`${name}${i}`);
          await checkpoint();
        }
      };
      await Promise.all([createTask(() => count("a")), createTask(() => count("b"))]);
      expect(log).toEqual(["a1", "b1", "a2", "b2"]);
    }));

  it("throws in a computation that was asked to end", () =>
    runVirtual(async () => {
      let steps = 0;
      const task = createTask(async () => {
        for (;;) {
          steps++;
          await checkpoint();
        }
      });
      await sleep(0);
      await sleep(0);
      task.cancel();
      await expect(Promise.resolve(task)).rejects.toThrow(CancelledError);
      expect(steps).toBe(2);
    }));
});
