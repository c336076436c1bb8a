import { createTask, shield, sleep, waitFor } from "brio";
import { describe, it } from "vitest";
import { failing, sleeper } from "./actors.ts";
import { expectTrace, outcome } from "./trace.ts";

describe("waitFor a shielded task", () => {
  it("with a limit of 0 gives up, and the task goes on", () =>
    expectTrace(
      async (note) => {
        const task = createTask(sleeper(note, "task", 10));
        const shielded = shield(task);
        note(await outcome(waitFor(shielded, 0)));
        note(`task: ${task.done()}, shielded: ${shielded.cancelled()}`);
        await sleep(100);
        note(`task: ${task.result()}`);
      },
      ["0 TimeoutError", "0 task: false, shielded: true", "10 task slept", "100 task: task"],
    ));

  it("without a limit waits to its end", () =>
    expectTrace(
      async (note) => {
        const task = createTask(sleeper(note, "task", 100));
        note(await waitFor(shield(task), null));
        note(`done: ${task.done()}`);
      },
      ["100 task slept", "100 task", "100 done: true"],
    ));

  it("with a limit gives up, and the task can be awaited", () =>
    expectTrace(
      async (note) => {
        const task = createTask(sleeper(note, "task", 100));
        note(await outcome(waitFor(shield(task), 10)));
        note(`done: ${task.done()}`);
        note(await task);
      },
      ["10 TimeoutError", "10 done: false", "100 task slept", "100 task"],
    ));

  it("that fails in time passes its error, which is not reported", () =>
    expectTrace(
      async (note) => {
        const task = createTask(failing("in time", 10));
        note(await outcome(waitFor(shield(task), 100)));
        await sleep(10);
      },
      ["10 Error(in time)"],
    ));

  it("that fails after everybody gave up is reported", () =>
    expectTrace(
      async (note) => {
        const task = createTask(async () => {
          await sleep(100);
          throw new Error("late");
        });
        note(await outcome(waitFor(shield(task), 10)));
        await sleep(200);
      },
      ["10 TimeoutError", "100 reported: Error exception in shielded future Error(late)"],
    ));

  it("inside a function that is cancelled leaves the task alone", () =>
    expectTrace(
      async (note) => {
        const task = createTask(sleeper(note, "task", 100));
        const waiter = createTask(() => waitFor(() => shield(task), 1000));
        await sleep(10);
        waiter.cancel();
        note(await outcome(waiter));
        note(await task);
      },
      ["10 CancelledError", "100 task slept", "100 task"],
    ));
});
