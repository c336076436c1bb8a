import { CancelledError, createTask, getRunningLoop, sleep } from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

describe("awaiting a future", () => {
  it("resumes the tasks that await it in the order in which they began to", () =>
    runVirtual(async () => {
      const log: string[] = [];
      const future = getRunningLoop().createFuture<number>();
      for (const name of ["a", "b", "c"]) {
        createTask(async () => {
          log.push(`${name} waits`);
          log.push(`${name} got ${await future}`);
        });
      }
      await sleep(0);
      log.push("set");
      future.setResult(5);
      log.push("set has returned");
      await sleep(0);
      expect(log).toEqual([
        "a waits",
        "b waits",
        "c waits",
        "set",
        "set has returned",
        "a got 5",
        "b got 5",
        "c got 5",
      ]);
    }));

  it("gives the same result each time", () =>
    runVirtual(async () => {
      const future = getRunningLoop().createFuture<object>();
      getRunningLoop().callSoon(() => future.setResult({ value: 42 }));
      const first = await future;
      expect(await future).toBe(first);
      expect(first).toEqual({ value: 42 });
    }));

  it("does not let another task run when the future is done", () =>
    runVirtual(async () => {
      const log: string[] = [];
      const future = getRunningLoop().createFuture<number>();
      future.setResult(1);
      createTask(() => void log.push("other"));
      await future;
      await future;
      log.push("after two awaits");
      await sleep(0);
      expect(log).toEqual(["after two awaits", "other"]);
    }));

  it("throws the same error each time, and its stack does not grow", () =>
    runVirtual(async () => {
      const task = createTask(async () => {
        throw new TypeError("42");
      });
      const stacks = new Set<string>();
      for (let i = 0; i < 5; i++) {
        try {
          await task;
          expect.unreachable();
        } catch (error) {
          expect(error).toBe(task.exception());
          stacks.add((error as Error).stack ?? "");
        }
      }
      expect(stacks.size).toBe(1);
    }));

  it("throws CancelledError into every task that awaits it when it is cancelled", () =>
    runVirtual(async () => {
      const log: string[] = [];
      const future = getRunningLoop().createFuture();
      const tasks = ["a", "b"].map((name) =>
        createTask(async () => {
          try {
            await future;
          } catch (error) {
            log.push(`${name}: ${error instanceof CancelledError && String(error.reason)}`);
            throw error;
          }
        }),
      );
      await sleep(0);
      future.cancel("gone");
      await sleep(0);
      expect(log).toEqual(["a: gone", "b: gone"]);
      expect(tasks.map((task) => [task.cancelled(), task.cancelling()])).toEqual([
        [true, 0],
        [true, 0],
      ]);
    }));

  it("is ended for all of them when one is cancelled, as the future is cancelled with it", () =>
    runVirtual(async () => {
      const future = getRunningLoop().createFuture();
      const cancelled = createTask(() => future);
      const bystander = createTask(() => future);
      await sleep(0);
      cancelled.cancel("only you");
      await sleep(0);
      expect(future.cancelled()).toBe(true);
      expect([cancelled.cancelled(), bystander.cancelled()]).toEqual([true, true]);
      expect([cancelled.cancelling(), bystander.cancelling()]).toEqual([1, 0]);
    }));

  it("works through Promise.all, as one wait for each", () =>
    runVirtual(async () => {
      const loop = getRunningLoop();
      const [a, b] = [loop.createFuture<string>(), loop.createFuture<number>()];
      loop.callLater(20, () => a.setResult("a"));
      loop.callLater(10, () => b.setResult(2));
      expect(await Promise.all([a, b])).toEqual(["a", 2]);
      expect(loop.time()).toBe(20);
    }));

  it("has the catch and finally of promises", () =>
    runVirtual(async () => {
      const log: string[] = [];
      const future = getRunningLoop().createFuture<string>();
      getRunningLoop().callSoon(() => future.setException(new Error("broken")));
      const caught = await future
        .finally(() => log.push("finally"))
        .catch((error: Error) => `caught ${error.message}`);
      expect([caught, ...log]).toEqual(["caught broken", "finally"]);
    }));

  it("gives a result that was set and then awaited by a task that is cancelled only to others", () =>
    runVirtual(async () => {
      const future = getRunningLoop().createFuture<number>();
      const late = createTask(() => future);
      const other = createTask(() => future);
      await sleep(0);
      future.setResult(1);
      late.cancel();
      await sleep(0);
      expect([late.cancelled(), future.cancelled(), other.result()]).toEqual([true, false, 1]);
    }));
});
