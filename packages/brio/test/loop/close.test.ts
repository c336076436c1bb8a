import { allTasks, createTask, EventLoop, getRunningLoop, Runner, RuntimeError, run, sleep } from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

describe("closing a loop", () => {
  it("is done by the run that made it", async () => {
    let during: unknown[] = [];
    const loop = await run(() => {
      const running = getRunningLoop();
      during = [running instanceof EventLoop, running.isRunning(), running.isClosed(), String(running)];
      return running;
    });
    expect(during).toEqual([true, true, false, "<EventLoop running>"]);
    expect([loop.isRunning(), loop.isClosed(), String(loop)]).toEqual([false, true, "<EventLoop closed>"]);
  });

  it("is refused while it runs", () =>
    runVirtual(() => {
      const loop = getRunningLoop();
      expect(() => loop.close()).toThrow(RuntimeError);
      expect(() => loop.close()).toThrow(/the event loop is running; it closes when its run\(\) ends/);
      expect(loop.isClosed()).toBe(false);
    }));

  it("twice is fine", async () => {
    const loop = await runVirtual(() => getRunningLoop());
    loop.close();
    loop.close();
    expect(loop.isClosed()).toBe(true);
  });

  it("of a runner's loop between two runs ends the runner's use", async () => {
    const runner = new Runner();
    await runner.run(() => 1);
    const loop = runner.getLoop();
    expect([loop.isRunning(), loop.isClosed(), String(loop)]).toEqual([
      false,
      false,
      "<EventLoop not running>",
    ]);
    loop.close();
    await expect(runner.run(() => 2)).rejects.toThrow(/Event loop is closed/);
    await runner.close();
  });

  it("drops what was scheduled", async () => {
    const log: string[] = [];
    const runner = new Runner();
    await runner.run(() => {
      getRunningLoop().callLater(1, () => log.push("later"));
    });
    await runner.close();
    await run(() => sleep(10));
    expect(log).toEqual([]);
  });
});

describe("a closed loop", () => {
  const refuses = (use: (loop: EventLoop) => unknown) => async (): Promise<void> => {
    const loop = await runVirtual(() => getRunningLoop());
    expect(() => use(loop)).toThrow(RuntimeError);
    expect(() => use(loop)).toThrow(/Event loop is closed: its run\(\) or Runner has ended; start a new one/);
  };
  const noop = (): void => {};

  it(
    "refuses callSoon",
    refuses((loop) => loop.callSoon(noop)),
  );
  it(
    "refuses callSoonThreadsafe",
    refuses((loop) => loop.callSoonThreadsafe(noop)),
  );
  it(
    "refuses callLater",
    refuses((loop) => loop.callLater(1, noop)),
  );
  it(
    "refuses callAt",
    refuses((loop) => loop.callAt(1, noop)),
  );
  it(
    "refuses createFuture",
    refuses((loop) => loop.createFuture()),
  );
  it(
    "refuses createTask",
    refuses((loop) => loop.createTask(() => 1)),
  );
  it(
    "refuses addSignalHandler",
    refuses((loop) => loop.addSignalHandler("SIGUSR2", noop)),
  );

  it("still tells its time, its tasks and its settings", async () => {
    const loop = await runVirtual(async () => {
      await sleep("1s");
      return getRunningLoop();
    });
    expect([loop.time(), allTasks(loop).size, loop.getDebug(), loop.getExceptionHandler()]).toEqual([
      1000,
      0,
      false,
      null,
    ]);
  });

  it("takes the result of a future that comes too late in silence", async () => {
    const log: string[] = [];
    const [future] = await runVirtual(() => {
      const late = getRunningLoop().createFuture<number>();
      late.addDoneCallback(() => log.push("called"));
      return [late] as const;
    });
    future.setResult(1);
    await run(() => sleep(1));
    expect([future.result(), ...log]).toEqual([1]);
  });

  it("refuses the waits of a task that it left behind, so that the task ends", async () => {
    const log: string[] = [];
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    await runVirtual(
      async () => {
        getRunningLoop().setExceptionHandler(() => log.push("left behind"));
        createTask(async () => {
          await gate;
          await sleep("1s").catch((error: unknown) => log.push(String(error)));
        });
        await sleep(0);
      },
      { shutdownTimeout: "1s" },
    );
    release();
    await run(() => sleep(1));
    expect(log).toEqual(["left behind", expect.stringMatching(/^CancelledError: /)]);
  });
});
