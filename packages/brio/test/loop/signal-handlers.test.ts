import process from "node:process";
import { Event, type EventLoop, getRunningLoop, Runner, RuntimeError, run, sleep, timeout } from "brio";
import { describe, expect, it } from "vitest";
import { Child } from "../run/child.ts";

// Windows has no such signals.
const POSIX = { skip: process.platform === "win32" };

// SIGUSR2 means nothing to Node or to vitest; without a listener it would end the process.
const SIGNAL = "SIGUSR2";

/** A real loop that leaves the process' other signals to the test runner. */
function withLoop<T>(body: (loop: EventLoop) => Promise<T> | T): Promise<T> {
  return run(() => body(getRunningLoop()), { handleSignals: false });
}

describe("addSignalHandler", POSIX, () => {
  it("calls back in the loop, with its arguments, each time that the signal comes", () =>
    withLoop(async (loop) => {
      const calls: unknown[] = [];
      const came = new Event();
      loop.addSignalHandler(
        SIGNAL,
        (...args: unknown[]) => {
          calls.push([...args, getRunningLoop() === loop]);
          came.set();
        },
        "a",
        1,
      );
      for (let i = 0; i < 2; i++) {
        process.kill(process.pid, SIGNAL);
        await timeout("10s", () => came.wait());
        came.clear();
      }
      expect(calls).toEqual([
        ["a", 1, true],
        ["a", 1, true],
      ]);
    }));

  it("wakes a program that waits for nothing else", () =>
    withLoop(async (loop) => {
      const future = loop.createFuture<string>();
      loop.addSignalHandler(SIGNAL, () => future.setResult("woken"));
      process.kill(process.pid, SIGNAL);
      expect(await future).toBe("woken");
    }));

  it("takes the place of the handler that was there", () =>
    withLoop(async (loop) => {
      const log: string[] = [];
      const came = new Event();
      loop.addSignalHandler(SIGNAL, () => log.push("first"));
      loop.addSignalHandler(SIGNAL, () => {
        log.push("second");
        came.set();
      });
      expect(process.listenerCount(SIGNAL)).toBe(1);
      process.kill(process.pid, SIGNAL);
      await timeout("10s", () => came.wait());
      expect(log).toEqual(["second"]);
    }));

  it("is undone by removeSignalHandler, which says whether there was one", () =>
    withLoop((loop) => {
      expect(loop.removeSignalHandler(SIGNAL)).toBe(false);
      loop.addSignalHandler(SIGNAL, () => {});
      expect([loop.removeSignalHandler(SIGNAL), loop.removeSignalHandler(SIGNAL)]).toEqual([true, false]);
      expect(process.listenerCount(SIGNAL)).toBe(0);
    }));

  it("leaves the program's own listeners alone", async () => {
    const own = (): void => {};
    process.on(SIGNAL, own);
    try {
      await withLoop((loop) => {
        loop.addSignalHandler(SIGNAL, () => {});
        expect(process.listeners(SIGNAL)).toHaveLength(2);
        loop.removeSignalHandler(SIGNAL);
      });
      expect(process.listeners(SIGNAL)).toEqual([own]);
    } finally {
      process.off(SIGNAL, own);
    }
  });

  it("ends with the run", async () => {
    await withLoop((loop) => {
      loop.addSignalHandler(SIGNAL, () => {});
      loop.addSignalHandler("SIGHUP", () => {});
    });
    expect([process.listenerCount(SIGNAL), process.listenerCount("SIGHUP")]).toEqual([0, 0]);
  });

  it("stays between the runs of a Runner", async () => {
    await using runner = new Runner({ handleSignals: false });
    await runner.run(() => getRunningLoop().addSignalHandler(SIGNAL, () => {}));
    expect(process.listenerCount(SIGNAL)).toBe(1);
    await runner.run(() => sleep(1));
    await runner.close();
    expect(process.listenerCount(SIGNAL)).toBe(0);
  });

  it("reports what the callback throws", () =>
    withLoop(async (loop) => {
      const reported = loop.createFuture<string>();
      loop.setExceptionHandler((_loop, { message, exception }) => {
        reported.setResult(`${message}: ${String(exception)}`);
      });
      loop.addSignalHandler(SIGNAL, function onSignal() {
        throw new Error("broken");
      });
      process.kill(process.pid, SIGNAL);
      expect(await reported).toMatch(/^Exception in callback .*\(\): Error: broken$/);
    }));

  it("refuses unknown signals, those that can't be caught, and what can't be called", () =>
    withLoop((loop) => {
      // @ts-expect-error there is no such signal
      expect(() => loop.addSignalHandler("SIGNOTHING", () => {})).toThrow(RangeError);
      // @ts-expect-error there is no such signal
      expect(() => loop.addSignalHandler("SIGNOTHING", () => {})).toThrow(
        /unknown signal "SIGNOTHING": use a name such as "SIGHUP"/,
      );
      for (const signal of ["SIGKILL", "SIGSTOP"] as const) {
        expect(() => loop.addSignalHandler(signal, () => {})).toThrow(RuntimeError);
        expect(() => loop.addSignalHandler(signal, () => {})).toThrow(`${signal} can't be caught`);
      }
      // @ts-expect-error a string can't be called
      expect(() => loop.addSignalHandler(SIGNAL, "reload")).toThrow(
        /addSignalHandler\(\) takes a function: .* got 'reload'/,
      );
      expect(process.listenerCount(SIGNAL)).toBe(0);
    }));

  it("is refused in a worker thread, where run works all the same", async () => {
    const child = new Child(new URL("fixtures/signals-in-worker.ts", import.meta.url));
    expect((await child.ended).out).toEqual([
      "run works: 42",
      "RuntimeError: addSignalHandler works in the main thread only: workers get no signals",
    ]);
  });
});
