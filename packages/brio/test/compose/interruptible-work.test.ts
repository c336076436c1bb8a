import { setTimeout as delay } from "node:timers/promises";
import { CancelledError, createTask, type EventLoop, interruptible, sleep, timeout } from "brio";
import { describe, expect, it } from "vitest";
import { errorOf, expectTrace, expectTraces, type Note, outcome, restTime, trace } from "./trace.ts";

/** What the tests stand in for: work that is not brio's, which ends after `delay` with `value`. */
function foreign<T>(loop: EventLoop, delay: number, value: T): Promise<T> {
  return new Promise((resolve) => void loop.callLater(delay, () => resolve(value)));
}

/** Work as `fetch` does it: told to stop, it rejects with an AbortError, `unwinding` later. */
function abortable(loop: EventLoop, note: Note, unwinding = 0): (signal: AbortSignal) => Promise<string> {
  return (signal) =>
    new Promise((resolve, reject) => {
      const handle = loop.callLater(1000, () => resolve("fetched"));
      signal.addEventListener("abort", () => {
        note(`told to stop: ${signal.reason instanceof CancelledError}`);
        handle.cancel();
        loop.callLater(unwinding, () => reject(new DOMException("This operation was aborted", "AbortError")));
      });
    });
}

describe("interruptible(work)", () => {
  it("gives the work's value, and its errors, thrown or rejected with", () =>
    expectTrace(
      async (note, loop) => {
        note(await interruptible(() => foreign(loop, 10, "value")));
        note(await interruptible(() => "at once"));
        note(await outcome(interruptible(() => Promise.reject(new Error("rejected")))));
        const thrower = (): string => {
          throw new Error("thrown");
        };
        note(await outcome(interruptible(thrower)));
      },
      ["10 value", "10 at once", "10 Error(rejected)", "10 Error(thrown)"],
    ));

  it("tells the work to stop, waits until it has, and is cancelled", () =>
    expectTrace(
      async (note, loop) => {
        const task = createTask(() => interruptible(abortable(loop, note, 50)));
        await sleep(10);
        task.cancel("enough");
        note(await outcome(task));
        note(`cancelled: ${task.cancelled()}`);
      },
      ["10 told to stop: true", "60 CancelledError(enough)", "60 cancelled: true"],
    ));

  it("tells work that takes no signal to stop, once, and waits until it has", () =>
    expectTrace(
      async (note, loop) => {
        const task = createTask(() => {
          let end: (error: Error) => void = () => {};
          const work = new Promise<never>((_, reject) => {
            end = reject;
          });
          const stop = (reason: CancelledError): void => {
            note(`told to stop: ${reason.reason}`);
            loop.callLater(50, () => end(reason));
          };
          return interruptible(() => work, { stop });
        });
        await sleep(10);
        task.cancel("enough");
        await sleep(10);
        task.cancel("once more");
        note(await outcome(task));
      },
      ["10 told to stop: enough", "60 CancelledError(enough)"],
    ));

  it("in a timeout gives TimeoutError", () =>
    expectTrace(
      async (note, loop) => {
        note(await outcome(timeout(10, () => interruptible(abortable(loop, note, 5)))));
      },
      ["10 told to stop: true", "15 TimeoutError"],
    ));

  it("gives the signal the cancellation for its reason", () =>
    trace(async () => {
      const reasons: unknown[] = [];
      const task = createTask(() =>
        interruptible(
          (signal) =>
            new Promise((_, reject) => {
              signal.addEventListener("abort", () => {
                reasons.push(signal.reason);
                reject(signal.reason);
              });
            }),
        ),
      );
      await sleep(10);
      task.cancel("enough");
      const error = await errorOf(task);
      expect(error).toBeInstanceOf(CancelledError);
      expect((error as CancelledError).reason).toBe("enough"); // asserted above
      expect(reasons).toEqual([error]);
    }));

  it("that ignores the abort is waited for, and its value given", () =>
    expectTraces(
      async (note, loop) => {
        const task = createTask(async () => {
          note(await interruptible(() => foreign(loop, 100, "in spite of it")));
          await sleep(1000);
        });
        await sleep(10);
        task.cancel();
        note(await outcome(task));
      },
      { sticky: ["100 in spite of it", "100 CancelledError"], once: ["100 in spite of it", "1100 done"] },
    ));

  it("that ignores the abort in a timeout outlasts it, and its value is given", () =>
    expectTrace(
      async (note, loop) => {
        const ended = timeout(10, async (t) => {
          const value = await interruptible(() => foreign(loop, 100, "in spite of it"));
          return `${value}, expired: ${t.expired()}`;
        });
        note(await outcome(ended));
      },
      ["100 in spite of it, expired: true"],
    ));

  it("that fails otherwise when it is told to stop passes that error", () =>
    expectTrace(
      async (note) => {
        const task = createTask(() =>
          interruptible(
            (signal) =>
              new Promise((_, reject) => {
                signal.addEventListener("abort", () => reject(new Error("half a file")));
              }),
          ),
        );
        await sleep(10);
        task.cancel();
        note(await outcome(task));
        note(`cancelled: ${task.cancelled()}`);
      },
      ["10 Error(half a file)", "10 cancelled: false"],
    ));

  it("that ends with an AbortError of its own, without having been told to stop, passes it", () =>
    expectTrace(
      async (note) => {
        const work = (): Promise<never> => Promise.reject(new DOMException("by the server", "AbortError"));
        note(await outcome(interruptible(work)));
      },
      ["0 AbortError(by the server)"],
    ));

  it("is told to stop once, however often it is cancelled", () =>
    expectTrace(
      async (note, loop) => {
        const task = createTask(() => interruptible(abortable(loop, note, 50)));
        await sleep(10);
        task.cancel("first");
        await sleep(10);
        task.cancel("second");
        note(await outcome(task));
      },
      ["10 told to stop: true", "60 CancelledError(first)"],
    ));

  it("is not told to stop when nobody cancels it", () =>
    expectTrace(
      async (note, loop) => {
        const task = createTask(() =>
          interruptible((signal) => {
            signal.addEventListener("abort", () => note("never"));
            return foreign(loop, 10, "value");
          }),
        );
        note(await task);
        task.cancel();
        await sleep(10);
      },
      ["10 value"],
    ));

  it("is not even begun in a scope that is cancelled; under asyncio's rule it is", () =>
    expectTraces(
      async (note) => {
        const task = createTask(async () => {
          await outcome(sleep(1000));
          note(await outcome(interruptible(() => note("begun"))));
        });
        await sleep(10);
        task.cancel();
        await task;
      },
      { sticky: ["10 CancelledError"], once: ["10 begun", "10 done"] },
    ));

  it("is not begun when a cancellation is about to be delivered", () =>
    expectTrace(
      async (note) => {
        const task = createTask(async () => {
          task.cancel();
          await interruptible(() => note("never"));
        });
        note(await outcome(task));
      },
      ["0 CancelledError"],
    ));

  it("stops Node's own APIs, which leave nothing behind", async () => {
    const time = await restTime(() =>
      outcome(timeout(10, () => interruptible((signal) => delay(3_600_000, null, { signal })))),
    );
    expect(time).toBe(10);
  });
});
