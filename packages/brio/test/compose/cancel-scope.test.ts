import { CancelScope, createTask, currentTask, RuntimeError, sleep, taskGroup, timeout } from "brio";
import { describe, expect, it } from "vitest";
import { failing, sleeper } from "./actors.ts";
import { errorOf, expectTrace, expectTraces, outcome, restTime, trace } from "./trace.ts";

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

describe("CancelScopes in one another", () => {
  it("the inner is cancelled: the outer's body goes on", () =>
    expectTrace(
      async (note) => {
        const inner = new CancelScope();
        const value = await new CancelScope().run(async () => {
          await inner.run(async () => {
            inner.cancel();
            await sleeper(note, "inner", 10)();
          });
          await sleeper(note, "outer", 10)();
          return "value";
        });
        note(String(value));
      },
      ["0 inner: CancelledError", "10 outer slept", "10 value"],
    ));

  it("the outer is cancelled: the inner does not catch it", () =>
    expectTrace(
      async (note) => {
        const outer = new CancelScope();
        const inner = new CancelScope();
        await outer.run(async () => {
          await inner.run(async () => {
            outer.cancel();
            await sleeper(note, "inner", 10)();
          });
          note("never");
        });
        note(`caught: ${outer.cancelledCaught}, ${inner.cancelledCaught}`);
      },
      ["0 inner: CancelledError", "0 caught: true, false"],
    ));

  it("both are cancelled, in either order: the outer catches", () =>
    expectTrace(
      async (note) => {
        for (const innerFirst of [true, false]) {
          const outer = new CancelScope();
          const inner = new CancelScope();
          await outer.run(async () => {
            await inner.run(async () => {
              for (const scope of innerFirst ? [inner, outer] : [outer, inner]) scope.cancel();
              await sleep(10);
            });
            note("never");
          });
          note(`caught: ${outer.cancelledCaught}, ${inner.cancelledCaught}`);
        }
      },
      ["0 caught: true, false", "0 caught: true, false"],
    ));

  it("the task is cancelled too: nobody catches", () =>
    expectTrace(
      async (note) => {
        const scope = new CancelScope();
        const task = createTask(() => scope.run(() => sleep(1000)));
        await sleep(10);
        scope.cancel();
        task.cancel("from outside");
        const ended = await outcome(task);
        note(`${ended}, cancelled: ${task.cancelled()}, caught: ${scope.cancelledCaught}`);
      },
      ["10 CancelledError, cancelled: true, caught: false"],
    ));
});

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

describe("a CancelScope with a shield", () => {
  it("keeps a cancellation from outside away from its body, and delivers it afterwards", () =>
    expectTrace(
      async (note) => {
        const task = createTask(async () => {
          note(`value: ${await new CancelScope({ shield: true }).run(sleeper(note, "body", 100))}`);
          await sleeper(note, "next", 1000)();
        });
        await sleep(10);
        task.cancel("from outside");
        note(await outcome(task));
      },
      [
        "100 body slept",
        "100 value: body",
        "100 next: CancelledError(from outside)",
        "100 CancelledError(from outside)",
      ],
    ));

  it("has no grace: it keeps it away for as long as its body runs", () =>
    expectTrace(
      async (note) => {
        const task = createTask(() => new CancelScope({ shield: true }).run(sleeper(note, "body", 100_000)));
        await sleep(10);
        task.cancel();
        note(await outcome(task));
      },
      ["100000 body slept", "100000 CancelledError"],
    ));

  it("is still cancelled by itself, and by its deadline", () =>
    expectTrace(
      async (note) => {
        const shielded = new CancelScope({ shield: true, timeout: 10 });
        note(`value: ${await shielded.run(sleeper(note, "body", 1000))}`);
        const cancelled = new CancelScope({ shield: true });
        cancelled.cancel("by itself");
        note(`value: ${await cancelled.run(sleeper(note, "body", 1000))}`);
      },
      [
        "10 body: CancelledError",
        "10 value: undefined",
        "10 body: CancelledError(by itself)",
        "10 value: undefined",
      ],
    ));

  it("catches its own deadline, although a cancellation waits outside", () =>
    expectTrace(
      async (note) => {
        const task = createTask(async () => {
          const scope = new CancelScope({ shield: true, timeout: 20 });
          note(`value: ${await scope.run(sleeper(note, "body", 1000))}`);
          await sleeper(note, "next", 1000)();
        });
        await sleep(10);
        task.cancel("from outside");
        note(await outcome(task));
      },
      [
        "20 body: CancelledError",
        "20 value: undefined",
        "20 next: CancelledError(from outside)",
        "20 CancelledError(from outside)",
      ],
    ));

  it("keeps out a timeout around it", () =>
    expectTrace(
      async (note) => {
        const ended = timeout(10, async () => {
          await new CancelScope({ shield: true }).run(sleeper(note, "body", 100));
          await sleep(1000);
        });
        note(await outcome(ended));
      },
      ["100 body slept", "100 TimeoutError"],
    ));
});
