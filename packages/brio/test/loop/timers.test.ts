import { createTask, DeadlockError, getRunningLoop, sleep, type TimerHandle } from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

/** Numbers that look random and are the same each time. */
function* scattered(seed: number): Generator<number> {
  let state = seed;
  for (;;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state / 2 ** 32;
  }
}

describe("timers", () => {
  it("that are due at the same moment go off in the order in which they were set", () =>
    runVirtual(async () => {
      const loop = getRunningLoop();
      const order: number[] = [];
      const count = 1000;
      for (let i = 0; i < count; i++) loop.callAt(50, () => order.push(i));
      await sleep(60);
      expect(order).toEqual(Array.from({ length: count }, (_, i) => i));
    }));

  it("go off by their deadlines, and equal ones in order, whatever order they are set in", () =>
    runVirtual(async () => {
      const loop = getRunningLoop();
      const random = scattered(1);
      const set: { when: number; id: number }[] = [];
      const order: number[] = [];
      for (let id = 0; id < 2000; id++) {
        const when = Math.floor((random.next().value as number) * 50); // an endless generator
        set.push({ when, id });
        loop.callAt(when, () => order.push(id));
      }
      await sleep(60);
      const expected = [...set].sort((a, b) => a.when - b.when || a.id - b.id).map(({ id }) => id);
      expect(order).toEqual(expected);
    }));

  it("keep their order while others among them are cancelled", () =>
    runVirtual(async () => {
      const loop = getRunningLoop();
      const random = scattered(7);
      const set: { when: number; id: number; handle: TimerHandle }[] = [];
      const order: number[] = [];
      for (let id = 0; id < 2000; id++) {
        const when = 1 + Math.floor((random.next().value as number) * 50); // an endless generator
        set.push({ when, id, handle: loop.callAt(when, () => order.push(id)) });
        const victim = set[Math.floor((random.next().value as number) * set.length)];
        if (id % 3 > 0) victim?.handle.cancel();
      }
      await sleep(60);
      const kept = set.filter(({ handle }) => !handle.cancelled());
      expect(kept.length).toBeGreaterThan(500);
      expect(order).toEqual([...kept].sort((a, b) => a.when - b.when || a.id - b.id).map(({ id }) => id));
    }));

  it("are gone when they are cancelled, ten thousand of them: time does not move on to any", async () => {
    const log: string[] = [];
    const stuck = runVirtual(async () => {
      const loop = getRunningLoop();
      const handles = Array.from({ length: 10_000 }, (_, i) => loop.callLater(1 + i, () => log.push(`${i}`)));
      loop.callLater(5000.5, () => log.push(`the one that is left, at ${loop.time()}`));
      for (const handle of handles) handle.cancel();
      try {
        await loop.createFuture();
      } finally {
        log.push(`the end, at ${loop.time()}`);
      }
    });
    await expect(stuck).rejects.toThrow(DeadlockError);
    expect(log).toEqual(["the one that is left, at 5000.5", "the end, at 5000.5"]);
  });

  it("of ten thousand sleeps that are cancelled are gone as well", () =>
    runVirtual(async () => {
      const loop = getRunningLoop();
      const sleepers = Array.from({ length: 10_000 }, () => createTask(() => sleep("1h")));
      await sleep(1);
      for (const sleeper of sleepers) sleeper.cancel();
      await sleep(1);
      expect([sleepers.every((sleeper) => sleeper.cancelled()), loop.time()]).toEqual([true, 2]);
    }));

  it("that are set by a timer for the same moment go off at that moment", () =>
    runVirtual(async () => {
      const loop = getRunningLoop();
      const log: [string, number][] = [];
      loop.callAt(10, () => {
        log.push(["first", loop.time()]);
        loop.callAt(10, () => log.push(["set by the first", loop.time()]));
      });
      loop.callAt(10, () => log.push(["second", loop.time()]));
      await sleep(20);
      expect(log).toEqual([
        ["first", 10],
        ["second", 10],
        ["set by the first", 10],
      ]);
    }));

  it("come in behind what is ready", () =>
    runVirtual(async () => {
      const loop = getRunningLoop();
      const log: string[] = [];
      loop.callAt(10, () => {
        log.push("timer 1");
        loop.callSoon(() => log.push("made ready by timer 1"));
        loop.callLater(0, () => log.push("set by timer 1"));
      });
      loop.callAt(10, () => log.push("timer 2"));
      await sleep(20);
      expect(log).toEqual(["timer 1", "timer 2", "made ready by timer 1", "set by timer 1"]);
    }));
});
