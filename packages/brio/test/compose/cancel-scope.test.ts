import { CancelScope, createTask, currentTask, RuntimeError, sleep, taskGroup } from "brio";
import { describe, expect, it } from "vitest";
import { failing, sleeper } from "./actors.ts";
import { errorOf, expectTrace, expectTraces, outcome, trace } from "./trace.ts";

describe("a CancelScope", () => {
  it("cancels its body from outside, without cancelling the task", () =>
    expectTrace(
      async (note) => {
        const scope = new CancelScope();
        const task = createTask(async () => {
          note(`value: ${await scope.run(sleeper(note, "body", 1000))}`);
          await sleep(10);
          return `asked ${currentTask()?.cancelling()} times`;
        });
        await sleep(10);
        scope.cancel();
        note(await outcome(task));
        note(`called: ${scope.cancelCalled}, caught: ${scope.cancelledCaught}`);
      },
      ["10 body: CancelledError", "10 value: undefined", "20 asked 0 times", "20 called: true, caught: true"],
    ));

  it("that is not cancelled gives the body's value, and passes its error", () =>
    expectTrace(
      async (note) => {
        const scope = new CancelScope();
        note(String(await scope.run(() => sleep(10, "value"))));
        note(`called: ${scope.cancelCalled}, caught: ${scope.cancelledCaught}`);
        note(await outcome(new CancelScope().run(failing("body", 10))));
      },
      ["10 value", "10 called: false, caught: false", "20 Error(body)"],
    ));

  it("cancelled by its own body ends it at the next wait", () =>
    expectTrace(
      async (note) => {
        const value = await new CancelScope().run(async (scope) => {
          scope.cancel();
          note("the body goes on");
          await sleeper(note, "body", 0)();
          note("never");
        });
        note(String(value));
      },
      ["0 the body goes on", "0 body: CancelledError", "0 undefined"],
    ));

  it("cancelled before it runs ends the body at its first wait", () =>
    expectTrace(
      async (note) => {
        const scope = new CancelScope();
        scope.cancel("no use");
        note(`value: ${await scope.run(sleeper(note, "body", 10))}`);
        note(`caught: ${scope.cancelledCaught}`);
      },
      ["0 body: CancelledError(no use)", "0 value: undefined", "0 caught: true"],
    ));

  it("refuses the body's later waits; under asyncio's rule it delivers once", () =>
    expectTraces(
      async (note) => {
        const scope = new CancelScope();
        await scope.run(async () => {
          scope.cancel();
          for (let i = 1; i <= 3; i++) note(`wait ${i}: ${await outcome(sleep(10))}`);
        });
        note(`caught: ${scope.cancelledCaught}`);
      },
      {
        sticky: [
          "0 wait 1: CancelledError",
          "0 wait 2: CancelledError",
          "0 wait 3: CancelledError",
          "0 caught: false",
        ],
        once: ["0 wait 1: CancelledError", "10 wait 2: done", "20 wait 3: done", "20 caught: false"],
      },
    ));

  it("cancelled twice is cancelled once, for the first reason", () =>
    expectTrace(
      async (note) => {
        const scope = new CancelScope();
        await scope.run(async () => {
          scope.cancel("first");
          scope.cancel("second");
          note(`asked ${currentTask()?.cancelling()} time`);
          await sleeper(note, "body", 10)();
        });
        note(`asked ${currentTask()?.cancelling()} times`);
      },
      ["0 asked 1 time", "0 body: CancelledError(first)", "0 asked 0 times"],
    ));

  it("cancelled after its body has ended changes nothing for the task", () =>
    expectTrace(
      async (note) => {
        const scope = new CancelScope();
        await scope.run(() => sleep(10));
        scope.cancel();
        note(`asked ${currentTask()?.cancelling()} times`);
        await sleep(10);
        note(`caught: ${scope.cancelledCaught}`);
      },
      ["10 asked 0 times", "20 caught: false"],
    ));

  it("cancels all branches and groups inside it, and none beside it", () =>
    expectTrace(
      async (note) => {
        const scope = new CancelScope();
        await Promise.all([
          sleeper(note, "beside", 50)(),
          scope.run(() =>
            Promise.all([
              sleeper(note, "branch", 1000)(),
              taskGroup((group) => {
                group.createTask(sleeper(note, "task", 1000));
              }),
            ]),
          ),
          sleep(10).then(() => scope.cancel()),
        ]);
      },
      ["10 branch: CancelledError", "10 task: CancelledError", "50 beside slept"],
    ));

  it("does not catch the cancellation of a task that its body awaits", () =>
    expectTrace(
      async (note) => {
        const other = createTask(() => sleep(1000));
        other.cancel("the other's");
        const scope = new CancelScope();
        note(await outcome(scope.run(() => other)));
        note(`caught: ${scope.cancelledCaught}`);
      },
      ["0 CancelledError(the other's)", "0 caught: false"],
    ));

  it("names itself as who asked", () =>
    trace(async () => {
      const scope = new CancelScope();
      scope.cancel("no use");
      await scope.run(async () => {
        expect(String(await errorOf(sleep(10)))).toBe("CancelledError: cancelled by a cancel scope: no use");
      });
    }));

  it("runs once", () =>
    trace(async () => {
      const scope = new CancelScope();
      await scope.run(() => {});
      const error = await errorOf(scope.run(() => {}));
      expect(error).toBeInstanceOf(RuntimeError);
      expect(String(error)).toMatch(/make a new CancelScope/);
    }));

  it("needs a task", async () => {
    expect(await errorOf(new CancelScope().run(() => {}))).toBeInstanceOf(RuntimeError);
  });
});
