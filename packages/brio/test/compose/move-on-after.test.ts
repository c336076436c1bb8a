import {
  createTask,
  currentTask,
  type Duration,
  moveOnAfter,
  sleep,
  taskGroup,
  timeout,
  uncancellable,
} from "brio";
import { describe, expect, it } from "vitest";
import { failing, sleeper } from "./actors.ts";
import { errorOf, expectTrace, expectTraces, name, outcome, restTime, trace } from "./trace.ts";

describe("moveOnAfter", () => {
  it("gives the body's value in time", () =>
    expectTrace(
      async (note) => {
        note(String(await moveOnAfter(100, () => sleep(10, "value"))));
        note(String(await moveOnAfter(100, () => "at once")));
      },
      ["10 value", "10 at once"],
    ));

  it("cancels the body when time is over, and gives undefined", () =>
    expectTrace(
      async (note) => {
        note(String(await moveOnAfter("10ms", sleeper(note, "body", 1000))));
        note(`asked ${currentTask()?.cancelling()} times`);
        await sleep(10);
        note("the task goes on");
      },
      ["10 body: CancelledError", "10 undefined", "10 asked 0 times", "20 the task goes on"],
    ));

  it("waits for the body's clean-up", () =>
    expectTrace(
      async (note) => {
        const ended = moveOnAfter(10, async () => {
          try {
            await sleep(1000);
          } finally {
            await uncancellable(sleeper(note, "clean-up", 50));
          }
        });
        note(String(await ended));
      },
      ["60 clean-up slept", "60 undefined"],
    ));

  it("tells through its scope whether it has moved on", () =>
    trace(async () => {
      const seen: boolean[][] = [];
      for (const work of [5, 1000]) {
        await moveOnAfter(10, async (scope) => {
          try {
            await sleep(work);
          } finally {
            seen.push([scope.cancelCalled, scope.cancelledCaught]);
          }
          return scope;
        });
      }
      expect(seen).toEqual([
        [false, false],
        [true, false],
      ]);
    }));

  it("passes the body's errors, also those on the way out", () =>
    expectTrace(
      async (note) => {
        note(await outcome(moveOnAfter(100, failing("in time", 10))));
        const late = moveOnAfter(10, () => sleep(1000).finally(() => Promise.reject(new Error("late"))));
        note(await outcome(late));
      },
      ["10 Error(in time)", "20 Error(late)"],
    ));

  it("gives the value of a body that swallows the cancellation", () =>
    expectTrace(
      async (note) => {
        const ended = moveOnAfter(10, async (scope) => {
          await sleep(1000).catch((error) => note(name(error)));
          return scope;
        });
        const scope = await ended;
        note(`called: ${scope?.cancelCalled}, caught: ${scope?.cancelledCaught}`);
      },
      ["10 CancelledError", "10 called: true, caught: false"],
    ));

  it("of null never moves on", () =>
    expectTrace(
      async (note) => {
        note(String(await moveOnAfter(null, () => sleep(10_000, "value"))));
      },
      ["10000 value"],
    ));

  it("of 0 ends the first wait", () =>
    expectTrace(
      async (note) => {
        note(String(await moveOnAfter(0, () => sleep(0, "value"))));
        note(String(await moveOnAfter(0, async () => "no wait")));
      },
      ["0 undefined", "0 no wait"],
    ));

  it("refuses bad durations, before the body begins", () =>
    expectTrace(async (note) => {
      expect(await errorOf(moveOnAfter(-1, () => note("never")))).toBeInstanceOf(RangeError);
      expect(await errorOf(moveOnAfter("1 second" as Duration, () => note("never")))).toBeInstanceOf(
        TypeError,
      );
    }, []));

  it("lets a cancellation from outside pass, before and after its time", () =>
    expectTrace(
      async (note) => {
        for (const when of [5, 15]) {
          const task = createTask(async () => {
            const ended = moveOnAfter(10, async () => {
              try {
                await sleep(1000);
              } finally {
                await uncancellable(() => sleep(20));
              }
            });
            note(`moved on: ${await ended}`);
          });
          await sleep(when);
          task.cancel("from outside");
          const error = await outcome(task);
          note(`${error.split("(")[0]}, cancelled: ${task.cancelled()}`);
        }
      },
      ["25 CancelledError, cancelled: true", "55 CancelledError, cancelled: true"],
    ));

  it("in a task that was cancelled before moves on under asyncio's rule; sticky, that cancellation passes", () =>
    expectTraces(
      async (note) => {
        for (const limit of [0, 10]) {
          const task = createTask(async () => {
            task.cancel("before");
            await outcome(sleep(1000));
            note(`moved on: ${await moveOnAfter(limit, () => sleep(1000))}`);
          });
          note(await outcome(task));
        }
      },
      {
        once: ["0 moved on: undefined", "0 done", "10 moved on: undefined", "10 done"],
        sticky: ["0 CancelledError(before)", "0 CancelledError(before)"],
      },
    ));

  it("inside a shorter one does not catch the outer's cancellation", () =>
    expectTrace(
      async (note) => {
        const ended = moveOnAfter(10, async () => {
          await moveOnAfter(100, sleeper(note, "body", 1000));
          note("never");
        });
        note(String(await ended));
      },
      ["10 body: CancelledError", "10 undefined"],
    ));

  it("inside a longer one moves on within it", () =>
    expectTrace(
      async (note) => {
        const ended = moveOnAfter(100, async () => {
          await moveOnAfter(10, sleeper(note, "body", 1000));
          note("the outer body goes on");
          await sleeper(note, "outer body", 1000)();
        });
        note(String(await ended));
      },
      [
        "10 body: CancelledError",
        "10 the outer body goes on",
        "100 outer body: CancelledError",
        "100 undefined",
      ],
    ));

  it("around a timeout, and in one: who expires first decides", () =>
    expectTrace(
      async (note) => {
        note(await outcome(moveOnAfter(20, () => timeout(10, () => sleep(1000)))));
        note(await outcome(moveOnAfter(10, () => timeout(20, () => sleep(1000)))));
        note(await outcome(timeout(20, () => moveOnAfter(10, () => sleep(1000)))));
        note(await outcome(timeout(10, () => moveOnAfter(20, () => sleep(1000)))));
      },
      ["10 TimeoutError", "20 done", "30 done", "40 TimeoutError"],
    ));

  it("in branches of one Promise.all moves on in its own branch", () =>
    expectTrace(
      async (note) => {
        const branch = async (who: string, limit: number): Promise<void> => {
          note(`${who}: ${await moveOnAfter(limit, () => sleep(25, "in time"))}`);
        };
        await Promise.all([branch("a", 10), branch("b", 20), branch("c", 30)]);
      },
      ["10 a: undefined", "20 b: undefined", "25 c: in time"],
    ));

  it("cancels a task group inside it, tasks and all", () =>
    expectTrace(
      async (note) => {
        const ended = moveOnAfter(10, () =>
          taskGroup((group) => {
            group.createTask(sleeper(note, "a", 1000));
            group.createTask(sleeper(note, "b", 1000));
          }),
        );
        note(String(await ended));
      },
      ["10 a: CancelledError", "10 b: CancelledError", "10 undefined"],
    ));

  it("leaves no timer behind", async () => {
    expect(await restTime(() => moveOnAfter("1h", () => sleep(10)))).toBe(10);
  });
});
