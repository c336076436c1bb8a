import { createTask, currentTask, shield, sleep, taskGroup, uncancellable } from "brio";
import { describe, expect, it } from "vitest";
import { failingWhenCancelled, sleeper } from "./actors.ts";
import { errorOf, expectTrace, name, outcome, trace } from "./trace.ts";

describe("the cancellation of a task group from outside", () => {
  it("during the join cancels its tasks, waits for them, and goes on to the outside", () =>
    expectTrace(
      async (note) => {
        const runner = createTask(() =>
          taskGroup((group) => {
            for (const who of ["a", "b", "c"]) group.createTask(sleeper(note, who, 5000));
          }),
        );
        await sleep(100);
        note(`done: ${runner.done()}`);
        runner.cancel("enough");
        note(await outcome(runner));
        note(`cancelled: ${runner.cancelled()}, asked ${runner.cancelling()} time`);
      },
      [
        "100 done: false",
        "100 a: CancelledError",
        "100 b: CancelledError",
        "100 c: CancelledError",
        "100 CancelledError(enough)",
        "100 cancelled: true, asked 1 time",
      ],
    ));

  it("during the body cancels the body first, and its tasks when that has ended", () =>
    expectTrace(
      async (note) => {
        const runner = createTask(() =>
          taskGroup(async (group) => {
            for (const who of ["a", "b"]) group.createTask(sleeper(note, who, 5000));
            await sleeper(note, "body", 10_000)();
          }),
        );
        await sleep(100);
        runner.cancel("enough");
        note(await outcome(runner));
      },
      [
        "100 body: CancelledError(enough)",
        "100 a: CancelledError",
        "100 b: CancelledError",
        "100 CancelledError(enough)",
      ],
    ));

  it("cancels a body that has no tasks", () =>
    expectTrace(
      async (note) => {
        const runner = createTask(() => taskGroup(() => sleeper(note, "body", 10_000)()));
        await sleep(100);
        runner.cancel();
        note(await outcome(runner));
      },
      ["100 body: CancelledError", "100 CancelledError"],
    ));

  it("that the body asked for itself reaches the join, after the tasks' first steps", () =>
    expectTrace(
      async (note) => {
        const runner = createTask(() =>
          taskGroup((group) => {
            group.createTask(sleeper(note, "task", 1000));
            runner.cancel("by itself");
            note("the body ends");
          }),
        );
        note(await outcome(runner));
      },
      ["0 the body ends", "0 task: CancelledError", "0 CancelledError(by itself)"],
    ));

  it("names who asked for the cancellation of the tasks", () =>
    trace(async () => {
      const seen: unknown[] = [];
      const runner = createTask(() =>
        taskGroup((group) => {
          group.createTask(async () => {
            seen.push(await errorOf(sleep(1000)));
          });
        }),
      );
      await sleep(10);
      runner.cancel();
      await outcome(runner);
      expect(String(seen)).toMatch(/cancelled by the cancellation of its group/);
    }));

  it("does not touch a shielded task that the group's task awaits", () =>
    expectTrace(
      async (note) => {
        const kept = createTask(sleeper(note, "kept", 100));
        const runner = createTask(() =>
          taskGroup((group) => {
            group.createTask(() => shield(kept));
          }),
        );
        await sleep(10);
        runner.cancel();
        note(await outcome(runner));
        await kept;
      },
      ["10 CancelledError", "100 kept slept"],
    ));

  it("gives the errors that the tasks end with precedence", () =>
    expectTrace(
      async (note) => {
        const runner = createTask(() =>
          taskGroup(async (group) => {
            for (const who of ["a", "b"]) group.createTask(failingWhenCancelled(who));
            await sleep(10_000);
          }),
        );
        await sleep(100);
        runner.cancel();
        note(await outcome(runner));
        note(`cancelled: ${runner.cancelled()}`);
      },
      ["100 [Error(a), Error(b)]", "100 cancelled: false"],
    ));

  it("cancels each task once, also when one of them fails because of it", () =>
    expectTrace(
      async (note) => {
        const runner = createTask(() =>
          taskGroup(async (group) => {
            group.createTask(failingWhenCancelled("first"));
            group.createTask(async () => {
              const me = currentTask();
              await outcome(sleep(1000));
              await uncancellable(() => sleep(100));
              note(`asked ${me?.cancelling()} time`);
            });
          }),
        );
        await sleep(10);
        runner.cancel();
        note(await outcome(runner));
      },
      ["110 asked 1 time", "110 [Error(first)]"],
    ));

  it("gives an error that the body throws instead precedence", () =>
    expectTrace(
      async (note) => {
        const runner = createTask(() => taskGroup(failingWhenCancelled("body")));
        await sleep(100);
        runner.cancel();
        note(await outcome(runner));
      },
      ["100 [Error(body)]"],
    ));

  it("that the body swallows is not seen outside; the tasks go on", () =>
    expectTrace(
      async (note) => {
        const runner = createTask(() =>
          taskGroup(async (group) => {
            group.createTask(sleeper(note, "task", 50));
            await sleep(1000).catch((error) => note(`body: ${name(error)}`));
          }),
        );
        await sleep(10);
        runner.cancel();
        note(await outcome(runner));
      },
      ["10 body: CancelledError", "50 task slept", "50 done"],
    ));

  it("a second time during the join is not passed on to the tasks again", () =>
    expectTrace(
      async (note) => {
        const runner = createTask(() =>
          taskGroup((group) => {
            group.createTask(async () => {
              const me = currentTask();
              await sleep(1000).catch((error) => note(name(error)));
              await uncancellable(() => sleep(100));
              note(`cleaned up, asked ${me?.cancelling()} time`);
            });
          }),
        );
        await sleep(10);
        runner.cancel("first");
        await sleep(10);
        runner.cancel("second");
        note(await outcome(runner));
        note(`asked ${runner.cancelling()} times`);
      },
      ["10 CancelledError", "110 cleaned up, asked 1 time", "110 CancelledError(first)", "110 asked 2 times"],
    ));
});

describe("the cancellation of nested task groups from outside", () => {
  it("nests the errors of the inner group's tasks", () =>
    expectTrace(
      async (note) => {
        const runner = createTask(() =>
          taskGroup(() =>
            taskGroup(async (inner) => {
              inner.createTask(failingWhenCancelled("inner"));
              await sleep(10_000);
            }),
          ),
        );
        await sleep(100);
        runner.cancel();
        note(await outcome(runner));
      },
      ["100 [[Error(inner)]]"],
    ));

  it("ends the inner group before the outer's tasks are cancelled", () =>
    expectTrace(
      async (note) => {
        const runner = createTask(() =>
          taskGroup(async (outer) => {
            outer.createTask(sleeper(note, "outer", 10_000));
            await taskGroup(async (inner) => {
              inner.createTask(failingWhenCancelled("inner"));
              await sleeper(note, "body", 10_000)();
            });
          }),
        );
        await sleep(100);
        runner.cancel();
        note(await outcome(runner));
      },
      ["100 body: CancelledError", "100 outer: CancelledError", "100 [[Error(inner)]]"],
    ));
});
