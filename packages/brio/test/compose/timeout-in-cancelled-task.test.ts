import { createTask, currentTask, sleep, timeout, uncancellable } from "brio";
import { describe, it } from "vitest";
import { expectTrace, expectTraces, name, outcome } from "./trace.ts";

describe("a timeout in a task that is being cancelled", () => {
  it("has its time under asyncio's rule; sticky, its wait is refused", () =>
    expectTraces(
      async (note) => {
        const task = createTask(async () => {
          currentTask()?.cancel();
          await sleep(1000).catch((error) => note(name(error)));
          note(`clean-up: ${await outcome(timeout(10, () => sleep(1000)))}`);
        });
        await outcome(task);
        note(`asked ${task.cancelling()} time`);
      },
      {
        once: ["0 CancelledError", "10 clean-up: TimeoutError", "10 asked 1 time"],
        sticky: ["0 CancelledError", "0 clean-up: CancelledError", "0 asked 1 time"],
      },
    ));

  it("that gives no time at all is refused for the older reason when sticky", () =>
    expectTraces(
      async (note) => {
        const task = createTask(async () => {
          currentTask()?.cancel();
          await sleep(1000).catch((error) => note(name(error)));
          note(`clean-up: ${await outcome(timeout(0, () => sleep(1000)))}`);
        });
        await outcome(task);
      },
      {
        once: ["0 CancelledError", "0 clean-up: TimeoutError"],
        sticky: ["0 CancelledError", "0 clean-up: CancelledError"],
      },
    ));

  it("asked for before the timeout, and without effect yet, is the body's affair", () =>
    expectTrace(
      async (note) => {
        const task = createTask(async () => {
          currentTask()?.cancel("just before");
          await timeout(0, () => sleep(1000));
        });
        note(await outcome(task));
      },
      ["0 TimeoutError"],
    ));

  it("passes a second cancellation on", () =>
    expectTraces(
      async (note) => {
        const task = createTask(async () => {
          const me = currentTask();
          me?.cancel("first");
          await sleep(1000).catch((error) => note(name(error)));
          const cleanUp = timeout(1000, async () => {
            me?.cancel("second");
            await sleep(2000);
          });
          note(`clean-up: ${await outcome(cleanUp)}`);
        });
        await outcome(task);
        note(`asked ${task.cancelling()} times`);
      },
      {
        once: ["0 CancelledError(first)", "0 clean-up: CancelledError(second)", "0 asked 2 times"],
        sticky: ["0 CancelledError(first)", "0 clean-up: CancelledError(second)", "0 asked 2 times"],
      },
    ));

  it("has its time again after uncancel", () =>
    expectTrace(
      async (note) => {
        const task = createTask(async () => {
          const me = currentTask();
          me?.cancel();
          await sleep(1000).catch((error) => note(name(error)));
          me?.uncancel();
          note(await outcome(timeout(10, () => sleep(1000))));
        });
        await task;
        note(`cancelled: ${task.cancelled()}`);
      },
      ["0 CancelledError", "10 TimeoutError", "10 cancelled: false"],
    ));
});

describe("a timeout in a protected section", () => {
  it("throws TimeoutError there, although a cancellation waits outside", () =>
    expectTrace(
      async (note) => {
        const task = createTask(async () => {
          const section = uncancellable(async () => {
            note(`inside: ${await outcome(timeout(10, () => sleep(1000)))}`);
            await sleep(10);
            note("the section goes on");
          });
          await section;
          await sleep(1000);
        });
        await sleep(5);
        task.cancel("from outside");
        note(await outcome(task));
      },
      ["10 inside: TimeoutError", "20 the section goes on", "20 CancelledError(from outside)"],
    ));

  it("throws TimeoutError there, although the task was cancelled before", () =>
    expectTrace(
      async (note) => {
        const task = createTask(async () => {
          try {
            await sleep(1000);
          } finally {
            await uncancellable(async () => {
              note(`inside: ${await outcome(timeout(10, () => sleep(1000)))}`);
            });
          }
        });
        await sleep(5);
        task.cancel("from outside");
        note(await outcome(task));
      },
      ["15 inside: TimeoutError", "15 CancelledError(from outside)"],
    ));
});
