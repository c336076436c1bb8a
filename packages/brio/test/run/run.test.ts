import {
  CancelledError,
  coroutine,
  createTask,
  currentTask,
  getRunningLoop,
  interruptible,
  RuntimeError,
  run,
  sleep,
} from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";
import { outside } from "../tasks/outside.ts";

describe("run", () => {
  // The first one: until a loop has been, Node before 24 need not follow promises.
  it("leaves whoever calls it outside of its loop", async () => {
    await run(() => sleep(0));
    expect(currentTask()).toBeNull();
    expect(() => getRunningLoop()).toThrow(RuntimeError);
    await run(() => sleep(0));
    expect(() => getRunningLoop()).toThrow(RuntimeError);
  });

  it("resolves with what main returns", async () => {
    const value = await run(async () => {
      await sleep(0);
      return 42;
    });
    expect(value).toBe(42);
  });

  it("rejects with what main throws", async () => {
    const error = new RangeError("spam");
    const failing = run(async () => {
      await sleep(0);
      throw error;
    });
    await expect(failing).rejects.toBe(error);
  });

  it("takes a coroutine, and a function that is not async", async () => {
    expect(await run(coroutine(async (value: number) => value + 1)(41))).toBe(42);
    expect(await run(() => "sync")).toBe("sync");
    await expect(
      run(() => {
        throw new Error("sync");
      }),
    ).rejects.toThrow("sync");
  });

  it("runs main as a task that is called main, or as it is told", async () => {
    const name = (): string | undefined => currentTask()?.getName();
    expect([await run(name), await run(name, { name: "server" })]).toEqual(["main", "server"]);
  });

  it("makes a loop of its own for each call", async () => {
    const loops = [await run(() => getRunningLoop()), await run(() => getRunningLoop())];
    expect(loops[0]).not.toBe(loops[1]);
  });

  it("refuses what is neither a coroutine nor a function", async () => {
    for (const main of [1, "main", null, undefined, {}]) {
      // @ts-expect-error none of them can be run
      await expect(run(main)).rejects.toThrow(/run\(\) takes a coroutine or a function/);
    }
  });

  it("refuses a promise: it has begun outside of the loop", async () => {
    // @ts-expect-error a promise is hot
    await expect(run(Promise.resolve(1))).rejects.toThrow(
      /run\(\) takes a coroutine or a function, and got a promise/,
    );
  });

  it("refuses options that make no sense", async () => {
    // @ts-expect-error there is no such mode
    await expect(run(() => 1, { cancellation: "never" })).rejects.toThrow(RangeError);
    // @ts-expect-error not a duration
    await expect(run(() => 1, { shutdownTimeout: "long" })).rejects.toThrow(
      /shutdownTimeout is not a duration: 'long'/,
    );
    await expect(run(() => 1, { shutdownTimeout: -1 })).rejects.toThrow(RangeError);
    // @ts-expect-error not a signal
    await expect(run(() => 1, { signal: new AbortController() })).rejects.toThrow(
      /signal must be an AbortSignal/,
    );
  });

  it("never asks the result for its text or anything else", async () => {
    const touched: string[] = [];
    const result = new Proxy(
      {},
      {
        get: (_target, key) => {
          // A promise must ask whether it is a thenable.
          if (key !== "then") touched.push(String(key));
          return undefined;
        },
      },
    );
    expect((await run(() => result, { debug: true })) === result).toBe(true);
    expect(touched).toEqual([]);
  });
});

describe("run inside a running loop", () => {
  it("is refused, and says what to do instead", () =>
    runVirtual(async () => {
      const nested = run(async () => 1);
      await expect(nested).rejects.toThrow(RuntimeError);
      await expect(nested).rejects.toThrow(
        /run\(\) was called inside a running event loop: await the coroutine, or start it with createTask/,
      );
    }));

  it("begins nothing, and leaves the running loop as it is", () =>
    runVirtual(async () => {
      const log: string[] = [];
      await run(() => log.push("begun")).catch(() => {});
      const work = coroutine(async () => log.push("begun"))();
      await run(work).catch(() => {});
      await sleep("1s");
      expect([getRunningLoop().time(), getRunningLoop().isRunning(), ...log]).toEqual([1000, true]);
    }));

  it("is refused in callbacks as well", () =>
    runVirtual(async () => {
      const loop = getRunningLoop();
      const refused = loop.createFuture<unknown>();
      loop.callSoon(() => {
        run(() => 1).catch((error: unknown) => refused.setResult(error));
      });
      expect(await refused).toBeInstanceOf(RuntimeError);
    }));

  it("is fine in code that merely stems from a loop that has ended", async () => {
    let later: Promise<number> | undefined;
    await run(async () => {
      later = new Promise((resolve) => setImmediate(() => setImmediate(resolve))).then(() => run(() => 42));
    });
    expect(await later).toBe(42);
  });
});

