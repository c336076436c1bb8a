import {
  createTask,
  currentSignal,
  currentTask,
  RuntimeError,
  sleep,
  taskGroup,
  timeout,
  uncancellable,
} from "brio";
import { describe, expect, it } from "vitest";
import { failing, sleeper } from "./actors.ts";
import { errorOf, expectTrace, outcome, trace } from "./trace.ts";

describe("an uncancellable section", () => {
  it("gives its body's value, and passes its error", () =>
    expectTrace(
      async (note) => {
        note(await uncancellable(async () => "value"));
        note(await uncancellable(() => "a value at once"));
        note(await outcome(uncancellable(failing("clean-up", 10))));
      },
      ["0 value", "0 a value at once", "10 Error(clean-up)"],
    ));

  it("lets clean-up wait in a scope that is being cancelled", () =>
    expectTrace(
      async (note) => {
        const task = createTask(async () => {
          try {
            await sleeper(note, "work", 1000)();
          } finally {
            await uncancellable(async () => {
              await sleep(10);
              await sleep(10);
              note("cleaned up");
            });
          }
        });
        await sleep(10);
        task.cancel();
        note(await outcome(task));
      },
      ["10 work: CancelledError", "30 cleaned up", "30 CancelledError"],
    ));

  it("keeps out a cancellation that comes meanwhile, and delivers it at the next wait", () =>
    expectTrace(
      async (note) => {
        const task = createTask(async () => {
          await uncancellable(sleeper(note, "section", 100));
          note(`asked ${currentTask()?.cancelling()} time`);
          await sleeper(note, "next", 1000)();
        });
        await sleep(10);
        task.cancel("enough");
        note(await outcome(task));
      },
      [
        "100 section slept",
        "100 asked 1 time",
        "100 next: CancelledError(enough)",
        "100 CancelledError(enough)",
      ],
    ));

  it("after which nothing waits any more ends the task cancelled", () =>
    expectTrace(
      async (note) => {
        const task = createTask(() => uncancellable(sleeper(note, "section", 100)));
        await sleep(10);
        task.cancel();
        note(await outcome(task));
        note(`cancelled: ${task.cancelled()}`);
      },
      ["100 section slept", "100 CancelledError", "100 cancelled: true"],
    ));

  it("keeps a timeout out; the body's value stands if no wait follows", () =>
    expectTrace(
      async (note) => {
        const ended = timeout(10, (t) =>
          uncancellable(async () => {
            await sleep(50);
            return `expired: ${t.expired()}`;
          }),
        );
        note(await outcome(ended));
      },
      ["50 expired: true"],
    ));

  it("keeps the failure of a sibling out, and the group waits for it", () =>
    expectTrace(
      async (note) => {
        const ended = taskGroup((group) => {
          group.createTask(() => uncancellable(sleeper(note, "section", 100)));
          group.createTask(failing("sibling", 10));
        });
        note(await outcome(ended));
      },
      ["100 section slept", "100 [Error(sibling)]"],
    ));

  it("does not keep out what is cancelled inside it", () =>
    expectTrace(
      async (note) => {
        await uncancellable(async () => {
          note(await outcome(timeout(10, () => sleep(1000))));
          const inner = createTask(() => sleep(1000));
          inner.cancel();
          note(await outcome(inner));
        });
      },
      ["10 TimeoutError", "10 CancelledError"],
    ));

  it("is of its branch: a branch beside it is cancelled", () =>
    expectTrace(
      async (note) => {
        const task = createTask(() =>
          Promise.allSettled([uncancellable(sleeper(note, "section", 100)), sleeper(note, "beside", 1000)()]),
        );
        await sleep(10);
        task.cancel();
        await task;
      },
      ["10 beside: CancelledError", "100 section slept"],
    ));

  it("protects the task that it awaits", () =>
    expectTrace(
      async (note) => {
        const saving = createTask(sleeper(note, "saving", 100));
        const task = createTask(async () => {
          await uncancellable(() => saving);
          await sleep(1000);
        });
        await sleep(10);
        task.cancel();
        note(await outcome(task));
      },
      ["100 saving slept", "100 CancelledError"],
    ));

  it("does not abort the signal inside it", () =>
    expectTrace(
      async (note) => {
        const task = createTask(() =>
          uncancellable(async () => {
            const signal = currentSignal();
            await sleep(100);
            note(`aborted: ${signal.aborted}, ${currentSignal().aborted}`);
          }),
        );
        await sleep(10);
        task.cancel();
        await outcome(task);
      },
      ["100 aborted: false, false"],
    ));

  it("takes a cancellation back when the body says so", () =>
    expectTrace(
      async (note) => {
        const task = createTask(async () => {
          await uncancellable(async () => {
            await sleep(100);
            note(`${currentTask()?.uncancel()} left`);
          });
          await sleeper(note, "next", 10)();
        });
        await sleep(10);
        task.cancel();
        note(await outcome(task));
      },
      ["100 0 left", "110 next slept", "110 done"],
    ));
});

describe("misuse of uncancellable", () => {
  it("with a promise is refused, and shows the right call", () =>
    trace(async () => {
      const error = await errorOf(uncancellable(Promise.resolve() as never)); // the wrong type, on purpose
      expect(error).toBeInstanceOf(TypeError);
      expect(String(error)).toMatch(/uncancellable\(\(\) => connection\.close\(\)\)/);
    }));

  it("with a negative grace is refused, before the body begins", () =>
    expectTrace(
      async (note) => {
        const error = await errorOf(uncancellable(async () => note("never"), { grace: -1 }));
        note(`${error instanceof RangeError}`);
      },
      ["0 true"],
    ));

  it("outside a task is refused", async () => {
    expect(await errorOf(uncancellable(() => {}))).toBeInstanceOf(RuntimeError);
  });
});
