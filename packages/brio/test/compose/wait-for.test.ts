import {
  CancelledError,
  ContextVar,
  coroutine,
  createTask,
  currentTask,
  type Duration,
  sleep,
  TimeoutError,
  uncancellable,
  waitFor,
} from "brio";
import { describe, expect, it } from "vitest";
import { failing, failingWhenCancelled, sleeper } from "./actors.ts";
import { errorOf, expectTrace, expectTraces, name, outcome, trace } from "./trace.ts";

/** Sleeps for 200 ms in all, whatever happens; what it waits for is protected. */
const stubborn = async (): Promise<string> => {
  await uncancellable(() => sleep(200));
  return "to the end";
};

describe("waitFor", () => {
  it("gives the value in time, of whatever can be awaited", () =>
    expectTrace(
      async (note, loop) => {
        const future = loop.createFuture<string>();
        loop.callAt(10, () => future.setResult("future"));
        const nap = coroutine(() => sleep(10, "coroutine"));
        const foreign = new Promise<string>((resolve) => void loop.callAt(50, () => resolve("promise")));
        note(await waitFor(future, 100));
        note(await waitFor(nap(), 100));
        note(await waitFor(() => sleep(10, "function"), 100));
        note(
          await waitFor(
            createTask(() => sleep(10, "task")),
            100,
          ),
        );
        note(await waitFor(foreign, 100));
      },
      ["10 future", "20 coroutine", "30 function", "40 task", "50 promise"],
    ));

  it("without a limit waits to the end", () =>
    expectTrace(
      async (note) => {
        note(await waitFor(() => "at once", null));
        note(await waitFor(() => sleep("1h", "late"), null));
      },
      ["0 at once", "3600000 late"],
    ));

  it("gives a result that is set in the next turn", () =>
    expectTrace(
      async (note, loop) => {
        const future = loop.createFuture<string>();
        loop.callSoon(() => future.setResult("ok"));
        note(await waitFor(future, 200));
      },
      ["0 ok"],
    ));

  it("cancels a task when time is over, and throws TimeoutError", () =>
    expectTrace(
      async (note) => {
        const task = createTask(sleeper(note, "task", 10_000));
        note(await outcome(waitFor(task, "100ms")));
        note(`done: ${task.done()}, cancelled: ${task.cancelled()}`);
      },
      ["100 task: CancelledError", "100 TimeoutError", "100 done: true, cancelled: true"],
    ));

  it("passes the error of what it waits for", () =>
    expectTrace(
      async (note) => {
        note(await outcome(waitFor(failing("disk", 10), 100)));
        note(await outcome(waitFor(createTask(failing("task", 10)), 100)));
      },
      ["10 Error(disk)", "20 Error(task)"],
    ));

  it("passes the cancellation of what it waits for, which is not its caller's", () =>
    expectTrace(
      async (note, loop) => {
        const task = createTask(() => sleep(1000));
        loop.callAt(10, () => task.cancel("by another"));
        note(await outcome(waitFor(task, 100)));
        note(`asked ${currentTask()?.cancelling()} times`);
        await sleep(10);
        note("the caller goes on");
      },
      ["10 CancelledError(by another)", "10 asked 0 times", "20 the caller goes on"],
    ));

  it("runs a coroutine and a function in the calling task and context", () =>
    expectTrace(
      async (note) => {
        const variable = new ContextVar("variable", { default: "unset" });
        const me = currentTask();
        await waitFor(async () => {
          note(`the same task: ${currentTask() === me}`);
          variable.set("function");
        }, 100);
        note(variable.get());
        const set = coroutine(async () => void variable.set("coroutine"));
        await waitFor(set(), 100);
        note(variable.get());
      },
      ["0 the same task: true", "0 function", "0 coroutine"],
    ));

  it("stops waiting for a bare promise, whose work goes on", () =>
    expectTrace(
      async (note, loop) => {
        const work = new Promise<void>((resolve) => {
          loop.callLater(100, () => {
            note("the work has ended");
            resolve();
          });
        });
        note(await outcome(waitFor(work, 10)));
        await work;
      },
      ["10 TimeoutError", "100 the work has ended"],
    ));

  it("refuses bad limits and things to wait for, and begins nothing", () =>
    expectTrace(async (note) => {
      expect(await errorOf(waitFor(() => note("never"), -1))).toBeInstanceOf(RangeError);
      expect(await errorOf(waitFor(() => note("never"), "1 sec" as Duration))).toBeInstanceOf(TypeError);
      const error = await errorOf(waitFor(5 as never, 100)); // the wrong type, on purpose
      expect(error).toBeInstanceOf(TypeError);
      expect(String(error)).toMatch(/something to await, got 5/);
    }, []));
});

