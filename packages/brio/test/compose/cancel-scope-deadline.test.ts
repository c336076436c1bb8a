import { CancelScope, sleep } from "brio";
import { describe, expect, it } from "vitest";
import { expectTrace, restTime } from "./trace.ts";

describe("the deadline of a CancelScope", () => {
  it("is a loop time, or a duration from when the scope is entered", () =>
    expectTrace(
      async (note) => {
        const at = new CancelScope({ deadline: 30 });
        const after = new CancelScope({ timeout: 30 });
        await sleep(10);
        note(`${at.deadline}, ${after.deadline}`);
        await at.run(() => sleep(1000));
        note(`at: ${at.cancelledCaught}`);
        await after.run(() => sleep(1000));
        note(`after: ${after.cancelledCaught}, ${after.deadline}`);
      },
      ["10 30, null", "30 at: true", "60 after: true, 60"],
    ));

  it("is the earlier one when both are given", () =>
    expectTrace(
      async (note) => {
        await new CancelScope({ deadline: 10, timeout: 20 }).run(() => sleep(1000));
        note("by the deadline");
        await new CancelScope({ deadline: 1000, timeout: 20 }).run(() => sleep(1000));
        note("by the timeout");
      },
      ["10 by the deadline", "30 by the timeout"],
    ));

  it("can be moved while the body runs, to and fro", () =>
    expectTrace(
      async (note) => {
        const scope = new CancelScope({ timeout: 10 });
        await scope.run(async () => {
          scope.deadline = 1000;
          await sleep(20);
          scope.deadline = 50;
          note(`${scope.deadline}`);
          await sleep(1000);
        });
        note(`caught: ${scope.cancelledCaught}`);
      },
      ["20 50", "50 caught: true"],
    ));

  it("can be taken away", () =>
    expectTrace(
      async (note) => {
        const scope = new CancelScope({ timeout: 10 });
        const value = await scope.run(async () => {
          scope.deadline = null;
          await sleep(1000);
          return "value";
        });
        note(String(value));
      },
      ["1000 value"],
    ));

  it("can be set before the scope is entered", () =>
    expectTrace(
      async (note) => {
        const scope = new CancelScope();
        scope.deadline = 10;
        await scope.run(() => sleep(1000));
        note(`caught: ${scope.cancelledCaught}`);
      },
      ["10 caught: true"],
    ));

  it("in the past cancels on the next turn", () =>
    expectTrace(
      async (note) => {
        await sleep(100);
        const scope = new CancelScope();
        await scope.run(async () => {
          scope.deadline = 10;
          note(`called: ${scope.cancelCalled}`);
          await sleep(1000);
        });
        note(`called: ${scope.cancelCalled}`);
      },
      ["100 called: false", "100 called: true"],
    ));

  it("set after the body has ended does nothing", async () => {
    const time = await restTime(async () => {
      const scope = new CancelScope();
      await scope.run(() => sleep(10));
      scope.deadline = 1000;
    });
    expect(time).toBe(10);
  });

  it("leaves no timer behind, however often it was moved", async () => {
    const time = await restTime(async () => {
      const scope = new CancelScope({ timeout: "1h" });
      await scope.run(async () => {
        for (let i = 1; i < 10; i++) scope.deadline = i * 10_000;
        await sleep(10);
      });
    });
    expect(time).toBe(10);
  });

  it("that is no duration is refused when the scope is made", () => {
    expect(() => new CancelScope({ timeout: -1 })).toThrow(RangeError);
    expect(() => new CancelScope({ timeout: "soon" as never })).toThrow(TypeError); // the wrong type, on purpose
  });

  it("that is no time is refused", () => {
    expect(() => new CancelScope({ deadline: Number.NaN })).toThrow(TypeError);
    expect(() => {
      new CancelScope().deadline = Number.NaN;
    }).toThrow(TypeError);
  });
});
