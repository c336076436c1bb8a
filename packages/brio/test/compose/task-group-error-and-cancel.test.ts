import { createTask, currentTask, Event, sleep, taskGroup, uncancellable } from "brio";
import { describe, it } from "vitest";
import { failing, failingWhenCancelled, sleeper } from "./actors.ts";
import { expectTrace, expectTraces, name, outcome } from "./trace.ts";

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

  it("in a protected section leave the cancellation outside as it is: asyncio's rule has delivered it", () =>
    expectTraces(
      async (note) => {
        const runner = createTask(async () => {
          await outcome(sleep(1000));
          await uncancellable(async () => {
            note(await outcome(taskGroup((group) => void group.createTask(failing("inside", 5)))));
          });
          note(`next wait: ${await outcome(sleep(10))}`);
        });
        await sleep(10);
        runner.cancel();
        note(await outcome(runner));
      },
      {
        once: ["15 [Error(inside)]", "25 next wait: done", "25 done"],
        sticky: ["15 [Error(inside)]", "15 next wait: CancelledError", "15 done"],
      },
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
