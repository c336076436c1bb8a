import {
  CancelledError,
  coroutine,
  createTask,
  ensureFuture,
  getRunningLoop,
  isFuture,
  RuntimeError,
  sleep,
  Task,
  wrapFuture,
} from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

describe("wrapFuture", () => {
  it("makes a future of the running loop that resolves with the promise", () =>
    runVirtual(async () => {
      const future = wrapFuture(Promise.resolve("value"));
      expect([isFuture(future), future.getLoop() === getRunningLoop(), future.done()]).toEqual([
        true,
        true,
        false,
      ]);
      expect(await future).toBe("value");
    }));

  it("rejects with the promise", () =>
    runVirtual(async () => {
      const error = new Error("foreign");
      const future = wrapFuture(Promise.reject(error));
      await expect(Promise.resolve(future)).rejects.toBe(error);
      expect([future.cancelled(), future.exception()]).toEqual([false, error]);
    }));

  it("is cancelled when the promise rejects with CancelledError", () =>
    runVirtual(async () => {
      const future = wrapFuture(Promise.reject(new CancelledError("elsewhere")));
      await expect(Promise.resolve(future)).rejects.toMatchObject({ reason: "elsewhere" });
      expect(future.cancelled()).toBe(true);
    }));

  it("returns a future or task as it is", () =>
    runVirtual(async () => {
      const future = getRunningLoop().createFuture();
      const task = createTask(() => 1);
      expect(wrapFuture(future)).toBe(future);
      expect(wrapFuture(task)).toBe(task);
    }));

  it("takes any thenable, also one that only looks like a future", () =>
    runVirtual(async () => {
      class Lookalike {
        done = () => true;
        // biome-ignore lint/suspicious/noThenProperty: the look-alike is the point
        then<A>(resolve: (value: string) => A): A {
          return resolve("from then");
        }
      }
      const lookalike = new Lookalike();
      const future = wrapFuture(lookalike as unknown as PromiseLike<string>); // it only looks like one
      expect(future).not.toBe(lookalike);
      expect(await future).toBe("from then");
    }));

  it("stops the waiting when it is cancelled, and not the work", () =>
    runVirtual(async () => {
      const log: string[] = [];
      const work = createTask(async () => {
        await sleep("1s");
        log.push("the work has ended");
        return "value";
      });
      const future = wrapFuture(work.then((value) => value));
      await sleep(0);
      future.cancel();
      log.push(`cancelled: ${future.cancelled()}`);
      expect(await work).toBe("value");
      await sleep(0);
      expect(log).toEqual(["cancelled: true", "the work has ended"]);
      expect(future.cancelled()).toBe(true);
    }));

  it("stays cancelled when the promise had a value that was not looked at yet", () =>
    runVirtual(async () => {
      const promise = Promise.resolve(42);
      const future = wrapFuture(promise);
      future.cancel();
      await sleep(0);
      expect([future.cancelled(), await promise]).toEqual([true, 42]);
    }));

  it("swallows the rejection of a promise that it no longer waits for", async () => {
    const reports: string[] = [];
    await runVirtual(async () => {
      getRunningLoop().setExceptionHandler((_loop, { message }) => void reports.push(message));
      const future = wrapFuture(sleep("1s").then(() => Promise.reject(new Error("late"))));
      await sleep(0);
      future.cancel();
      await sleep("2s");
    });
    expect(reports).toEqual([]);
  });

  it("needs a running loop", () => {
    expect(() => wrapFuture(Promise.resolve(1))).toThrow(RuntimeError);
    expect(() => wrapFuture(Promise.resolve(1))).toThrow(/wrapFuture\(\) needs a running event loop/);
  });

  it("refuses what is no promise", () =>
    runVirtual(() => {
      // @ts-expect-error a number is no promise
      expect(() => wrapFuture(42)).toThrow(/wrapFuture\(\) takes a promise: .* got 42/);
    }));
});

describe("ensureFuture", () => {
  it("returns a future as it is", () =>
    runVirtual(() => {
      const future = getRunningLoop().createFuture();
      expect(ensureFuture(future)).toBe(future);
    }));

  it("returns a task as it is", () =>
    runVirtual(async () => {
      const task = createTask(() => "ok");
      expect(ensureFuture(task)).toBe(task);
      expect(await task).toBe("ok");
    }));

  it("makes a task of a coroutine", () =>
    runVirtual(async () => {
      const task = ensureFuture(coroutine(async (text: string) => text)("ok"));
      expect([task instanceof Task, task.getLoop() === getRunningLoop()]).toEqual([true, true]);
      expect(await task).toBe("ok");
    }));

  it("makes a task of a function", () =>
    runVirtual(async () => {
      const task = ensureFuture(async () => "ok");
      expect(task.getLoop()).toBe(getRunningLoop());
      expect(String(task)).toMatch(/^<Task "Task-\d+" pending>$/);
      expect(await task).toBe("ok");
    }));

  it("wraps a promise, which has begun", () =>
    runVirtual(async () => {
      const future = ensureFuture(Promise.resolve("hot"));
      expect(String(future)).toBe("<Future pending>");
      expect(await future).toBe("hot");
    }));

  it("wraps any other thenable", () =>
    runVirtual(async () => {
      // biome-ignore lint/suspicious/noThenProperty: a thenable that is no promise
      const thenable: PromiseLike<string> = { then: (...settle) => Promise.resolve("ok").then(...settle) };
      expect(await ensureFuture(thenable)).toBe("ok");
    }));

  it("refuses anything else, and says what it takes", () =>
    runVirtual(() => {
      // @ts-expect-error a string is nothing to wait for
      expect(() => ensureFuture("ok")).toThrow(TypeError);
      // @ts-expect-error a string is nothing to wait for
      expect(() => ensureFuture("ok")).toThrow(
        /ensureFuture\(\) takes coroutines, .* futures or promises; got 'ok'/,
      );
    }));

  it("needs a running loop for what is no future yet", async () => {
    expect(() => ensureFuture(() => 1)).toThrow(/ensureFuture\(\) needs a running event loop/);
    const [future] = await runVirtual(() => [getRunningLoop().createFuture()] as const);
    expect(ensureFuture(future)).toBe(future);
  });
});
