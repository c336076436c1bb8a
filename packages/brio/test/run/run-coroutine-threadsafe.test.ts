import {
  CancelledError,
  coroutine,
  currentTask,
  type EventLoop,
  getRunningLoop,
  interruptible,
  RuntimeError,
  run,
  runCoroutineThreadsafe,
  sleep,
  TimeoutError,
  timeout,
} from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";
import { outside } from "../tasks/outside.ts";

const add = coroutine(async (a: number, b: number) => {
  await sleep("50ms");
  return a + b;
});

/** Runs a loop, and `ask` outside of it, as a listener of the program would call it; gives how the promise ended. */
function askFromOutside<T>(ask: (loop: EventLoop) => Promise<T>): Promise<unknown> {
  return runVirtual(async () => {
    const loop = getRunningLoop();
    const ended = loop.createFuture<unknown>();
    outside(() => ask(loop)).then(
      (value) => ended.setResult(value),
      (error: unknown) => ended.setResult(error),
    );
    return await ended;
  });
}

describe("runCoroutineThreadsafe", () => {
  it("runs a coroutine in the loop, and gives a native promise of its result", async () => {
    const seen: unknown[] = [];
    const result = await askFromOutside((loop) => {
      const promise = runCoroutineThreadsafe(add(1, 2), loop);
      seen.push(promise instanceof Promise, currentTask());
      return promise;
    });
    expect([result, ...seen]).toEqual([3, true, null]);
  });

  it("runs a function as a task of that loop", async () => {
    const result = await askFromOutside((loop) =>
      runCoroutineThreadsafe(() => [getRunningLoop() === loop, currentTask()?.getName()], loop),
    );
    expect(result).toEqual([true, expect.stringMatching(/^Task-\d+$/)]);
  });

  it("rejects with what the coroutine throws, which counts as seen", async () => {
    const error = new Error("inside");
    const reports: string[] = [];
    const result = await askFromOutside((loop) => {
      loop.setExceptionHandler((_loop, { message }) => void reports.push(message));
      return runCoroutineThreadsafe(() => Promise.reject(error), loop);
    });
    expect([result, reports]).toEqual([error, []]);
  });

  it("rejects with TimeoutError when the coroutine limits itself", async () => {
    const result = await askFromOutside((loop) =>
      runCoroutineThreadsafe(() => timeout(10, () => sleep("1h")), loop),
    );
    expect(result).toBeInstanceOf(TimeoutError);
  });

  it("rejects with CancelledError when the task is cancelled in the loop", async () => {
    const result = await askFromOutside((loop) =>
      runCoroutineThreadsafe(async () => {
        currentTask()?.cancel("from inside");
        await sleep(1);
      }, loop),
    );
    expect(result).toBeInstanceOf(CancelledError);
    expect(result).toMatchObject({ reason: "from inside" });
  });

  it("cancels the task, with its reason, when the signal is aborted", async () => {
    const log: unknown[] = [];
    const result = await askFromOutside((loop) => {
      const controller = new AbortController();
      loop.callLater(20, () => controller.abort("changed my mind"));
      return runCoroutineThreadsafe(
        async () => {
          try {
            await sleep("1h");
          } finally {
            log.push(`ended at ${loop.time()}`);
          }
        },
        loop,
        { signal: controller.signal },
      );
    });
    expect(result).toBeInstanceOf(CancelledError);
    expect(result).toMatchObject({ reason: "changed my mind" });
    expect(log).toEqual(["ended at 20"]);
  });

  it("begins nothing when the signal was aborted before", async () => {
    const log: string[] = [];
    const result = await askFromOutside((loop) =>
      runCoroutineThreadsafe(() => void log.push("begun"), loop, { signal: AbortSignal.abort("too late") }),
    );
    expect(result).toMatchObject({ name: "CancelledError", reason: "too late" });
    expect(log).toEqual([]);
  });

  it("lets one loop ask another", async () => {
    const answer = await run(async () => {
      const server = getRunningLoop();
      const work = async (): Promise<unknown> => [getRunningLoop() === server, await add(20, 22)];
      const client = outside(() => run(() => runCoroutineThreadsafe(work, server)));
      return await interruptible(client);
    });
    expect(answer).toEqual([true, 42]);
  });

  it("refuses a loop that is closed", async () => {
    const loop = await runVirtual(() => getRunningLoop());
    const work = add(1, 2);
    await expect(runCoroutineThreadsafe(work, loop)).rejects.toThrow(/Event loop is closed/);
    await expect(runCoroutineThreadsafe(add(1, 2), loop)).rejects.toThrow(RuntimeError);
    work.close();
  });

  it("refuses what is no coroutine, and what is no loop", () =>
    runVirtual(() => {
      const loop = getRunningLoop();
      // @ts-expect-error a promise has begun
      expect(() => runCoroutineThreadsafe(Promise.resolve(1), loop)).toThrow(
        /runCoroutineThreadsafe\(\) takes a coroutine or a function, such as \(\) => work\(\)/,
      );
      // @ts-expect-error the loop is missing
      expect(() => runCoroutineThreadsafe(() => 1)).toThrow(/takes the loop to run in/);
    }));
});
