import { currentTask, sleep, taskGroup } from "brio";
import { describe, it } from "vitest";
import { failing, sleeper } from "./actors.ts";
import { expectTrace, outcome } from "./trace.ts";

describe("task groups in one another", () => {
  it("the failure of the outer group's task ends the inner group quietly", () =>
    expectTrace(
      async (note) => {
        note(
          await outcome(
            taskGroup(async (outer) => {
              outer.createTask(failing("outer", 100));
              await taskGroup((inner) => {
                inner.createTask(sleeper(note, "inner", 10_000));
              });
            }),
          ),
        );
      },
      ["100 inner: CancelledError", "100 [Error(outer)]"],
    ));

  it("the failure of the inner group's task is a group in the outer's group", () =>
    expectTrace(
      async (note) => {
        note(
          await outcome(
            taskGroup(async (outer) => {
              outer.createTask(sleeper(note, "outer", 10_000));
              await taskGroup((inner) => {
                inner.createTask(failing("inner", 100));
              });
            }),
          ),
        );
      },
      ["100 outer: CancelledError", "100 [[Error(inner)]]"],
    ));

  it("when both fail in one turn and the inner error is handled, the outer's cancellation stays in force", () =>
    expectTrace(
      async (note) => {
        const me = currentTask();
        note(
          await outcome(
            taskGroup(async (outer) => {
              note(
                await outcome(
                  taskGroup((inner) => {
                    inner.createTask(failing("inner", 0));
                    outer.createTask(failing("outer", 0));
                  }),
                ),
              );
              note(`asked ${me?.cancelling()} time`);
              note(`the next wait: ${await outcome(sleep(100))}`);
            }),
          ),
        );
        note(`asked ${me?.cancelling()} times`);
      },
      [
        "0 [Error(inner)]",
        "0 asked 1 time",
        "0 the next wait: CancelledError",
        "0 [Error(outer)]",
        "0 asked 0 times",
      ],
    ));
});
