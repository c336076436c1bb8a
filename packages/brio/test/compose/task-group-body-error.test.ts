import { currentTask, Lock, sleep, taskGroup } from "brio";
import { describe, it } from "vitest";
import { failing, failingWhenCancelled, sleeper } from "./actors.ts";
import { expectTrace, outcome } from "./trace.ts";

describe("an error in the body of a task group", () => {
  it("after a wait cancels the tasks and comes in a group", () =>
    expectTrace(
      async (note) => {
        note(
          await outcome(
            taskGroup(async (group) => {
              group.createTask(sleeper(note, "one", 1000));
              group.createTask(sleeper(note, "two", 2000));
              await sleep(100);
              throw new Error("body");
            }),
          ),
        );
      },
      ["100 one: CancelledError", "100 two: CancelledError", "100 [Error(body)]"],
    ));

  it("before any wait cancels the tasks before they begin", () =>
    expectTrace(
      async (note) => {
        const tasks: { cancelled(): boolean }[] = [];
        note(
          await outcome(
            taskGroup((group) => {
              tasks.push(group.createTask(async () => note("one begins")));
              tasks.push(group.createTask(async () => note("two begins")));
              throw new Error("body");
            }),
          ),
        );
        note(tasks.map((task) => task.cancelled()).join());
      },
      ["0 [Error(body)]", "0 true,true"],
    ));

  it("comes in a group when there are no tasks", () =>
    expectTrace(
      async (note) => {
        note(
          await outcome(
            taskGroup(() => {
              throw new Error("body");
            }),
          ),
        );
      },
      ["0 [Error(body)]"],
    ));

  it("comes after the errors of the tasks", () =>
    expectTrace(
      async (note) => {
        note(
          await outcome(
            taskGroup(async (group) => {
              group.createTask(failing("task", 100));
              await failingWhenCancelled("body")();
            }),
          ),
        );
      },
      ["100 [Error(task), Error(body)]"],
    ));

  it("while a failing task cancels it leaves no cancellation behind", () =>
    expectTrace(
      async (note) => {
        const lock = new Lock();
        note(
          await outcome(
            taskGroup((group) =>
              lock.with(async () => {
                group.createTask(async () => {
                  throw new Error("task");
                });
                await sleep(1000).finally(() => {
                  throw new Error("clean-up");
                });
              }),
            ),
          ),
        );
        note(`asked ${currentTask()?.cancelling()} times, locked: ${lock.locked()}`);
        await sleep(10);
        note("the task goes on");
      },
      ["0 [Error(task), Error(clean-up)]", "0 asked 0 times, locked: false", "10 the task goes on"],
    ));
});
