import { CancelledError, type Future, getRunningLoop, InvalidStateError, isFuture, run, sleep } from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";
import { outside } from "./outside.ts";

/** Runs `body` with a pending future of a running loop. */
function withFuture<T>(body: (future: Future<T>) => Promise<void> | void): Promise<void> {
  return runVirtual(() => body(getRunningLoop().createFuture<T>()));
}

describe("a future's states", () => {
  it("begins pending: neither done nor cancelled", () =>
    withFuture((future) => {
      expect([future.done(), future.cancelled()]).toEqual([false, false]);
      expect(() => future.result()).toThrow(InvalidStateError);
      expect(() => future.exception()).toThrow(InvalidStateError);
    }));

  it("ends with a result, once", () =>
    withFuture<number>((future) => {
      future.setResult(42);
      expect([future.done(), future.cancelled()]).toEqual([true, false]);
      expect(future.result()).toBe(42);
      expect(future.exception()).toBeUndefined();
      expect(() => future.setResult(43)).toThrow(InvalidStateError);
      expect(() => future.setException(new Error("late"))).toThrow(InvalidStateError);
      expect(future.cancel()).toBe(false);
      expect(future.result()).toBe(42);
    }));

  it("ends with undefined as well as with any other result", () =>
    withFuture<undefined>((future) => {
      future.setResult(undefined);
      expect([future.done(), future.result(), future.exception()]).toEqual([true, undefined, undefined]);
    }));

  it("ends with an exception, once", () =>
    withFuture((future) => {
      const error = new Error("broken");
      future.setException(error);
      expect([future.done(), future.cancelled()]).toEqual([true, false]);
      expect(future.exception()).toBe(error);
      expect(() => future.result()).toThrow(error);
      expect(() => future.setResult(1)).toThrow(InvalidStateError);
      expect(() => future.setException(new Error("again"))).toThrow(InvalidStateError);
      expect(future.cancel()).toBe(false);
    }));

  it("keeps an exception that is not an Error as it is", () =>
    withFuture(async (future) => {
      future.setException(RangeError);
      expect(future.exception()).toBe(RangeError);
      await expect(Promise.resolve(future)).rejects.toBe(RangeError);
    }));

  it("ends cancelled, once, and stays so", () =>
    withFuture<number>((future) => {
      expect(future.cancel()).toBe(true);
      expect([future.done(), future.cancelled()]).toEqual([true, true]);
      expect(() => future.result()).toThrow(CancelledError);
      expect(() => future.exception()).toThrow(CancelledError);
      expect(() => future.setResult(1)).toThrow(InvalidStateError);
      expect(() => future.setException(new Error("late"))).toThrow(InvalidStateError);
      expect(future.cancel()).toBe(false);
      expect(future.cancelled()).toBe(true);
    }));

  it("gives the reason of its cancellation to every reader", () =>
    withFuture(async (future) => {
      future.cancel("no longer wanted");
      const seen: unknown[] = [];
      for (const read of [() => future.result(), () => future.exception(), () => future]) {
        await Promise.resolve()
          .then(read)
          .catch((error: unknown) => seen.push((error as CancelledError).reason));
      }
      expect(seen).toEqual(["no longer wanted", "no longer wanted", "no longer wanted"]);
    }));

  it("names in the CancelledError the task that cancelled it", () =>
    runVirtual(
      async () => {
        const future = getRunningLoop().createFuture();
        future.cancel({ code: 7 });
        const error = await future.catch((caught: unknown) => caught);
        expect(error).toBeInstanceOf(CancelledError);
        expect(error).toMatchObject({ reason: { code: 7 }, by: 'task "supervisor"' });
      },
      { name: "supervisor" },
    ));

  it("names the method and the future in an InvalidStateError", () =>
    withFuture((future) => {
      expect(() => future.result()).toThrow(/<Future pending> has no result yet/);
      expect(() => future.exception()).toThrow(/<Future pending> has no exception yet/);
      future.cancel();
      expect(() => future.setResult(1)).toThrow(/setResult: <Future cancelled> is done already/);
      expect(() => future.setException(1)).toThrow(/setException: <Future cancelled> is done already/);
    }));
});

describe("a future's place", () => {
  it("is the loop that made it", () =>
    runVirtual(() => {
      const loop = getRunningLoop();
      expect(loop.createFuture().getLoop()).toBe(loop);
    }));

  it("can't be made on a closed loop", async () => {
    const loop = await runVirtual(() => getRunningLoop());
    expect(() => loop.createFuture()).toThrow(/Event loop is closed/);
  });

  it("is refused by the tasks of another loop", async () => {
    const [theirs] = await runVirtual(() => [getRunningLoop().createFuture()] as const);
    const error = await runVirtual(() => theirs.catch((caught: unknown) => caught));
    expect(error).toMatchObject({
      name: "RuntimeError",
      message: expect.stringContaining("belongs to another event loop"),
    });
  });

  it("is recognised by isFuture, and look-alikes are not", () =>
    withFuture((future) => {
      expect(isFuture(future)).toBe(true);
      expect(isFuture(getRunningLoop().createTask(() => 1))).toBe(true);
      for (const other of [
        future.constructor,
        Promise.resolve(1),
        { done: () => true },
        1,
        null,
        undefined,
      ]) {
        expect(isFuture(other)).toBe(false);
      }
    }));

  it("shows its state as text", () =>
    withFuture<unknown>((future) => {
      const loop = getRunningLoop();
      const failed = loop.createFuture();
      failed.setException(new TypeError("odd"));
      failed.exception();
      const resolved = loop.createFuture<number>();
      resolved.setResult(4);
      const cancelled = loop.createFuture();
      cancelled.cancel();
      expect([future, resolved, failed, cancelled].map(String)).toEqual([
        "<Future pending>",
        "<Future finished>",
        "<Future failed: TypeError: odd>",
        "<Future cancelled>",
      ]);
    }));

  it("shows a future whose result contains itself", () =>
    withFuture<unknown>((future) => {
      future.setResult([future, { again: future }]);
      expect(String(future)).toBe("<Future finished>");
    }));
});

describe("a future from outside the loop", () => {
  it("can be awaited by code that runs in no loop", async () => {
    let seen: Promise<string> | undefined;
    await run(async () => {
      const future = getRunningLoop().createFuture<string>();
      seen = outside(() => Promise.resolve(future));
      await sleep(0);
      future.setResult("seen outside");
      await sleep(0);
    });
    await expect(seen).resolves.toBe("seen outside");
  });

  it("rejects there with its exception", async () => {
    const error = new Error("broken");
    let seen: Promise<unknown> | undefined;
    await run(async () => {
      const future = getRunningLoop().createFuture<string>();
      seen = outside(() => future.catch((caught: unknown) => caught));
      await sleep(0);
      future.setException(error);
      await sleep(0);
    });
    await expect(seen).resolves.toBe(error);
  });
});
