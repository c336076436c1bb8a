import {
  allTasks,
  CancelledError,
  CancelScope,
  createTask,
  currentSignal,
  moveOnAfter,
  RuntimeError,
  sleep,
  TimeoutError,
  taskGroup,
  timeout,
  uncancellable,
} from "brio";
import { describe, expect, it } from "vitest";
import { failing, sleeper } from "./actors.ts";
import { errorOf, expectTrace, name, outcome, trace } from "./trace.ts";

describe("the current signal", () => {
  it("is not aborted, and the same for the whole scope", () =>
    trace(async () => {
      const signal = currentSignal();
      await sleep(10);
      expect(signal.aborted).toBe(false);
      expect(currentSignal()).toBe(signal);
      expect(await createTask(async () => currentSignal())).not.toBe(signal);
    }));

  it("of a task is aborted when the task is cancelled, with the CancelledError for its reason", () =>
    expectTrace(
      async (note) => {
        const task = createTask(async () => {
          const signal = currentSignal();
          signal.addEventListener("abort", () => note(`aborted: ${name(signal.reason)}`));
          await sleeper(note, "task", 1000)();
        });
        await sleep(10);
        task.cancel("enough");
        note(await outcome(task));
      },
      ["10 aborted: CancelledError(enough)", "10 task: CancelledError(enough)", "10 CancelledError(enough)"],
    ));

  it("of a timeout is aborted by its deadline; the one outside it is not", () =>
    expectTrace(
      async (note) => {
        const outside = currentSignal();
        const ended = timeout(10, async () => {
          const inside = currentSignal();
          try {
            await sleep(1000);
          } finally {
            note(`inside: ${inside.aborted}, outside: ${outside.aborted}`);
          }
        });
        note(await outcome(ended));
        note(`outside: ${outside.aborted}`);
      },
      ["10 inside: true, outside: false", "10 TimeoutError", "10 outside: false"],
    ));

  it("of an inner scope is aborted by the cancellation of an outer one", () =>
    expectTrace(
      async (note) => {
        const ended = timeout(10, () =>
          new CancelScope().run(() =>
            taskGroup(async () => {
              const signal = currentSignal();
              await sleep(1000).finally(() => note(`aborted: ${signal.aborted}`));
            }),
          ),
        );
        note(await outcome(ended));
      },
      ["10 aborted: true", "10 TimeoutError"],
    ));

  it("of a group's body is aborted by the failure of a task", () =>
    expectTrace(
      async (note) => {
        const ended = taskGroup(async (group) => {
          group.createTask(failing("disk", 10));
          const signal = currentSignal();
          await sleep(1000).finally(() => note(`aborted: ${signal.aborted}`));
        });
        note(await outcome(ended));
      },
      ["10 aborted: true", "10 [Error(disk)]"],
    ));

  it("of a branch is not aborted by a timeout beside it", () =>
    expectTrace(
      async (note) => {
        await Promise.all([
          moveOnAfter(10, () => sleep(1000)),
          moveOnAfter(100, async () => {
            const signal = currentSignal();
            await sleep(50);
            note(`aborted: ${signal.aborted}`);
          }),
        ]);
      },
      ["50 aborted: false"],
    ));

  it("first asked for in a protected section is not aborted by what is kept out", () =>
    expectTrace(
      async (note) => {
        const task = createTask(() =>
          uncancellable(async () => {
            await sleep(100);
            note(`aborted: ${currentSignal().aborted}`);
          }),
        );
        await sleep(10);
        task.cancel();
        await outcome(task);
      },
      ["100 aborted: false"],
    ));

  it("asked for after the cancellation is aborted already, for the same reason", () =>
    expectTrace(
      async (note) => {
        const task = createTask(async () => {
          await outcome(sleep(1000));
          note(`${currentSignal().aborted}: ${name(currentSignal().reason)}`);
        });
        await sleep(10);
        task.cancel("enough");
        await task;
      },
      ["10 true: CancelledError(enough)"],
    ));

  it("works where nothing of brio's waits: the work sees that it should stop", () =>
    expectTrace(
      async (note, loop) => {
        const task = createTask(async () => {
          const signal = currentSignal();
          while (!signal.aborted) await new Promise<void>((resolve) => void loop.callLater(10, resolve));
          note("the work has stopped");
          await sleep(0);
        });
        await sleep(35);
        task.cancel();
        note(await outcome(task));
      },
      ["40 the work has stopped", "40 CancelledError"],
    ));

  it("needs a task", () => {
    expect(() => currentSignal()).toThrow(RuntimeError);
    expect(() => currentSignal()).toThrow(/currentSignal\(\) needs a running event loop/);
  });
});

