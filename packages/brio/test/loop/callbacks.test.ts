import { coroutine, createTask, getRunningLoop, Handle, run, sleep, TimerHandle } from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";
import { outside } from "../tasks/outside.ts";

describe("callSoon", () => {
  it("calls on the next turn, in order, each once, with its arguments", () =>
    runVirtual(async () => {
      const log: unknown[] = [];
      const loop = getRunningLoop();
      const handle = loop.callSoon((...args: unknown[]) => log.push(args), 1, "two");
      loop.callSoon(() => log.push("second"));
      log.push("scheduled");
      await sleep(0);
      await sleep(0);
      expect(handle).toBeInstanceOf(Handle);
      expect(log).toEqual(["scheduled", [1, "two"], "second"]);
    }));

  it("keeps the order between callbacks and tasks", () =>
    runVirtual(async () => {
      const log: string[] = [];
      const loop = getRunningLoop();
      loop.callSoon(() => log.push("callback 1"));
      createTask(() => void log.push("task 2"));
      loop.callSoon(() => log.push("callback 3"));
      createTask(() => void log.push("task 4"));
      await sleep(0);
      expect(log).toEqual(["callback 1", "task 2", "callback 3", "task 4"]);
    }));

  it("from a callback calls a turn later, behind what was ready", () =>
    runVirtual(async () => {
      const log: string[] = [];
      const loop = getRunningLoop();
      loop.callSoon(() => {
        log.push("first");
        loop.callSoon(() => log.push("added by the first"));
      });
      loop.callSoon(() => log.push("second"));
      await sleep(0);
      log.push("a turn later");
      await sleep(0);
      expect(log).toEqual(["first", "second", "a turn later", "added by the first"]);
    }));

  it("may go on for ever without keeping timers from their time", () =>
    runVirtual(async () => {
      const loop = getRunningLoop();
      let turns = 0;
      const again = (): void => {
        turns++;
        handle = loop.callSoon(again);
      };
      let handle = loop.callSoon(again);
      const past = loop.callAt(loop.time() - 1, () => handle.cancel());
      await sleep(0);
      await sleep(0);
      expect([turns > 0, handle.cancelled(), past.cancelled()]).toEqual([true, true, false]);
    }));

  it("does not call what was cancelled before its turn", () =>
    runVirtual(async () => {
      const log: string[] = [];
      const loop = getRunningLoop();
      const handle = loop.callSoon(() => log.push("cancelled"));
      loop.callSoon(() => log.push("kept"));
      handle.cancel();
      await sleep(0);
      expect([handle.cancelled(), ...log]).toEqual([true, "kept"]);
    }));

  it("may be cancelled by a callback of the same turn", () =>
    runVirtual(async () => {
      const log: string[] = [];
      const loop = getRunningLoop();
      loop.callSoon(() => {
        log.push("first");
        second.cancel();
      });
      const second = loop.callSoon(() => log.push("second"));
      await sleep(0);
      expect(log).toEqual(["first"]);
    }));

  it("may be cancelled twice, and after it was called", () =>
    runVirtual(async () => {
      const handle = getRunningLoop().callSoon(() => {});
      expect(handle.cancelled()).toBe(false);
      await sleep(0);
      handle.cancel();
      handle.cancel();
      expect(handle.cancelled()).toBe(true);
    }));

  it("refuses what can't be called, by its own name", () =>
    runVirtual(() => {
      const loop = getRunningLoop();
      const work = coroutine(async () => {})();
      const attempts: [RegExp, () => unknown][] = [
        // @ts-expect-error a number can't be called
        [/callSoon\(\) takes a function as its callback, got number/, () => loop.callSoon(42)],
        // @ts-expect-error a string can't be called
        [/callLater\(\) takes a function as its callback, got string/, () => loop.callLater(1, "work")],
        // @ts-expect-error undefined can't be called
        [/callAt\(\) takes a function as its callback, got undefined/, () => loop.callAt(1, undefined)],
        // @ts-expect-error a coroutine can't be called: loop.createTask is for it
        [/callSoon\(\) takes a function as its callback, got object/, () => loop.callSoon(work)],
        // @ts-expect-error a promise can't be called
        [/takes a function as its callback, got object/, () => loop.callSoonThreadsafe(Promise.resolve())],
      ];
      for (const [message, attempt] of attempts) {
        expect(attempt).toThrow(TypeError);
        expect(attempt).toThrow(message);
      }
    }));

  it("names the callback in the handle's text", () =>
    runVirtual(() => {
      const loop = getRunningLoop();
      const handles = [loop.callSoon(function refresh() {}), loop.callSoon((() => () => {})())];
      handles[1]?.cancel();
      expect(handles.map(String)).toEqual(["<Handle refresh()>", "<Handle <anonymous>() cancelled>"]);
    }));
});

