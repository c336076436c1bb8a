import { createTask, getRunningLoop, type RunOptions, run, sleep } from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";
import { Child } from "../run/child.ts";

/** Keeps the processor busy for longer than `SLOW`. */
function compute(): void {
  const end = performance.now() + 3 * SLOW;
  while (performance.now() < end);
}

/** What counts as slow in these tests, in milliseconds. */
const SLOW = 5;

/** What a loop that finds `SLOW` too long has to report about `body`. */
async function reportsOf(
  body: () => Promise<void> | void,
  options: RunOptions = { debug: true },
): Promise<string[]> {
  const reports: string[] = [];
  await run(async () => {
    const loop = getRunningLoop();
    loop.slowCallbackDuration = SLOW;
    loop.setExceptionHandler((_loop, { message }) => void reports.push(message));
    await body();
    await sleep(1);
  }, options);
  return reports.map((report) => report.replace(/took \d+\.\d{3} seconds$/, "took N seconds"));
}

describe("debug mode", () => {
  it("is off, unless run is told otherwise", async () => {
    const ask = (): boolean => getRunningLoop().getDebug();
    expect([
      await run(ask),
      await run(ask, { debug: false }),
      await run(ask, { debug: true }),
      await runVirtual(ask, { debug: true }),
    ]).toEqual([false, false, true, true]);
  });

  it("can be switched while the loop runs", () =>
    runVirtual(() => {
      const loop = getRunningLoop();
      loop.setDebug(true);
      expect(loop.getDebug()).toBe(true);
      loop.setDebug(false);
      expect(loop.getDebug()).toBe(false);
    }));

  it("is what the environment variable BRIO_DEBUG asks for, where run is not told otherwise", async () => {
    const fixture = new URL("fixtures/debug-flags.ts", import.meta.url);
    const [on, off, other] = await Promise.all(
      ["1", "", "0"].map((BRIO_DEBUG) => new Child(fixture, [], { env: { BRIO_DEBUG } }).ended),
    );
    expect(on?.out).toEqual(["by default true", "with debug: false false", "with debug: true true"]);
    expect(off?.out).toEqual(["by default false", "with debug: false false", "with debug: true true"]);
    expect(other?.out).toEqual(["by default false", "with debug: false false", "with debug: true true"]);
  });
});

describe("a callback or step that blocks the loop", () => {
  it("is reported in debug mode: a callback by its name", async () => {
    const reports = await reportsOf(() => {
      getRunningLoop().callSoon(function crunch() {
        compute();
      });
    });
    expect(reports).toEqual(["Executing <Handle crunch()> took N seconds"]);
  });

  it("is reported in debug mode: a timer's callback", async () => {
    const reports = await reportsOf(async () => {
      getRunningLoop().callLater(1, function crunchLater() {
        compute();
      });
      await sleep(20);
    });
    expect(reports).toEqual(["Executing <Handle crunchLater()> took N seconds"]);
  });

  it("is reported in debug mode: a task's first step, and a later one", async () => {
    const reports = await reportsOf(async () => {
      await createTask(
        async () => {
          compute();
          await sleep(1);
          compute();
          await sleep(1);
        },
        { name: "cruncher" },
      );
    });
    expect(reports).toEqual([
      'Executing <Task "cruncher" pending> took N seconds',
      'Executing <Task "cruncher" pending> took N seconds',
    ]);
  });

  it("is not reported when it is quick", async () => {
    const reports = await reportsOf(
      async () => {
        getRunningLoop().slowCallbackDuration = 60_000;
        getRunningLoop().callSoon(compute);
        await createTask(async () => compute());
      },
      { debug: true },
    );
    expect(reports).toEqual([]);
  });

  it("is not reported outside debug mode", async () => {
    const reports = await reportsOf(
      async () => {
        getRunningLoop().callSoon(compute);
        await createTask(async () => compute());
      },
      { debug: false },
    );
    expect(reports).toEqual([]);
  });

  it("is not the fault of a task that waits for long", async () => {
    const reports = await reportsOf(async () => {
      await createTask(() => sleep(3 * SLOW));
    });
    expect(reports).toEqual([]);
  });
});
