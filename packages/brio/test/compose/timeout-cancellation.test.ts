import {
  CancelledError,
  createTask,
  currentTask,
  sleep,
  type Task,
  type Timeout,
  timeout,
  uncancellable,
} from "brio";
import { describe, it } from "vitest";
import { sleeper } from "./actors.ts";
import { errorOf, expectTrace, type Note, name, outcome } from "./trace.ts";

/**
 * A task that waits in a timeout of 50 ms, and needs 20 ms to clean up. It notes how the timeout ended, and whether its
 * time had been over.
 */
function limited(note: Note): Task<void> {
  return createTask(async () => {
    let t: Timeout | undefined;
    const work = timeout(50, async (own) => {
      t = own;
      try {
        await sleep(1000);
      } finally {
        await uncancellable(() => sleep(20));
      }
    });
    await work.catch((error) => {
      note(`${name(error)}, expired: ${t?.expired()}`);
      throw error;
    });
  });
}

describe("a cancellation from outside and a timeout", () => {
  it("before time is over: CancelledError", () =>
    expectTrace(
      async (note) => {
        const task = limited(note);
        await sleep(10);
        task.cancel("from outside");
        note(await outcome(task));
        note(`cancelled: ${task.cancelled()}`);
      },
      [
        "30 CancelledError(from outside), expired: false",
        "30 CancelledError(from outside)",
        "30 cancelled: true",
      ],
    ));

  it("time is over while the body cleans up after the cancellation: CancelledError", () =>
    expectTrace(
      async (note) => {
        const task = limited(note);
        await sleep(40);
        task.cancel("from outside");
        note(await outcome(task));
      },
      ["60 CancelledError(from outside), expired: true", "60 CancelledError(from outside)"],
    ));

  it("while the body cleans up after time was over: CancelledError", () =>
    expectTrace(
      async (note) => {
        const task = limited(note);
        await sleep(60);
        task.cancel("from outside");
        const error = await errorOf(task);
        note(`${error instanceof CancelledError}`);
        note(`cancelled: ${task.cancelled()}`);
      },
      ["70 CancelledError, expired: true", "70 true", "70 cancelled: true"],
    ));

  it("in one turn, the cancellation first: CancelledError", () =>
    expectTrace(
      async (note, loop) => {
        let task: Task<void> | undefined;
        loop.callAt(50, () => task?.cancel("from outside"));
        task = limited(note);
        note(await outcome(task));
      },
      ["70 CancelledError(from outside), expired: true", "70 CancelledError(from outside)"],
    ));

  it("in one turn, the deadline first: CancelledError", () =>
    expectTrace(
      async (note, loop) => {
        const task = limited(note);
        await sleep(0);
        loop.callAt(50, () => task.cancel("from outside"));
        note(await outcome(task));
        note(`cancelled: ${task.cancelled()}`);
      },
      ["70 CancelledError, expired: true", "70 CancelledError", "70 cancelled: true"],
    ));

  it("after the timeout has ended: TimeoutError, and the cancellation at the next wait", () =>
    expectTrace(
      async (note) => {
        const task = createTask(async () => {
          note(await outcome(timeout(10, () => sleep(1000))));
          await sleep(1000);
        });
        await sleep(20);
        task.cancel("from outside");
        note(await outcome(task));
      },
      ["10 TimeoutError", "20 CancelledError(from outside)"],
    ));

  it("that the body asks for itself is one from outside", () =>
    expectTrace(
      async (note) => {
        const task = createTask(async () => {
          const ended = timeout(10, async (t) => {
            currentTask()?.cancel("by itself");
            try {
              await sleep(1000);
            } finally {
              note(`expired: ${t.expired()}`);
            }
          });
          await ended;
        });
        note(await outcome(task));
      },
      ["0 expired: false", "0 CancelledError(by itself)"],
    ));

  it("that the body takes back leaves the timeout in force", () =>
    expectTrace(
      async (note) => {
        const task = createTask(async () => {
          const ended = timeout(50, async () => {
            await sleep(1000).catch((error) => note(name(error)));
            note(`${currentTask()?.uncancel()} left`);
            await sleep(1000);
          });
          note(await outcome(ended));
          await sleep(10);
        });
        await sleep(10);
        task.cancel("never mind");
        note(await outcome(task));
      },
      ["10 CancelledError(never mind)", "10 0 left", "50 TimeoutError", "60 done"],
    ));

  it("cancels who awaits something else inside the timeout, and not the timeout's caller twice", () =>
    expectTrace(
      async (note) => {
        const task = createTask(async () => {
          const child = createTask(sleeper(note, "child", 1000));
          await timeout(50, () => child);
        });
        await sleep(10);
        task.cancel("from outside");
        note(await outcome(task));
        note(`asked ${task.cancelling()} time`);
      },
      ["10 child: CancelledError(from outside)", "10 CancelledError(from outside)", "10 asked 1 time"],
    ));
});