describe("a task with a signal", () => {
  it("is cancelled when the signal is aborted, with its reason", () =>
    expectTrace(
      async (note) => {
        const controller = new AbortController();
        const task = createTask(sleeper(note, "task", 1000), { signal: controller.signal });
        await sleep(10);
        controller.abort("enough");
        note(await outcome(task));
        note(`cancelled: ${task.cancelled()}, asked ${task.cancelling()} time`);
      },
      ["10 task: CancelledError(enough)", "10 CancelledError(enough)", "10 cancelled: true, asked 1 time"],
    ));

  it("says that a signal asked, and keeps the reason as it is", () =>
    trace(async () => {
      const controller = new AbortController();
      const reason = { code: 7 };
      const task = createTask(() => sleep(1000), { signal: controller.signal });
      await sleep(10);
      controller.abort(reason);
      const error = (await errorOf(task)) as CancelledError; // asserted next
      expect(error).toBeInstanceOf(CancelledError);
      expect(error.reason).toBe(reason);
      expect(error.by).toBe("an AbortSignal");
    }));

  it("does not begin when the signal is aborted already", () =>
    expectTrace(
      async (note) => {
        const task = createTask(async () => note("never"), { signal: AbortSignal.abort("too late") });
        note(await outcome(task));
      },
      ["0 CancelledError(too late)"],
    ));

  it("does not begin when the signal is aborted before its first step", () =>
    expectTrace(
      async (note) => {
        const controller = new AbortController();
        const task = createTask(async () => note("never"), { signal: controller.signal });
        controller.abort("at once");
        note(await outcome(task));
      },
      ["0 CancelledError(at once)"],
    ));

  it("that has ended is left alone, and no longer listens", () =>
    expectTrace(
      async (note) => {
        const controller = new AbortController();
        const { signal } = controller;
        let listeners = 0;
        const [add, remove] = [signal.addEventListener, signal.removeEventListener];
        signal.addEventListener = (...args: Parameters<typeof add>) => {
          listeners++;
          add.apply(signal, args);
        };
        signal.removeEventListener = (...args: Parameters<typeof remove>) => {
          listeners--;
          remove.apply(signal, args);
        };
        const ends = [() => sleep(10, "value"), failing("disk", 10), () => timeout(10, () => sleep(1000))];
        for (const end of ends) note(await outcome(createTask<unknown>(end, { signal })));
        note(`${listeners} listeners`);
        const last = createTask(() => sleep(10, "last"), { signal });
        await last;
        controller.abort();
        note(`cancelled: ${last.cancelled()}`);
      },
      ["10 value", "20 Error(disk)", "30 TimeoutError", "30 0 listeners", "40 cancelled: false"],
    ));

  it("and several tasks with one signal end together, in the order of their creation", () =>
    expectTrace(
      async (note) => {
        const controller = new AbortController();
        const tasks = ["a", "b", "c"].map((who) =>
          createTask(sleeper(note, who, 1000), { signal: controller.signal }),
        );
        await sleep(10);
        controller.abort();
        for (const task of tasks) await outcome(task);
      },
      ["a", "b", "c"].map((who) => `10 ${who}: CancelledError(AbortError: This operation was aborted)`),
    ));

  it("in a group is cancelled alone", () =>
    expectTrace(
      async (note) => {
        const controller = new AbortController();
        await taskGroup(async (group) => {
          group.createTask(sleeper(note, "with", 1000), { signal: controller.signal });
          group.createTask(sleeper(note, "without", 50));
          await sleep(10);
          controller.abort("enough");
        });
        note("the group ends");
      },
      ["10 with: CancelledError(enough)", "50 without slept", "50 the group ends"],
    ));

  it("that is a scope's own signal ends with that scope", () =>
    expectTrace(
      async (note) => {
        const ended = timeout(10, async () => {
          createTask(sleeper(note, "task", 1000), { signal: currentSignal() });
          await sleep(1000);
        });
        const error = await errorOf(ended);
        note(`${error instanceof TimeoutError}`);
        await sleep(0);
        note(`${allTasks().size} task`);
      },
      ["10 true", "10 task: CancelledError(CancelledError: cancelled by a timeout)", "10 1 task"],
    ));

  it("that is no AbortSignal is refused, and no task is left behind", () =>
    trace(async () => {
      const notASignal = { aborted: false } as unknown as AbortSignal; // the wrong type, on purpose
      expect(() => createTask(() => sleep(10), { signal: notASignal })).toThrow(TypeError);
      expect(allTasks().size).toBe(1);
    }));
});