describe("two runs side by side", () => {
  it("are independent loops, each with its own main", async () => {
    const main = async (): Promise<unknown[]> => {
      const loop = getRunningLoop();
      const log: unknown[] = [];
      for (let i = 1; i <= 3; i++) {
        await sleep(1);
        log.push(currentTask()?.getName(), getRunningLoop() === loop);
      }
      return [loop, ...log];
    };
    const [a, b] = await Promise.all([run(main, { name: "A" }), run(main, { name: "B" })]);
    expect(a[0]).not.toBe(b[0]);
    expect(a.slice(1)).toEqual(["A", true, "A", true, "A", true]);
    expect(b.slice(1)).toEqual(["B", true, "B", true, "B", true]);
  });

  it("end apart: the failure of one is nothing to the other", async () => {
    const results = await Promise.allSettled([
      run(() => Promise.reject(new Error("broken"))),
      run(() => sleep(5, "well")),
    ]);
    expect(results).toEqual([
      { status: "rejected", reason: new Error("broken") },
      { status: "fulfilled", value: "well" },
    ]);
  });

  it("each in its own time, in virtual time", async () => {
    const times = await Promise.all(
      ["1h", "1s"].map((delay) =>
        runVirtual(async () => {
          await sleep(delay as "1h"); // both are durations
          return getRunningLoop().time();
        }),
      ),
    );
    expect(times).toEqual([3_600_000, 1000]);
  });

  it("one may be started from a listener while the other runs", async () => {
    const [inner, outer] = await run(async () => {
      const own = getRunningLoop();
      const theirs = await interruptible(outside(() => run(async () => [getRunningLoop()] as const)));
      return [theirs[0], own] as const;
    });
    expect(inner).not.toBe(outer);
  });
});

describe("run with a signal", () => {
  it("cancels main, with the signal's reason, when it is aborted", async () => {
    const controller = new AbortController();
    const seen: unknown[] = [];
    const running = run(
      async () => {
        setImmediate(() => controller.abort("enough"));
        try {
          await sleep("1h");
        } catch (error) {
          seen.push((error as CancelledError).reason);
          throw error;
        }
      },
      { signal: controller.signal },
    );
    await expect(running).rejects.toThrow(CancelledError);
    await expect(running).rejects.toMatchObject({ reason: "enough", by: "an AbortSignal" });
    expect(seen).toEqual(["enough"]);
  });

  it("does not even begin main when it was aborted before", async () => {
    const log: string[] = [];
    const running = run(() => log.push("begun"), { signal: AbortSignal.abort("too late") });
    await expect(running).rejects.toMatchObject({ name: "CancelledError", reason: "too late" });
    expect(log).toEqual([]);
  });

  it("returns main's value when main swallows the cancellation", async () => {
    const controller = new AbortController();
    const running = run(
      () => {
        setImmediate(() => controller.abort());
        return sleep("1h").catch(() => "swallowed");
      },
      { signal: controller.signal },
    );
    expect(await running).toBe("swallowed");
  });

  it("waits for main's clean-up, and cancels the other tasks afterwards", async () => {
    const controller = new AbortController();
    const log: string[] = [];
    const running = run(
      async () => {
        createTask(async () => {
          try {
            await sleep("1h");
          } finally {
            log.push("other ends");
          }
        });
        setImmediate(() => controller.abort());
        try {
          await sleep("1h");
        } finally {
          log.push("main ends");
        }
      },
      { signal: controller.signal },
    );
    await expect(running).rejects.toThrow(CancelledError);
    expect(log).toEqual(["main ends", "other ends"]);
  });

  it("does not listen to it any longer than it runs", async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const listening = new Set<unknown>();
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...args: Parameters<typeof addEventListener>): void => {
      listening.add(args[1]);
      addEventListener.apply(signal, args);
    };
    signal.removeEventListener = (...args: Parameters<typeof removeEventListener>): void => {
      listening.delete(args[1]);
      removeEventListener.apply(signal, args);
    };
    const during = await run(() => listening.size, { signal });
    expect([during, listening.size]).toEqual([1, 0]);
  });
});