describe("waitFor, when time is over", () => {
  it("waits for the clean-up of what it has cancelled", () =>
    expectTrace(
      async (note) => {
        const task = createTask(async () => {
          try {
            await sleep(10_000);
          } finally {
            await uncancellable(() => sleep(5));
            note("cleaned up");
          }
        });
        const error = (await errorOf(waitFor(task, 10))) as Error; // shown by the trace
        note(`${name(error)} of ${name(error.cause)}`);
      },
      ["15 cleaned up", "15 TimeoutError of CancelledError"],
    ));

  it("waits for clean-up that is not protected under asyncio's rule; sticky, that has ended before", () =>
    expectTraces(
      async (note) => {
        const task = createTask(async () => {
          try {
            await sleep(10_000);
          } finally {
            note(`clean-up: ${await outcome(sleep(5))}`);
          }
        });
        note(await outcome(waitFor(task, 10)));
      },
      {
        once: ["15 clean-up: done", "15 TimeoutError"],
        sticky: ["10 clean-up: CancelledError", "10 TimeoutError"],
      },
    ));

  it("under asyncio's rule waits for work that swallows every cancellation and goes on", async () => {
    const events = await trace(async (note, loop) => {
      const slow = async (): Promise<string> => {
        const end = loop.time() + 200;
        while (loop.time() < end) await outcome(sleep(end - loop.time()));
        return "to the end";
      };
      note(await waitFor(slow, 100));
      const waiter = createTask(() => waitFor(slow, 400));
      await sleep(10);
      waiter.cancel();
      note(await outcome(waiter));
    }, "once");
    expect(events).toEqual(["200 to the end", "400 to the end"]);
  });

  it("waits for a protected function, and gives its value", () =>
    expectTrace(
      async (note) => {
        note(await outcome(waitFor(stubborn, 100)));
      },
      ["200 to the end"],
    ));

  it("waits for a protected task, which ends cancelled", () =>
    expectTrace(
      async (note) => {
        const task = createTask(stubborn);
        note(await outcome(waitFor(task, 100)));
        note(`cancelled: ${task.cancelled()}`);
      },
      ["200 TimeoutError", "200 cancelled: true"],
    ));

  it("gives the value of a function that swallows the cancellation", () =>
    expectTrace(
      async (note) => {
        const answer = async (): Promise<number> => {
          note(await outcome(sleep(1000)));
          return 42;
        };
        note(await outcome(waitFor(answer, 10)));
        note(await outcome(waitFor(createTask(answer), 10)));
        note(`asked ${currentTask()?.cancelling()} times`);
      },
      ["10 CancelledError", "10 42", "20 CancelledError", "20 42", "20 asked 0 times"],
    ));

  it("passes the error that the cancelled work throws instead", () =>
    expectTrace(
      async (note) => {
        note(await outcome(waitFor(failingWhenCancelled("function"), 10)));
        note(await outcome(waitFor(createTask(failingWhenCancelled("task")), 10)));
      },
      ["10 Error(function)", "20 Error(task)"],
    ));

  it("has a cancellation as the cause of its TimeoutError, which is none", () =>
    trace(async () => {
      const error = (await errorOf(waitFor(() => sleep(1000), 10))) as Error; // asserted next
      expect(error).toBeInstanceOf(TimeoutError);
      expect(error).not.toBeInstanceOf(CancelledError);
      expect(error.cause).toBeInstanceOf(CancelledError);
    }));
});
