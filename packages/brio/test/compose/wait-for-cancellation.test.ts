import { createTask, sleep, uncancellable, waitFor } from "brio";
import { describe, it } from "vitest";
import { sleeper } from "./actors.ts";
import { expectTrace, expectTraces, outcome } from "./trace.ts";

/** Sleeps for 200 ms in all, whatever happens; what it waits for is protected. */
const stubborn = async (): Promise<string> => {
  await uncancellable(() => sleep(200));
  return "to the end";
};

describe("the cancellation of waitFor", () => {
  it("cancels what it waits for, with and without a limit", () =>
    expectTrace(
      async (note) => {
        for (const limit of ["1m", null] as const) {
          const task = createTask(sleeper(note, "task", 100_000));
          const waiter = createTask(() => waitFor(task, limit));
          await sleep(10);
          waiter.cancel();
          note(await outcome(waiter));
          note(`cancelled: ${task.cancelled()}`);
        }
      },
      [
        "10 task: CancelledError",
        "10 CancelledError",
        "10 cancelled: true",
        "20 task: CancelledError",
        "20 CancelledError",
        "20 cancelled: true",
      ],
    ));

  it("before it has begun begins nothing, and leaves a running task alone", () =>
    expectTrace(
      async (note, loop) => {
        const task = createTask(sleeper(note, "task", 10));
        const waiter = createTask(() => waitFor(task, "1m"));
        waiter.cancel();
        note(await outcome(waiter));
        note(`${await task}, ${loop.time()}`);
      },
      ["0 CancelledError", "10 task slept", "10 task, 10"],
    ));

  it("waits for the end of what it waits for", () =>
    expectTrace(
      async (note) => {
        const waiter = createTask(() => waitFor(stubborn, 400));
        await sleep(10);
        waiter.cancel();
        note(await outcome(waiter));
      },
      ["200 CancelledError"],
    ));

  it("after its end reaches the caller's next wait", () =>
    expectTrace(
      async (note) => {
        const caller = createTask(async () => {
          await waitFor(async () => {}, 100);
          await sleeper(note, "next wait", 1000)();
          note("never");
        });
        await sleep(0);
        note(`done: ${caller.done()}`);
        caller.cancel();
        note(await outcome(caller));
      },
      ["0 done: false", "0 next wait: CancelledError", "0 CancelledError"],
    ));

  it("and its result in one turn: cancelled", () =>
    expectTrace(
      async (note, loop) => {
        const future = loop.createFuture<string>();
        const waiter = createTask(() => waitFor(future, 100));
        await sleep(0);
        future.setResult("value");
        waiter.cancel();
        note(await outcome(waiter));
      },
      ["0 CancelledError"],
    ));

  it("in sticky refuses a later waitFor; under asyncio's rule that waits", () =>
    expectTraces(
      async (note) => {
        const task = createTask(async () => {
          await outcome(sleep(1000));
          note(await outcome(waitFor(() => sleep(5, "value"), 100)));
        });
        await sleep(10);
        task.cancel();
        await task;
      },
      { sticky: ["10 CancelledError"], once: ["15 value"] },
    ));
});
