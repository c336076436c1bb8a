import { CancelledError, sleep, taskGroup, timeout, uncancellable } from "brio";
import { describe, expect, it } from "vitest";
import { failingWhenCancelled, sleeper } from "./actors.ts";
import { errorOf, expectTrace, name, outcome } from "./trace.ts";

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
