import {
  CancelledError,
  createTask,
  currentTask,
  Event,
  sleep,
  type Task,
  type Timeout,
  timeout,
  uncancellable,
} from "brio";
import { describe, expect, it } from "vitest";
import { sleeper } from "./actors.ts";
import { errorOf, expectTrace, expectTraces, type Note, name, outcome, trace } from "./trace.ts";

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

describe("the count of cancellations around a timeout", () => {
  it("is what it was before, whatever the end", () =>
    trace(async () => {
      const me = currentTask();
      const seen: (number | undefined)[] = [];
      const count = () => void seen.push(me?.cancelling());
      await timeout(10, () => {});
      count();
      await outcome(timeout(10, () => sleep(1000)));
      count();
      await outcome(timeout(10, () => Promise.reject(new Error("body"))));
      count();
      await timeout(10, () => sleep(1000).catch(count));
      count();
      expect(seen).toEqual([0, 0, 0, 1, 0]);
    }));

  it("is not changed by an uncancel that meant the deadline", () =>
    expectTrace(
      async (note) => {
        const me = currentTask();
        const go = new Event();
        const ended = timeout(10, async () => {
          await go.wait().catch((error) => note(name(error)));
          note(`${me?.uncancel()} left`);
          return "swallowed";
        });
        note(await outcome(ended));
        note(`asked ${me?.cancelling()} times`);
        await sleep(10);
        note("the task goes on");
      },
      ["10 CancelledError", "10 0 left", "10 swallowed", "10 asked 0 times", "20 the task goes on"],
    ));
});
