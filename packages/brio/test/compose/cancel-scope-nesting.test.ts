import { CancelScope, createTask, sleep } from "brio";
import { describe, it } from "vitest";
import { sleeper } from "./actors.ts";
import { expectTrace, outcome } from "./trace.ts";

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
