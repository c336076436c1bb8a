import {
  ContextVar,
  copyContext,
  createTask,
  currentTask,
  EventLoop,
  getRunningLoop,
  Runner,
  RuntimeError,
  sleep,
  type Task,
} from "brio";
import { runVirtual, VirtualClock } from "brio/testing";
import { describe, expect, it } from "vitest";

const virtual = (): Runner => new Runner({ clock: new VirtualClock(), handleSignals: false });

describe("a Runner", () => {
  it("runs one main after the other in one loop", async () => {
    await using runner = virtual();
    const main = async (name: string): Promise<unknown[]> => {
      await sleep("1s");
      return [name, getRunningLoop() === runner.getLoop(), getRunningLoop().time()];
    };
    expect(await runner.run(() => main("first"))).toEqual(["first", true, 1000]);
    expect(await runner.run(() => main("second"))).toEqual(["second", true, 2000]);
  });

  it("makes its loop when it is first asked for", async () => {
    await using runner = new Runner({ debug: true });
    const loop = runner.getLoop();
    expect([loop instanceof EventLoop, loop.getDebug(), runner.getLoop() === loop]).toEqual([
      true,
      true,
      true,
    ]);
    await using quiet = new Runner({ debug: false });
    expect(quiet.getLoop().getDebug()).toBe(false);
  });

  it("goes on after a main that failed", async () => {
    await using runner = virtual();
    await expect(runner.run(() => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
    expect(await runner.run(() => "well")).toBe("well");
  });

  it("keeps the context variables that a main sets for the next", async () => {
    const variable = new ContextVar("variable", { default: -1 });
    await using runner = virtual();
    const swap = async (value: number): Promise<number> => {
      const before = variable.get();
      await sleep(0);
      variable.set(value);
      return before;
    };
    expect(await runner.run(() => swap(1))).toBe(-1);
    expect(await runner.run(() => swap(2))).toBe(1);
    expect((await runner.run(() => copyContext())).get(variable)).toBe(2);
    expect(variable.get()).toBe(-1);
  });

  it("lets tasks that a main leaves behind go on during the next", async () => {
    await using runner = virtual();
    const task = await runner.run(() => [createTask(() => sleep(30, "the first main's"))]);
    await runner.run(() => sleep(10));
    expect(task[0]?.done()).toBe(false);
    expect(await runner.run(() => task[0] as Task<string>)).toBe("the first main's"); // it holds one task
  });

  it("waits for a future of its loop, given by a function", async () => {
    await using runner = virtual();
    const future = runner.getLoop().createFuture<string>();
    runner.getLoop().callLater(10, () => future.setResult("settled"));
    expect(await runner.run(() => future)).toBe("settled");
  });

  it("can name each main", async () => {
    await using runner = new Runner({ name: "the runner's" });
    const name = (): string | undefined => currentTask()?.getName();
    expect([await runner.run(name), await runner.run(name, { name: "its own" })]).toEqual([
      "the runner's",
      "its own",
    ]);
  });

  it("can stop each main by a signal, and go on", async () => {
    await using runner = virtual();
    const stopped = runner.run(() => sleep("1h"), { signal: AbortSignal.abort("stop") });
    await expect(stopped).rejects.toMatchObject({ name: "CancelledError", reason: "stop" });
    expect(await runner.run(() => sleep(1, "on"))).toBe("on");
  });

  it("begins nothing, when it refuses what was meant for a signal", async () => {
    const log: string[] = [];
    await using runner = virtual();
    // @ts-expect-error the controller's signal is meant
    const refused = runner.run(() => log.push("begun"), { signal: new AbortController() });
    await expect(refused).rejects.toThrow(/signal must be an AbortSignal/);
    await runner.run(() => sleep(1));
    expect(log).toEqual([]);
  });

  it("refuses what is no coroutine or function, and is none the worse for it", async () => {
    await using runner = virtual();
    // @ts-expect-error a number can't be run
    await expect(runner.run(123)).rejects.toThrow(TypeError);
    const [future] = await runner.run(() => [getRunningLoop().createFuture()] as const);
    // @ts-expect-error a future has begun
    await expect(runner.run(future)).rejects.toThrow(/takes a coroutine or a function, and got a promise/);
    expect(await runner.run(() => "fine")).toBe("fine");
  });
});

describe("a Runner that runs", () => {
  it("refuses a second main until the first has ended", async () => {
    await using runner = virtual();
    const first = runner.run(() => sleep(1, "first"));
    await expect(runner.run(() => "second")).rejects.toThrow(RuntimeError);
    await expect(runner.run(() => "second")).rejects.toThrow(
      /this Runner is running: await its run\(\) before the next/,
    );
    expect(await first).toBe("first");
    expect(await runner.run(() => "third")).toBe("third");
  });

  it("refuses a main from inside of its own", async () => {
    await using runner = virtual();
    await expect(runner.run(() => runner.run(() => 1))).rejects.toThrow(
      /run\(\) was called inside a running event loop/,
    );
  });

  it("refuses to be run inside another loop", () =>
    runVirtual(async () => {
      await using runner = virtual();
      await expect(runner.run(() => 1)).rejects.toThrow(/inside a running event loop/);
    }));

  it("refuses to be closed", async () => {
    const runner = virtual();
    const running = runner.run(() => sleep(1, "done"));
    await expect(runner.close()).rejects.toThrow(RuntimeError);
    await expect(runner.close()).rejects.toThrow(/the runner is running; await its run\(\) first/);
    expect(await running).toBe("done");
    await runner.close();
  });
});

describe("closing a Runner", () => {
  it("closes its loop, and the runner can't be used any more", async () => {
    const runner = virtual();
    const loop = runner.getLoop();
    await runner.close();
    expect(loop.isClosed()).toBe(true);
    expect(() => runner.getLoop()).toThrow(RuntimeError);
    expect(() => runner.getLoop()).toThrow(/this Runner is closed: make a new one/);
    await expect(runner.run(() => 1)).rejects.toThrow(/this Runner is closed/);
  });

  it("happens at the end of an await using block, also when that throws", async () => {
    let loop: EventLoop | undefined;
    const block = async (): Promise<void> => {
      await using runner = virtual();
      loop = runner.getLoop();
      await runner.run(() => Promise.reject(new Error("broken")));
    };
    await expect(block()).rejects.toThrow("broken");
    expect(loop?.isClosed()).toBe(true);
  });

  it("twice is fine, and before its first use too", async () => {
    const used = virtual();
    await used.run(() => 1);
    await used.close();
    await used.close();
    const unused = virtual();
    await unused.close();
    expect(() => unused.getLoop()).toThrow(/this Runner is closed/);
  });

  it("cancels the tasks that are left, and waits for them", async () => {
    const log: string[] = [];
    const runner = virtual();
    await runner.run(async () => {
      createTask(async () => {
        try {
          await sleep("1h");
        } finally {
          log.push("cleaned up");
        }
      });
      await sleep(0);
    });
    log.push("run has ended");
    await runner.close();
    log.push("closed");
    expect(log).toEqual(["run has ended", "cleaned up", "closed"]);
  });
});
