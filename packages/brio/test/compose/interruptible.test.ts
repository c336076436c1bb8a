import { createTask, type EventLoop, interruptible, RuntimeError, sleep, timeout } from "brio";
import { describe, expect, it } from "vitest";
import { errorOf, expectTrace, expectTraces, outcome, trace } from "./trace.ts";

/** What the tests stand in for: work that is not brio's, which ends after `delay` with `value`. */
function foreign<T>(loop: EventLoop, delay: number, value: T): Promise<T> {
  return new Promise((resolve) => void loop.callLater(delay, () => resolve(value)));
}

describe("interruptible(promise)", () => {
  it("gives the promise's value, and its error", () =>
    expectTrace(
      async (note, loop) => {
        note(await interruptible(foreign(loop, 10, "value")));
        note(await interruptible(Promise.resolve("settled before")));
        note(await outcome(interruptible(Promise.reject(new Error("failed")))));
      },
      ["10 value", "10 settled before", "10 Error(failed)"],
    ));

  it("ends the wait when it is cancelled; the work goes on", () =>
    expectTrace(
      async (note, loop) => {
        const work = foreign(loop, 100, "value");
        work.then(() => note("the work has ended"));
        note(await outcome(timeout(10, () => interruptible(work))));
        await sleep(200);
      },
      ["10 TimeoutError", "100 the work has ended"],
    ));

  it("can be waited for again, and by several, after one was cancelled", () =>
    expectTrace(
      async (note, loop) => {
        const work = foreign(loop, 100, "value");
        const waiting = [1, 2, 3].map((who) =>
          createTask(async () => note(`${who}: ${await outcome(interruptible(work))}`)),
        );
        await sleep(10);
        waiting[1]?.cancel();
        for (const task of waiting) await outcome(task);
        note(`again: ${await interruptible(work)}`);
      },
      ["10 2: CancelledError", "100 1: value", "100 3: value", "100 again: value"],
    ));

  it("looks at the promise once, however often it is waited for", () =>
    expectTrace(
      async (note, loop) => {
        const work = foreign(loop, 100, "value");
        let reactions = 0;
        const then = work.then.bind(work);
        // biome-ignore lint/suspicious/noThenProperty: that is what is counted
        Object.defineProperty(work, "then", {
          value: (...args: Parameters<typeof then>) => {
            reactions++;
            return then(...args);
          },
        });
        for (let i = 0; i < 5; i++) await outcome(timeout(10, () => interruptible(work)));
        note(`${await interruptible(work)}, ${reactions} reaction`);
      },
      ["100 value, 1 reaction"],
    ));

  it("that settles and is cancelled in one turn is cancelled", () =>
    expectTrace(
      async (note, loop) => {
        let settle: (value: string) => void = () => {};
        const work = new Promise<string>((resolve) => {
          settle = resolve;
        });
        const task = createTask(() => interruptible(work));
        loop.callAt(10, () => {
          settle("value");
          task.cancel();
        });
        note(await outcome(task));
        note(await interruptible(work));
      },
      ["10 CancelledError", "10 value"],
    ));

  it("of a promise that fails after nobody waits for it any more is no unhandled rejection", () =>
    expectTrace(
      async (note, loop) => {
        const work = new Promise<void>(
          (_, reject) => void loop.callLater(100, () => reject(new Error("late"))),
        );
        note(await outcome(timeout(10, () => interruptible(work))));
        await sleep(200);
        note(await outcome(interruptible(work)));
      },
      ["10 TimeoutError", "210 Error(late)"],
    ));

  it("begins no wait in a scope that is cancelled; under asyncio's rule it waits", () =>
    expectTraces(
      async (note, loop) => {
        const task = createTask(async () => {
          await outcome(sleep(1000));
          note(await outcome(interruptible(foreign(loop, 100, "value"))));
        });
        await sleep(10);
        task.cancel();
        await task;
      },
      { sticky: ["10 CancelledError"], once: ["110 value"] },
    ));

  it("takes any thenable", () =>
    expectTrace(
      async (note) => {
        const thenable = {
          // biome-ignore lint/suspicious/noThenProperty: that is what is tested
          then: (resolve: (value: string) => void) => resolve("value"),
        } as PromiseLike<string>; // it does what is needed of one
        note(await interruptible(thenable));
      },
      ["0 value"],
    ));

  it("refuses what is neither a promise nor a function", () =>
    trace(async () => {
      const error = await errorOf(interruptible(5 as never)); // the wrong type, on purpose
      expect(error).toBeInstanceOf(TypeError);
      expect(String(error)).toMatch(/interruptible\(\(signal\) => fetch\(url, \{ signal \}\)\)/);
    }));

  it("needs a task", async () => {
    expect(await errorOf(interruptible(Promise.resolve()))).toBeInstanceOf(RuntimeError);
  });
});
