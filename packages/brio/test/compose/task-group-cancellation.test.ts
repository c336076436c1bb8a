import {
  CancelledError,
  createTask,
  currentTask,
  Event,
  shield,
  sleep,
  taskGroup,
  timeout,
  uncancellable,
} from "brio";
import { describe, expect, it } from "vitest";
import { failing, failingWhenCancelled, sleeper } from "./actors.ts";
import { errorOf, expectTrace, expectTraces, name, outcome, trace } from "./trace.ts";

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

describe("a task that fails while its group's body cleans up after a cancellation", () => {
  it("ends the group with its error; sticky, clean-up that is not protected has ended before", () =>
    expectTraces(
      async (note) => {
        const runner = createTask(() =>
          taskGroup(async (group) => {
            group.createTask(failing("crash", 300));
            try {
              await sleep(10_000);
            } catch (error) {
              note(`body: ${name(error)}`);
              await sleeper(note, "clean-up", 500)();
              throw error;
            }
          }),
        );
        await sleep(100);
        runner.cancel();
        note(await outcome(runner));
      },
      {
        once: ["100 body: CancelledError", "300 clean-up: CancelledError", "300 [Error(crash)]"],
        sticky: ["100 body: CancelledError", "100 clean-up: CancelledError", "100 CancelledError"],
      },
    ));

  it("ends the group with its error after clean-up that is protected", () =>
    expectTrace(
      async (note) => {
        const runner = createTask(() =>
          taskGroup(async (group) => {
            group.createTask(failing("crash", 300));
            try {
              await sleep(10_000);
            } finally {
              await uncancellable(sleeper(note, "clean-up", 500));
            }
          }),
        );
        await sleep(100);
        runner.cancel();
        note(await outcome(runner));
      },
      ["600 clean-up slept", "600 [Error(crash)]"],
    ));

  it("ends a task that awaits the group's task with its error too", () =>
    expectTrace(
      async (note) => {
        const runner = createTask(async () => {
          await createTask(() =>
            taskGroup(async (group) => {
              group.createTask(failing("crash", 300));
              try {
                await sleep(10_000);
              } finally {
                await uncancellable(() => sleep(500));
              }
            }),
          );
        });
        await sleep(100);
        note(`done: ${runner.done()}`);
        runner.cancel();
        note(await outcome(runner));
      },
      ["100 done: false", "600 [Error(crash)]"],
    ));
});

describe("a failing task and a cancellation from outside at once", () => {
  it("throw the error, and the cancellation stays in force for the next wait", () =>
    expectTrace(
      async (note) => {
        const begun = new Event();
        const runner = createTask(async () => {
          const me = currentTask();
          note(
            await outcome(
              taskGroup(async (group) => {
                group.createTask(async () => {
                  begun.set();
                  await sleep(0);
                  throw new Error("disk");
                });
                await sleep(1000);
                note("never");
              }),
            ),
          );
          note(`asked ${me?.cancelling()} time`);
          await sleep(1000);
          note("never");
        });
        await begun.wait();
        note(`asked ${runner.cancelling()} times`);
        runner.cancel();
        note(await outcome(runner));
        note(`cancelled: ${runner.cancelled()}`);
      },
      ["0 asked 0 times", "0 [Error(disk)]", "0 asked 1 time", "0 CancelledError", "0 cancelled: true"],
    ));

  it("cancel a task that has nothing left to wait for", () =>
    expectTrace(
      async (note) => {
        const runner = createTask(async () => {
          note(
            await outcome(
              taskGroup(async (group) => {
                group.createTask(failingWhenCancelled("task"));
                await sleep(1000);
              }),
            ),
          );
          return "a value";
        });
        await sleep(10);
        runner.cancel("enough");
        note(await outcome(runner));
        note(`cancelled: ${runner.cancelled()}`);
      },
      ["10 [Error(task)]", "10 CancelledError", "10 cancelled: true"],
    ));

  it("leave no cancellation behind when the caller takes it back", () =>
    expectTrace(
      async (note) => {
        const runner = createTask(async () => {
          const me = currentTask();
          const ended = await outcome(
            taskGroup(async (group) => {
              group.createTask(failingWhenCancelled("task"));
              await sleep(1000);
            }),
          );
          note(`${ended}, ${me?.uncancel()} left`);
          await sleep(10);
          return "it goes on";
        });
        await sleep(10);
        runner.cancel();
        note(await outcome(runner));
      },
      ["10 [Error(task)], 0 left", "20 it goes on"],
    ));
});

describe("a timeout around a task group", () => {
  it("cancels its tasks, waits for their clean-up, and becomes a TimeoutError", () =>
    expectTrace(
      async (note) => {
        const grouped = timeout(100, () =>
          taskGroup((group) => {
            group.createTask(async () => {
              try {
                await sleep(1000);
              } finally {
                await uncancellable(sleeper(note, "clean-up", 50));
              }
            });
          }),
        );
        note(await outcome(grouped));
      },
      ["150 clean-up slept", "150 TimeoutError"],
    ));

  it("lets the group's errors pass, and nothing stays cancelled", () =>
    expectTrace(
      async (note) => {
        const grouped = timeout(100, (t) =>
          taskGroup((group) => {
            group.createTask(failingWhenCancelled("crash in the clean-up"));
          }).finally(() => note(`expired: ${t.expired()}`)),
        );
        note(await outcome(grouped));
        await sleep(10);
        note("the task goes on");
      },
      ["100 expired: true", "100 [Error(crash in the clean-up)]", "110 the task goes on"],
    ));

  it("inside one of its tasks is that task's affair", () =>
    expectTrace(
      async (note) => {
        const error = await errorOf(
          taskGroup((group) => {
            group.createTask(sleeper(note, "sibling", 100));
            group.createTask(async () => {
              note(await outcome(timeout(10, () => sleep(1000))));
            });
            group.createTask(() => timeout(20, () => sleep(1000)));
          }),
        );
        note(name(error));
        expect(error).not.toBeInstanceOf(CancelledError);
      },
      ["10 TimeoutError", "20 sibling: CancelledError", "20 [TimeoutError]"],
    ));
});
