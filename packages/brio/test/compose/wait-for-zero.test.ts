import { coroutine, createTask, sleep, uncancellable, waitFor } from "brio";
import { describe, it } from "vitest";
import { failingWhenCancelled, sleeper } from "./actors.ts";
import { errorOf, expectTrace, expectTraces, name, outcome } from "./trace.ts";

/** Sleeps for 200 ms in all, whatever happens; what it waits for is protected. */
const stubborn = async (): Promise<string> => {
  await uncancellable(() => sleep(200));
  return "to the end";
};

describe("waitFor with a limit of 0", () => {
  it("gives the result of what is done already", () =>
    expectTrace(
      async (note, loop) => {
        const future = loop.createFuture<string>();
        future.setResult("done before");
        note(await waitFor(future, 0));
        const failed = loop.createFuture<string>();
        failed.setException(new Error("failed before"));
        note(await outcome(waitFor(failed, 0)));
      },
      ["0 done before", "0 Error(failed before)"],
    ));

  it("lets nothing else run when it is done already", () =>
    expectTrace(
      async (note, loop) => {
        loop.callSoon(() => note("a callback"));
        const future = loop.createFuture<string>();
        future.setResult("done before");
        note(await waitFor(future, 0));
        await sleep(0);
      },
      ["0 done before", "0 a callback"],
    ));

  it("passes the cancellation of what was cancelled already", () =>
    expectTrace(
      async (note, loop) => {
        const future = loop.createFuture<string>();
        future.cancel("before");
        note(await outcome(waitFor(future, 0)));
      },
      ["0 CancelledError(before)"],
    ));

  it("passes the error that a running task throws instead of the cancellation", () =>
    expectTrace(
      async (note) => {
        const task = createTask(failingWhenCancelled("clean-up"));
        await sleep(5);
        note(await outcome(waitFor(task, 0)));
      },
      ["5 Error(clean-up)"],
    ));

  it("does not begin a coroutine or a function", () =>
    expectTrace(
      async (note) => {
        const never = coroutine(async () => note("never"));
        note(await outcome(waitFor(never(), 0)));
        note(await outcome(waitFor(() => note("never"), 0)));
        note(await outcome(waitFor(() => note("never"), "0s")));
      },
      ["0 TimeoutError", "0 TimeoutError", "0 TimeoutError"],
    ));

  it("cancels a running task and waits until it has ended", () =>
    expectTrace(
      async (note) => {
        const task = createTask(sleeper(note, "task", 10_000));
        await sleep(5);
        const error = (await errorOf(waitFor(task, 0))) as Error; // shown by the trace
        note(`${name(error)} of ${name(error.cause)}`);
        note(`cancelled: ${task.cancelled()}`);
      },
      ["5 task: CancelledError", "5 TimeoutError of CancelledError", "5 cancelled: true"],
    ));

  it("waits for the clean-up of a running task", () =>
    expectTrace(
      async (note) => {
        const task = createTask(async () => {
          try {
            await sleep(10_000);
          } finally {
            await uncancellable(() => sleep(10));
            note("cleaned up");
          }
        });
        await sleep(5);
        note(await outcome(waitFor(task, 0)));
      },
      ["15 cleaned up", "15 TimeoutError"],
    ));

  it("waits for clean-up that is not protected under asyncio's rule; sticky, that has ended before", () =>
    expectTraces(
      async (note) => {
        const task = createTask(async () => {
          try {
            await sleep(10_000);
          } finally {
            note(`clean-up: ${await outcome(sleep(10))}`);
          }
        });
        await sleep(5);
        note(await outcome(waitFor(task, 0)));
      },
      {
        once: ["15 clean-up: done", "15 TimeoutError"],
        sticky: ["5 clean-up: CancelledError", "5 TimeoutError"],
      },
    ));

  it("gives the value of a running task that does not let itself be stopped", () =>
    expectTrace(
      async (note) => {
        const task = createTask(async () => {
          note(await outcome(sleep(1000)));
          return "in spite of it";
        });
        await sleep(5);
        note(await waitFor(task, 0));
      },
      ["5 CancelledError", "5 in spite of it"],
    ));

  it("that is cancelled while it waits for the clean-up is cancelled", () =>
    expectTrace(
      async (note) => {
        const task = createTask(stubborn);
        await sleep(10);
        const waiter = createTask(() => waitFor(task, 0));
        await sleep(10);
        waiter.cancel("from outside");
        note(await outcome(waiter));
        note(await outcome(task));
      },
      ["20 CancelledError(from outside)", "200 CancelledError"],
    ));
});