describe("callLater and callAt", () => {
  it("call when their time has come, with their arguments", () =>
    runVirtual(async () => {
      const loop = getRunningLoop();
      const log: unknown[] = [];
      const handle = loop.callLater("1.5s", (...args: unknown[]) => log.push(loop.time(), ...args), "a", 1);
      loop.callAt(500, () => log.push(loop.time()));
      expect(handle).toBeInstanceOf(TimerHandle);
      expect([handle.when(), handle.cancelled()]).toEqual([1500, false]);
      await sleep("2s");
      expect(log).toEqual([500, 1500, "a", 1]);
    }));

  it("of zero, and of a time gone by, call on the next turn, behind what is ready", () =>
    runVirtual(async () => {
      const loop = getRunningLoop();
      await sleep(100);
      const log: string[] = [];
      loop.callLater(0, () => log.push("no delay"));
      loop.callAt(50, () => log.push("long due"));
      loop.callSoon(() => log.push("ready"));
      await sleep(0);
      await sleep(0);
      expect([...log, loop.time()]).toEqual(["ready", "long due", "no delay", 100]);
    }));

  it("call nothing that was cancelled", () =>
    runVirtual(async () => {
      const loop = getRunningLoop();
      const log: string[] = [];
      const handle = loop.callLater(10, () => log.push("cancelled"));
      loop.callLater(5, () => handle.cancel());
      await sleep(20);
      expect([handle.cancelled(), handle.when(), ...log]).toEqual([true, 10]);
    }));

  it("may cancel one another when they are due at the same moment", () =>
    runVirtual(async () => {
      const loop = getRunningLoop();
      const log: string[] = [];
      loop.callAt(10, () => {
        log.push("first");
        second.cancel();
      });
      const second = loop.callAt(10, () => log.push("second"));
      await sleep(20);
      expect(log).toEqual(["first"]);
    }));

  it("refuse durations that make no sense", () =>
    runVirtual(() => {
      const loop = getRunningLoop();
      expect(() => loop.callLater(-1, () => {})).toThrow(/delay is negative \(-1\)/);
      expect(() => loop.callLater(Number.NaN, () => {})).toThrow(RangeError);
      // @ts-expect-error null is no duration
      expect(() => loop.callLater(null, () => {})).toThrow(/delay is not a duration: null/);
      // @ts-expect-error a duration is no loop time
      expect(() => loop.callAt("1s", () => {})).toThrow(/when is not a loop time: 1s; pass milliseconds/);
      expect(() => loop.callAt(Number.NaN, () => {})).toThrow(TypeError);
    }));
});

describe("callSoonThreadsafe", () => {
  it("wakes a loop in which everything waits, from a native callback outside of it", async () => {
    const log: string[] = [];
    await run(async () => {
      const loop = getRunningLoop();
      const future = loop.createFuture<string>();
      outside(() => setImmediate(() => loop.callSoonThreadsafe((text) => future.setResult(text), "woken")));
      log.push(await future);
    });
    expect(log).toEqual(["woken"]);
  });

  it("calls in order, on a later turn, and can be cancelled", () =>
    runVirtual(async () => {
      const loop = getRunningLoop();
      const log: number[] = [];
      const handles = outside(() => [1, 2, 3].map((n) => loop.callSoonThreadsafe(() => log.push(n))));
      handles[1]?.cancel();
      expect(log).toEqual([]);
      await sleep(0);
      expect(log).toEqual([1, 3]);
    }));
});

describe("time", () => {
  it("begins at zero under a virtual clock, and moves only while everything waits", () =>
    runVirtual(async () => {
      const loop = getRunningLoop();
      const times = [loop.time()];
      for (let i = 0; i < 1000; i++) await sleep(0);
      times.push(loop.time());
      await sleep("1h");
      times.push(loop.time());
      expect(times).toEqual([0, 0, 3_600_000]);
    }));

  it("never goes back on the system's clock, and has passed after a sleep", () =>
    run(async () => {
      const loop = getRunningLoop();
      const before = loop.time();
      await sleep(5);
      const after = loop.time();
      expect(after).toBeGreaterThanOrEqual(before + 5);
      expect(loop.time()).toBeGreaterThanOrEqual(after);
    }));
});
