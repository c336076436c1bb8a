import process from "node:process";
import { createTask, interruptible, Lock, Queue, sleep, wait } from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";
import { Child } from "../run/child.ts";

// Windows has no such signals.
const POSIX = { skip: process.platform === "win32" };

// Were Node starved, the program would never end: the test fails by its timeout, and the program is killed.

describe("a socket, a timer and a signal get through to a program that spins on", POSIX, () => {
  const fixture = new URL("fixtures/spinner.ts", import.meta.url);
  const lets = (spinner: string) => async (): Promise<void> => {
    const child = new Child(fixture, [spinner]);
    await child.printed("ready");
    child.kill("SIGUSR2");
    const { code, out, err } = await child.ended;
    expect([code, err]).toEqual([0, ""]);
    expect([out[0], out[4]]).toEqual(["ready", "done"]);
    expect([...out].sort()).toEqual(["done", "ready", "signal", "socket: hello", "timer"]);
  };
  it("sleep(0)", lets("sleep(0)"));
  it("a queue that always has items", lets("a queue that always has items"));
  it("a bounded queue that always has room", lets("a bounded queue that always has room"));
  it("a lock that nobody else wants", lets("a lock that nobody else wants"));
  it("a full queue, with somebody who empties it", lets("two tasks and a full queue"));
  it("a callback that schedules itself", lets("a callback that schedules itself"));
});

describe("in virtual time, too, Node has its turn while a task spins on", () => {
  /** Spins until a native immediate has come through. */
  const spinUntilImmediate = (spin: () => Promise<unknown>): Promise<void> =>
    runVirtual(async () => {
      let came = false;
      setImmediate(() => {
        came = true;
      });
      // Not for ever: a starved Node could not end this test by its timeout.
      for (let turn = 0; turn < 1_000_000 && !came; turn++) await spin();
      expect(came).toBe(true);
    });

  it("sleep(0)", () => spinUntilImmediate(() => sleep(0)));

  it("a lock that nobody else wants", () => {
    const lock = new Lock();
    return spinUntilImmediate(() => lock.with(() => {}));
  });

  it("a queue that always has items", () => {
    const queue = new Queue<number>();
    return spinUntilImmediate(() => queue.put(1).then(() => queue.get()));
  });
});

describe("the pause that lets Node have its turn", () => {
  it("is not seen in the order of events: a task that need not wait still runs in one stretch", () =>
    runVirtual(async () => {
      const lock = new Lock();
      const log: string[] = [];
      const work = async (name: string): Promise<void> => {
        log.push(`${name} begins`);
        for (let i = 0; i < 100; i++) await lock.with(() => {});
        log.push(`${name} ends`);
      };
      await Promise.all([createTask(() => work("a")), createTask(() => work("b"))]);
      expect(log).toEqual(["a begins", "a ends", "b begins", "b ends"]);
    }));

  it("can't be cancelled: what the operation took is not lost", () =>
    runVirtual(async () => {
      const queue = new Queue<number>();
      const total = 50_000;
      for (let item = 0; item < total; item++) queue.putNowait(item);
      const taken: number[] = [];
      const consumer = createTask(async () => {
        for (;;) taken.push(await queue.get());
      });
      // Node's first turn comes in the middle: the consumer is in its pause.
      await interruptible(new Promise((resolve) => setImmediate(resolve)));
      consumer.cancel();
      expect([taken.length > 0, taken.length < total]).toEqual([true, true]);
      // Its gets find items and need not wait; it ends at the first that has to.
      await wait([consumer]);
      expect([consumer.cancelled(), taken.length]).toEqual([true, total]);
      expect(taken.every((item, i) => item === i)).toBe(true);
    }));
});
