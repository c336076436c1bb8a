import {
  CancelledError,
  currentTask,
  getRunningLoop,
  RuntimeError,
  sleep,
  type Timeout,
  TimeoutError,
  timeout,
} from "brio";
import { describe, expect, it } from "vitest";
import { failingWhenCancelled } from "./actors.ts";
import { errorOf, expectTrace, name, outcome, trace } from "./trace.ts";

describe("the errors of a timeout", () => {
  it("TimeoutError has the cancellation as its cause", () =>
    trace(async () => {
      const error = (await errorOf(timeout(0, () => sleep(1)))) as Error; // asserted next
      expect(error).toBeInstanceOf(TimeoutError);
      expect(error.cause).toBeInstanceOf(CancelledError);
      expect(String(error.cause)).toMatch(/cancelled by a timeout/);
    }));

  it("TimeoutError is no CancelledError, and not confused with it by a catch of either", () => {
    expect(new TimeoutError("late")).not.toBeInstanceOf(CancelledError);
    expect(new CancelledError()).not.toBeInstanceOf(TimeoutError);
  });

  it("an error of the body before time is over passes", () =>
    expectTrace(
      async (note) => {
        let t: Timeout | undefined;
        const ended = timeout(10, (own) => {
          t = own;
          throw new Error("key");
        });
        note(await outcome(ended));
        note(`expired: ${t?.expired()}`);
        await sleep(20);
        note("the task goes on");
      },
      ["0 Error(key)", "0 expired: false", "20 the task goes on"],
    ));

  it("an error that the body throws while it unwinds passes in the place of TimeoutError", () =>
    expectTrace(
      async (note) => {
        let t: Timeout | undefined;
        const ended = timeout(10, async (own) => {
          t = own;
          await failingWhenCancelled("clean-up")();
        });
        note(await outcome(ended));
        note(`expired: ${t?.expired()}, asked ${currentTask()?.cancelling()} times`);
      },
      ["10 Error(clean-up)", "10 expired: true, asked 0 times"],
    ));

  it("an error under way when time is over is replaced by TimeoutError, as finally does", () =>
    expectTrace(
      async (note) => {
        const ended = timeout(10, async () => {
          try {
            throw new Error("first");
          } finally {
            await sleep(1000);
          }
        });
        const error = (await errorOf(ended)) as Error; // asserted by the trace
        note(`${name(error)} of ${name(error.cause)}`);
      },
      ["10 TimeoutError of CancelledError"],
    ));

  it("the last of several errors on the way out passes", () =>
    expectTrace(
      async (note) => {
        const ended = timeout(10, async () => {
          try {
            try {
              throw new Error("first");
            } finally {
              await sleep(1000);
            }
          } catch (cancelled) {
            try {
              throw new Error("second");
            } catch {
              throw new Error("third", { cause: cancelled });
            }
          }
        });
        const error = (await errorOf(ended)) as Error; // asserted by the trace
        note(`${name(error)} of ${name(error.cause)}`);
      },
      ["10 Error(third) of CancelledError"],
    ));
});

describe("misuse of a timeout", () => {
  it("outside a task is refused, and the body does not begin", () =>
    expectTrace(
      async (note) => {
        const refused = getRunningLoop().createFuture<string>();
        getRunningLoop().callSoon(() => {
          errorOf(timeout(10, () => note("never"))).then((error) => refused.setResult(String(error)));
        });
        expect(await refused).toMatch(/RuntimeError: timeout\(\) needs a task/);
        note("refused");
      },
      ["0 refused"],
    ));

  it("outside a loop is refused", async () => {
    const error = await errorOf(timeout(10, () => {}));
    expect(error).toBeInstanceOf(RuntimeError);
    expect(String(error)).toMatch(/needs a running event loop/);
  });

  it("with a promise for its body is refused: the promise could not be cancelled", () =>
    trace(async () => {
      const error = await errorOf(timeout(10, sleep(5) as never)); // the wrong type, on purpose
      expect(error).toBeInstanceOf(TypeError);
      expect(String(error)).toMatch(/timeout\("1s", \(\) => work\(\)\)/);
    }));
});
