import { createTask, currentSignal, sleep, uncancellable } from "brio";
import { describe, expect, it } from "vitest";
import { sleeper } from "./actors.ts";
import { errorOf, expectTrace, expectTraces, name, outcome, restTime } from "./trace.ts";

describe("the grace of an uncancellable section", () => {
  it("is 5 s by default, counted from the cancellation", () =>
    expectTrace(
      async (note) => {
        const task = createTask(() => uncancellable(sleeper(note, "section", 60_000)));
        await sleep(1000);
        task.cancel("enough");
        const error = await errorOf(task);
        note(name(error));
        note(String(error));
      },
      [
        "6000 section: CancelledError(enough)",
        "6000 CancelledError(enough)",
        '6000 CancelledError: cancelled by task "main" (the grace of 5000 ms is over): enough',
      ],
    ));

  it("is as long as asked for", () =>
    expectTrace(
      async (note) => {
        const task = createTask(() => uncancellable(sleeper(note, "section", 60_000), { grace: "1s" }));
        await sleep(10);
        task.cancel();
        note(await outcome(task));
      },
      ["1010 section: CancelledError", "1010 CancelledError"],
    ));

  it("begins with the section when the cancellation came before", () =>
    expectTrace(
      async (note) => {
        const task = createTask(async () => {
          try {
            await sleep(1000);
          } finally {
            await uncancellable(sleeper(note, "section", 60_000), { grace: 100 });
          }
        });
        await sleep(10);
        task.cancel();
        note(await outcome(task));
      },
      ["110 section: CancelledError", "110 CancelledError"],
    ));

  it("is not prolonged by further cancellations", () =>
    expectTrace(
      async (note) => {
        const task = createTask(() => uncancellable(sleeper(note, "section", 60_000), { grace: 100 }));
        await sleep(10);
        task.cancel("first");
        await sleep(50);
        task.cancel("second");
        note(await outcome(task));
      },
      ["110 section: CancelledError(second)", "110 CancelledError(second)"],
    ));

  it("that is over makes sticky refuse the body's later waits; asyncio's rule delivers once", () =>
    expectTraces(
      async (note) => {
        const task = createTask(() =>
          uncancellable(
            async () => {
              for (let i = 1; i <= 3; i++) note(`wait ${i}: ${await outcome(sleep(60))}`);
            },
            { grace: 100 },
          ),
        );
        await sleep(10);
        task.cancel();
        note(await outcome(task));
      },
      {
        sticky: ["60 wait 1: done", "110 wait 2: CancelledError", "110 wait 3: CancelledError", "110 done"],
        once: ["60 wait 1: done", "110 wait 2: CancelledError", "170 wait 3: done", "170 done"],
      },
    ));

  it("that is over while the body is in a promise that is not brio's hits its next wait", () =>
    expectTrace(
      async (note, loop) => {
        const foreign = new Promise<void>((resolve) => void loop.callLater(10, resolve));
        const task = createTask(() =>
          uncancellable(
            async () => {
              await foreign;
              note("the promise is settled");
              await sleeper(note, "section", 60_000)();
            },
            { grace: 0 },
          ),
        );
        await sleep(5);
        task.cancel();
        note(await outcome(task));
      },
      ["10 the promise is settled", "10 section: CancelledError", "10 CancelledError"],
    ));

  it("of 0 gives the section no protection", () =>
    expectTrace(
      async (note) => {
        const task = createTask(() => uncancellable(sleeper(note, "section", 1000), { grace: 0 }));
        await sleep(10);
        task.cancel();
        note(await outcome(task));
      },
      ["10 section: CancelledError", "10 CancelledError"],
    ));

  it("of null never ends", () =>
    expectTrace(
      async (note) => {
        const task = createTask(() => uncancellable(sleeper(note, "section", 600_000), { grace: null }));
        await sleep(10);
        task.cancel();
        note(await outcome(task));
      },
      ["600000 section slept", "600000 CancelledError"],
    ));

  it("lets the current signal be aborted when it is over", () =>
    expectTrace(
      async (note) => {
        const task = createTask(() =>
          uncancellable(
            async () => {
              currentSignal().addEventListener("abort", () => note("aborted"));
              await sleeper(note, "section", 1000)();
            },
            { grace: 100 },
          ),
        );
        await sleep(10);
        task.cancel();
        note(await outcome(task));
      },
      ["110 aborted", "110 section: CancelledError", "110 CancelledError"],
    ));

  it("leaves no timer behind when the section ends in time, however often it was cancelled", async () => {
    const time = await restTime(async () => {
      const task = createTask(() => uncancellable(() => sleep(100)));
      for (let i = 0; i < 3; i++) {
        await sleep(10);
        task.cancel();
      }
      await outcome(task);
    });
    expect(time).toBe(100);
  });

  it("leaves no timer behind when the section ends in time", async () => {
    const time = await restTime(async () => {
      const task = createTask(() => uncancellable(() => sleep(100)));
      await sleep(10);
      task.cancel();
      await outcome(task);
    });
    expect(time).toBe(100);
  });
});

describe("uncancellable sections in one another", () => {
  it("the inner keeps out what the outer lets in, for its own grace", () =>
    expectTrace(
      async (note) => {
        const task = createTask(() =>
          uncancellable(() => uncancellable(sleeper(note, "inner", 60_000), { grace: 50 }), { grace: 100 }),
        );
        await sleep(10);
        task.cancel();
        note(await outcome(task));
      },
      ["160 inner: CancelledError", "160 CancelledError"],
    ));

  it("the end of the inner leaves the outer in force", () =>
    expectTrace(
      async (note) => {
        const task = createTask(() =>
          uncancellable(async () => {
            await uncancellable(sleeper(note, "inner", 20));
            await sleeper(note, "outer", 20)();
          }),
        );
        await sleep(10);
        task.cancel();
        note(await outcome(task));
      },
      ["20 inner slept", "40 outer slept", "40 CancelledError"],
    ));
});
