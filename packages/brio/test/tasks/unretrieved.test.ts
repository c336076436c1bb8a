import { createTask, type Future, gather, getRunningLoop, run, sleep, wait } from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

/** Runs `body`, and gives what the loop's exception handler was told, up to the end of the run. */
async function reportsOf(body: () => Promise<void> | void): Promise<string[]> {
  const reports: string[] = [];
  await runVirtual(async () => {
    getRunningLoop().setExceptionHandler((_loop, { message, exception }) => {
      reports.push(`${message} | ${String(exception)}`);
    });
    await body();
  });
  return reports;
}

function failed(message: string): Future<unknown> {
  const future = getRunningLoop().createFuture();
  future.setException(new Error(message));
  return future;
}

describe("an exception that nobody looked at", () => {
  it("of a future is reported, at the latest when the run ends", async () => {
    const reports = await reportsOf(() => void failed("boom"));
    expect(reports).toEqual([
      "Future exception was never retrieved: <Future failed: Error: boom> | Error: boom",
    ]);
  });

  it("of a task is reported with its name", async () => {
    const reports = await reportsOf(async () => {
      createTask(() => Promise.reject(new TypeError("odd")), { name: "odd job" });
      await sleep(0);
    });
    expect(reports).toEqual([
      'Task exception was never retrieved: <Task "odd job" failed: TypeError: odd> | TypeError: odd',
    ]);
  });

  it("is reported once for each future", async () => {
    const reports = await reportsOf(() => {
      failed("one");
      failed("two").exception();
      failed("three");
    });
    expect(reports.map((report) => report.split(" | ")[1])).toEqual(["Error: one", "Error: three"]);
  });

  it("is reported by a loop in debug mode just the same", async () => {
    const reports: string[] = [];
    await runVirtual(
      () => {
        getRunningLoop().setExceptionHandler((_loop, { message }) => void reports.push(message));
        failed("boom");
      },
      { debug: true },
    );
    expect(reports).toEqual(["Future exception was never retrieved: <Future failed: Error: boom>"]);
  });

  it("is reported as soon as the future has been collected, while the program runs on", async () => {
    const { gc } = globalThis;
    if (gc === undefined) throw new Error("this test needs node --expose-gc, as vitest.config.ts sets it");
    const reports: string[] = [];
    await run(async () => {
      getRunningLoop().setExceptionHandler((_loop, { message }) => void reports.push(message));
      // In a function of its own, so that nothing on the stack keeps the future alive.
      createTask(() => void failed("dropped"));
      for (let turn = 0; turn < 200 && reports.length === 0; turn++) {
        await sleep(1);
        gc();
      }
      expect(reports).toEqual(["Future exception was never retrieved: <Future failed: Error: dropped>"]);
    });
    expect(reports).toHaveLength(1);
  });
});

describe("an exception counts as seen", () => {
  it("when result() threw it", async () => {
    expect(await reportsOf(() => expect(() => failed("boom").result()).toThrow("boom"))).toEqual([]);
  });

  it("when exception() gave it", async () => {
    expect(await reportsOf(() => expect(failed("boom").exception()).toEqual(new Error("boom")))).toEqual([]);
  });

  it("when somebody awaits the future", async () => {
    const reports = await reportsOf(async () => {
      const task = createTask(() => Promise.reject(new Error("boom")));
      await expect(Promise.resolve(task)).rejects.toThrow("boom");
    });
    expect(reports).toEqual([]);
  });

  it("when the future was cancelled afterwards: its owner has given it up", async () => {
    expect(await reportsOf(() => expect(failed("boom").cancel()).toBe(false))).toEqual([]);
  });

  it("when the failed task was cancelled afterwards", async () => {
    const reports = await reportsOf(async () => {
      const task = createTask(() => Promise.reject(new Error("boom")));
      await sleep(0);
      expect(task.cancel()).toBe(false);
    });
    expect(reports).toEqual([]);
  });

  it("when it came second in a gather that had failed already", async () => {
    const reports = await reportsOf(async () => {
      const gathered = gather(
        () => Promise.reject(new Error("first")),
        () => Promise.reject(new Error("second")),
      );
      await expect(Promise.resolve(gathered)).rejects.toThrow("first");
      await sleep(0);
    });
    expect(reports).toEqual([]);
  });

  it("but not when wait() merely told that the task is done", async () => {
    const reports = await reportsOf(async () => {
      await wait([createTask(() => Promise.reject(new Error("boom")), { name: "job" })]);
    });
    expect(reports).toEqual([
      'Task exception was never retrieved: <Task "job" failed: Error: boom> | Error: boom',
    ]);
  });
});

describe("nothing is reported", () => {
  it("for a future that was dropped while pending", async () => {
    expect(await reportsOf(() => void getRunningLoop().createFuture())).toEqual([]);
  });

  it("for a result that nobody looked at", async () => {
    expect(await reportsOf(() => getRunningLoop().createFuture<number>().setResult(42))).toEqual([]);
  });

  it("for a result that somebody looked at", async () => {
    const reports = await reportsOf(() => {
      const future = getRunningLoop().createFuture<number>();
      future.setResult(42);
      expect(future.result()).toBe(42);
    });
    expect(reports).toEqual([]);
  });

  it("for a cancelled task or future that nobody looked at", async () => {
    const reports = await reportsOf(async () => {
      createTask(() => sleep("1h")).cancel();
      const started = createTask(() => sleep("1h"));
      await sleep(0);
      started.cancel();
      getRunningLoop().createFuture().cancel();
      await sleep(0);
    });
    expect(reports).toEqual([]);
  });
});
