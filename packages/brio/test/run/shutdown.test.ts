import {
  createTask,
  gather,
  getRunningLoop,
  shield,
  sleep,
  sleepForever,
  taskGroup,
  uncancellable,
} from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

/** Runs `main` and gives what the exception handler was told. */
async function reportsOf(
  main: () => Promise<unknown>,
  options: { shutdownTimeout?: "1s"; debug?: boolean } = {},
): Promise<{ message: string; exception: unknown; source: string | undefined }[]> {
  const reports: { message: string; exception: unknown; source: string | undefined }[] = [];
  await runVirtual(async () => {
    getRunningLoop().setExceptionHandler((_loop, { message, exception, source }) => {
      reports.push({ message, exception, source });
    });
    await main();
  }, options);
  return reports;
}

describe("at the end of a run, the tasks that are left", () => {
  it("are cancelled, and awaited, before run returns", async () => {
    const log: string[] = [];
    const value = await runVirtual(async () => {
      createTask(async () => {
        try {
          await sleep("1h");
        } finally {
          await uncancellable(() => sleep("1s"));
          log.push(`cleaned up at ${getRunningLoop().time()}`);
        }
      });
      await sleep(100);
      return 123;
    });
    expect([value, ...log]).toEqual([123, "cleaned up at 1100"]);
  });

  it("are told by whom they were cancelled", async () => {
    const log: string[] = [];
    await runVirtual(async () => {
      createTask(() => sleepForever().catch((error: unknown) => log.push(String(error))));
      await sleep(0);
    });
    expect(log).toEqual(["CancelledError: cancelled by the end of run()"]);
  });

  it("have their first step, and are stopped at their first wait, if main ends right after making them", async () => {
    const log: string[] = [];
    await runVirtual(async () => {
      createTask(async () => {
        log.push("begun");
        await sleep(1);
        log.push("never");
      });
    });
    expect(log).toEqual(["begun"]);
  });

  it("are cancelled when main fails, too, and run throws what main threw", async () => {
    const log: string[] = [];
    const running = runVirtual(async () => {
      createTask(() => sleepForever().finally(() => log.push("cancelled")));
      await sleep(0);
      throw new RangeError("main's");
    });
    await expect(running).rejects.toThrow("main's");
    expect(log).toEqual(["cancelled"]);
  });

  it("are cancelled in the order of their creation, and those that they make meanwhile as well", async () => {
    const log: string[] = [];
    const leave = (name: string, then = (): void => {}): void => {
      createTask(async () => {
        try {
          await sleepForever();
        } finally {
          log.push(name);
          then();
        }
      });
    };
    await runVirtual(async () => {
      leave("first", () => leave("made during the shutdown"));
      leave("second");
      await sleep(0);
    });
    expect(log).toEqual(["first", "second", "made during the shutdown"]);
  });

  it("are cancelled even where they were shielded", async () => {
    const log: string[] = [];
    await runVirtual(async () => {
      const inner = createTask(() => sleepForever().finally(() => log.push("inner ends")));
      createTask(() => shield(inner).finally(() => log.push("outer ends")));
      await sleep(0);
    });
    expect(log.sort()).toEqual(["inner ends", "outer ends"]);
  });

  it("may swallow the cancellation and end by themselves: run waits", async () => {
    const log: string[] = [];
    await runVirtual(async () => {
      createTask(async () => {
        await sleepForever().catch(() => {});
        log.push("ended in its own way");
        return "ignored";
      });
      await sleep(0);
    });
    expect(log).toEqual(["ended in its own way"]);
  });

  it("end a whole group of theirs", async () => {
    const log: string[] = [];
    await runVirtual(async () => {
      createTask(() =>
        taskGroup(async (group) => {
          for (const name of ["a", "b"]) {
            group.createTask(() => sleepForever().finally(() => log.push(name)));
          }
        }).finally(() => log.push("group")),
      );
      await sleep(0);
    });
    expect(log).toEqual(["a", "b", "group"]);
  });

  it("finish the async generators that they were in", async () => {
    const log: string[] = [];
    async function* ticks(): AsyncGenerator<number> {
      try {
        for (let tick = 1; ; tick++) {
          yield tick;
          await sleep("1s");
        }
      } finally {
        log.push("generator finished");
      }
    }
    await runVirtual(async () => {
      createTask(async () => {
        for await (const tick of ticks()) log.push(`tick ${tick}`);
      });
      await sleep(1500);
    });
    expect(log).toEqual(["tick 1", "tick 2", "generator finished"]);
  });
});

describe("an error during the shutdown", () => {
  it("is reported, with the task, and does not touch main's value", async () => {
    const reports = await reportsOf(async () => {
      createTask(
        async () => {
          try {
            await sleepForever();
          } catch {
            throw new RangeError("while cleaning up");
          }
        },
        { name: "leftover" },
      );
      await sleep(0);
    });
    expect(reports).toEqual([
      {
        message:
          'unhandled exception during run() shutdown: <Task "leftover" failed: RangeError: while cleaning up>',
        exception: new RangeError("while cleaning up"),
        source: undefined,
      },
    ]);
  });

  it("is reported for each task that fails", async () => {
    const reports = await reportsOf(async () => {
      for (const name of ["a", "b"]) {
        createTask(() => sleepForever().catch(() => Promise.reject(new Error(name))));
      }
      await sleep(0);
    });
    expect(reports.map(({ exception }) => String(exception))).toEqual(["Error: a", "Error: b"]);
  });

  it("is reported once where a task that awaits another passes it on", async () => {
    const reports = await reportsOf(async () => {
      const inner = createTask(() => sleepForever().catch(() => Promise.reject(new Error("inner"))));
      createTask(() => gather(inner).catch(() => {}));
      await sleep(0);
    });
    expect(
      reports.filter(({ exception }) => String(exception) === "Error: inner").length,
    ).toBeLessThanOrEqual(1);
  });
});

describe("a task that does not end, though it was cancelled", () => {
  it("is named after shutdownTimeout, with what it sits in, and run ends", async () => {
    let time = 0;
    const reports = await reportsOf(
      async () => {
        const loop = getRunningLoop();
        createTask(() => new Promise(() => {}), { name: "stuck" });
        createTask(() => sleepForever().finally(() => loop.callLater(1, () => {})), { name: "fine" });
        await sleep(0);
        loop.callLater(999, () => {
          time = loop.time();
        });
      },
      { shutdownTimeout: "1s" },
    );
    expect(reports.map(({ message }) => message)).toEqual([
      'run() leaves <Task "stuck" pending> behind: cancelled, and still alive after 1000 ms; ' +
        "it sits in a promise that is not brio's: see interruptible()",
    ]);
    expect(time).toBe(999);
  });

  it("is named with the wait that it sits in", async () => {
    const reports = await reportsOf(
      async () => {
        createTask(() => uncancellable(() => sleep("1h"), { grace: null }), { name: "unwilling" });
        await sleep(0);
      },
      { shutdownTimeout: "1s" },
    );
    expect(reports.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^run\(\) leaves <Task "unwilling" pending> behind: .*; it waits in sleep on /),
    ]);
  });

  it("is named with the line that made it, in debug mode", async () => {
    const reports = await reportsOf(
      async () => {
        createTask(() => new Promise(() => {}), { name: "stuck" });
        await sleep(0);
      },
      { shutdownTimeout: "1s", debug: true },
    );
    const report = reports.find(({ message }) => message.startsWith("run() leaves"));
    expect(report?.source).toContain("shutdown.test.ts");
  });
});
