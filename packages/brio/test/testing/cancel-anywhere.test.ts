import {
  CancelledError,
  createTask,
  currentTask,
  Event,
  getRunningLoop,
  Lock,
  RuntimeError,
  Semaphore,
  shield,
  sleep,
  taskGroup,
  uncancellable,
} from "brio";
import { cancelAnywhere, runVirtual, type Trial, TrialError } from "brio/testing";
import { describe, expect, it } from "vitest";
import { silently } from "./unhandled.ts";

/** The error that cancelAnywhere ends with. */
async function failureOf(running: Promise<unknown>): Promise<TrialError> {
  const error = await running.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(TrialError);
  return error as TrialError; // as just checked
}

describe("cancelAnywhere", () => {
  it("cancels main at each point once, before it starts, in each wait, and after each", async () => {
    const ends: string[] = [];
    const { points, runs, missed } = await cancelAnywhere(
      async (trial) => {
        let at = "not begun";
        trial.check(({ status }) => void ends.push(`${at}: ${status}`));
        at = "before the first sleep";
        await sleep("1s");
        at = "before the second sleep";
        await sleep("1s");
        at = "the end";
      },
      { cancellation: "once" },
    );
    const count = (end: string) => ends.filter((each) => each === end).length;
    expect(ends[0]).toBe("the end: returned");
    expect(count("before the first sleep: cancelled")).toBeGreaterThan(2);
    expect(count("before the second sleep: cancelled")).toBeGreaterThan(2);
    expect(count("the end: cancelled")).toBe(1);
    expect(count("the end: returned")).toBe(1);
    expect(runs).toBe(points + 1);
    expect(missed).toBe(0);
  });

  it("runs each point in both modes of cancellation", async () => {
    const clean: string[] = [];
    await cancelAnywhere(async (trial) => {
      let ended = "cut";
      trial.check(({ struck }) => {
        if (struck.length > 0) clean.push(ended);
      });
      try {
        await sleep("1s");
      } finally {
        await sleep("1s");
        ended = "cleaned up";
      }
    });
    expect(new Set(clean)).toEqual(new Set(["cut", "cleaned up"]));
    const sticky: string[] = [];
    await cancelAnywhere(
      async (trial) => {
        trial.check(({ struck }) => void sticky.push(...struck));
        await sleep("1s");
      },
      { cancellation: "sticky" },
    );
    expect(new Set(sticky)).toEqual(new Set(["main"]));
  });

  it("does the same program again and again, each time from the beginning", async () => {
    const times: number[] = [];
    const { runs } = await cancelAnywhere(async () => {
      times.push(getRunningLoop().time());
      await sleep("1h");
    });
    // Cancelled before it starts, it does not begin.
    expect(times.length).toBeLessThan(runs);
    expect(times.length).toBeGreaterThan(runs / 2);
    expect(new Set(times)).toEqual(new Set([0]));
  });

  it("names the point, what is wrong, and what happened", async () => {
    const error = await failureOf(
      cancelAnywhere(async (trial) => {
        const slots = trial.watch(new Semaphore(2));
        await slots.acquire();
        trial.note("has a slot");
        await sleep("5ms");
        slots.release();
      }),
    );
    expect(error.message).toMatch(
      /^cancelAnywhere: when main is cancelled at point \d+ \("sticky"\), something is not in order:/,
    );
    expect(error.message).toContain("<Semaphore value 1, 0 waiting>: value is 1 at the end, and was 2");
    expect(error.message).toMatch(
      /To run only this: \{ only: \{"points":\[\d+\],"target":0,"cancellation":"sticky"\} \}/,
    );
    expect(error.trace.map((line) => line.trim())).toEqual(
      expect.arrayContaining(["0 ms  main starts", "0 ms  has a slot", "0 ms  === cancelled: main"]),
    );
    expect(error.problems).toHaveLength(1);
    expect(error.cause).toBe(error.problems[0]);
  });

  it("runs only what an error has named", async () => {
    let runs = 0;
    const program = async (trial: Trial) => {
      runs++;
      const lock = trial.watch(new Lock());
      await sleep("1s");
      await lock.acquire();
      await sleep("1s");
      lock.release();
    };
    const error = await failureOf(cancelAnywhere(program));
    const only = JSON.parse(/\{ only: (.*) \}/.exec(error.message)?.[1] ?? "");
    runs = 0;
    const again = await failureOf(cancelAnywhere(program, { only }));
    expect(again.message).toBe(error.message);
    expect(runs).toBe(1);
    const harmless = await cancelAnywhere(program, { only: { ...only, points: [2] } });
    expect(harmless).toMatchObject({ runs: 1, missed: 0 });
  });

  it("finds a program that is not in order undisturbed", async () => {
    const error = await failureOf(
      cancelAnywhere(async () => {
        await sleep(1);
        throw new TypeError("always");
      }),
    );
    expect(error.message).toMatch(
      /not in order even when it is not cancelled \("sticky"\):\n {2}- TypeError: always/,
    );
  });

  it("finds clean-up that fails", async () => {
    const error = await failureOf(
      cancelAnywhere(async () => {
        const lock = new Lock();
        try {
          await sleep("1s");
          await lock.acquire();
        } finally {
          lock.release();
        }
      }),
    );
    expect(error.problems[0]).toBeInstanceOf(RuntimeError);
  });

  it("accepts errors that are allowed", async () => {
    const program = async () => {
      try {
        await sleep("1s");
      } catch {
        throw new RangeError("translated");
      }
    };
    expect((await failureOf(cancelAnywhere(program))).problems[0]).toBeInstanceOf(RangeError);
    await cancelAnywhere(program, { allow: (error) => error instanceof RangeError });
  });

  it("finds a cancellation that is swallowed, unless that is meant", async () => {
    const program = async () => {
      await sleep("1s").catch(() => {});
    };
    expect((await failureOf(cancelAnywhere(program))).message).toContain(
      "main was cancelled, and returned as if nothing had happened",
    );
    await cancelAnywhere(program, { maySwallow: true });
  });

  it("finds what the loop reports", async () => {
    const error = await failureOf(
      cancelAnywhere(
        async () => {
          const failing = createTask(async () => {
            await sleep("2s");
            throw new TypeError("unseen");
          });
          await shield(failing).catch(() => {});
          await sleep("1s");
        },
        { only: { points: [5], target: 0, cancellation: "once" } },
      ),
    );
    expect(error.message).toMatch(/the loop reported: /);
  });

  it("finds a promise that is rejected without a handler", async () => {
    const error = await silently(() =>
      failureOf(
        cancelAnywhere(async () => {
          try {
            await sleep("1s");
          } catch (error) {
            void Promise.reject(new TypeError("nobody listens"));
            throw error;
          }
        }),
      ),
    );
    expect(error.message).toContain("a promise was rejected and nobody handled it");
    expect((error.cause as Error).cause).toBeInstanceOf(TypeError);
  });

  it("finds a task that outlives the run", async () => {
    const error = await failureOf(
      cancelAnywhere(async () => {
        const stubborn = createTask(() => uncancellable(() => sleep("1h"), { grace: null }), {
          name: "stubborn",
        });
        await sleep("1s");
        await stubborn;
      }),
    );
    expect(error.message).toContain('the loop reported: run() leaves <Task "stubborn" pending> behind');
    expect(error.message).toContain('<Task "stubborn" pending> never ended; it waits: sleep on the clock');
  });

  it("finds what is left when the program has ended, if it is to be structured", async () => {
    const program = async () => {
      const task = createTask(() => sleep("2s"), { name: "helper" });
      await sleep("1s");
      await task;
    };
    await cancelAnywhere(program);
    expect((await failureOf(cancelAnywhere(program, { structured: true }))).message).toContain(
      '<Task "helper" pending> is still alive when the program has ended',
    );
    const timer = async () => {
      const handle = getRunningLoop().callLater("2s", () => {});
      await sleep("1s");
      handle.cancel();
    };
    await cancelAnywhere(timer);
    expect((await failureOf(cancelAnywhere(timer, { structured: true }))).message).toContain(
      "a timer is left",
    );
    await cancelAnywhere(
      () =>
        taskGroup((group) => {
          group.createTask(() => sleep("2s"));
        }),
      { structured: true },
    );
  });

  it("finds a program that hangs, and says what waits", async () => {
    const error = await failureOf(
      cancelAnywhere(
        async () => {
          const ready = new Event();
          const maker = createTask(async () => {
            await sleep("1s");
            ready.set();
          });
          await ready.wait();
          await maker;
        },
        { targets: (task) => task !== currentTask() && task.getName() !== "main" },
      ),
    );
    expect(error.message).toMatch(/DeadlockError: .*\n.*main {2}event\.wait on <Event unset, 1 waiting>/);
  });

  it("finds a program that waits for what is not brio's for ever", async () => {
    const error = await failureOf(
      cancelAnywhere(
        async () => {
          await sleep("1s");
          await new Promise(() => {});
        },
        { patience: "20ms" },
      ),
    );
    expect(error.message).toContain("the run has not ended after 20 ms of real time");
    expect(error.message).toContain("1000 ms  main goes on after sleep");
  });

  it("cancels the body as a scope, so that the main task itself is not cancelled", async () => {
    const struck = new Set<string>();
    await cancelAnywhere(
      async (trial) => {
        const main = currentTask();
        trial.check((outcome) => {
          for (const name of outcome.struck) struck.add(name);
          expect(outcome.status).toBe("returned");
          expect(main?.cancelling() ?? 0).toBe(0);
        });
        await sleep("1s");
      },
      { targets: "body" },
    );
    expect(struck).toEqual(new Set(["body"]));
  });

  it("cancels every task that the program starts, one at a time", async () => {
    const struck = new Set<string>();
    const { runs, points } = await cancelAnywhere(
      async (trial) => {
        trial.check((outcome) => {
          expect(outcome.struck.length).toBeLessThan(2);
          for (const name of outcome.struck) struck.add(name);
        });
        await taskGroup(async (group) => {
          group.createTask(() => sleep("1s"), { name: "a" });
          group.createTask(() => sleep("2s"), { name: "b" });
        });
      },
      { targets: "all" },
    );
    expect(struck).toEqual(new Set(["body", "main", "a", "b"]));
    expect(runs).toBeGreaterThan(points * 2);
  });

  it("cancels a second time during clean-up", async () => {
    const ends = new Set<string>();
    const program = async (trial: Trial) => {
      const events: string[] = [];
      trial.check(() => void ends.add(events.join()));
      try {
        await sleep("1s");
      } catch (error) {
        events.push("cleaning");
        await sleep("1s");
        events.push("cleaned");
        throw error;
      }
    };
    await cancelAnywhere(program, { cancellation: "once" });
    expect(ends).toEqual(new Set(["", "cleaning,cleaned"]));
    await cancelAnywhere(program, { cancellation: "once", twice: true });
    expect(ends).toEqual(new Set(["", "cleaning,cleaned", "cleaning"]));
    const error = await failureOf(
      cancelAnywhere(
        async (trial) => {
          const lock = trial.watch(new Lock());
          await lock.acquire();
          try {
            await sleep("1s");
          } finally {
            await sleep("1s"); // to say goodbye: fine, unless it is cancelled once more
            lock.release();
          }
        },
        { cancellation: "once", twice: true },
      ),
    );
    expect(error.message).toMatch(/cancelled at point \d+ and point \d+ \("once"\)/);
  });

  it("tells of runs that came to an end before their point", async () => {
    let run = 0;
    const { missed } = await cancelAnywhere(
      async () => {
        // Long undisturbed, short afterwards: not the same program each time.
        for (let i = run++ === 0 ? 10 : 1; i > 0; i--) await sleep("1s");
      },
      { cancellation: "once" },
    );
    expect(missed).toBeGreaterThan(10);
  });

  it("runs every check, and collects what they throw", async () => {
    const error = await failureOf(
      cancelAnywhere((trial) => {
        trial.check(async () => {
          await null;
          throw new Error("first");
        });
        trial.check(() => {});
        trial.check(() => {
          throw new Error("second");
        });
      }),
    );
    expect(error.problems.map((problem) => (problem as Error).message)).toEqual(["first", "second"]);
    expect(error.message).toContain("\n  - first\n  - second\n");
  });

  it("shows the errors in a group of errors", async () => {
    const error = await failureOf(
      cancelAnywhere(async () => {
        await taskGroup((group) => {
          group.createTask(() => Promise.reject(new TypeError("first")));
          group.createTask(() => Promise.reject(new Error("second")));
        });
      }),
    );
    expect(error.message).toMatch(
      / {2}- ExceptionGroup: .* \(2 sub-exceptions\)\n.*TypeError: first\n.*Error: second\n/,
    );
  });

  it("leaves the process as it found it", async () => {
    const before = process.listeners("unhandledRejection");
    await cancelAnywhere(() => sleep("1s"));
    await failureOf(cancelAnywhere(() => Promise.reject(new Error("no"))));
    expect(process.listeners("unhandledRejection")).toEqual(before);
  });

  it("refuses what it can't use", async () => {
    // @ts-expect-error: a promise is no program
    await expect(cancelAnywhere(Promise.resolve())).rejects.toThrow(
      /takes a function: cancelAnywhere\(async/,
    );
    // @ts-expect-error: a string is no invariant
    const error = await failureOf(cancelAnywhere((trial) => trial.check("x")));
    expect(error.problems[0]).toBeInstanceOf(TypeError);
    await runVirtual(async () => {
      await expect(cancelAnywhere(() => {})).rejects.toThrow(RuntimeError);
    });
    await expect(cancelAnywhere(() => sleep(1), { patience: -1 })).rejects.toThrow(RangeError);
  });

  it("gives a program whose CancelledError nobody asked for no benefit of the doubt", async () => {
    const error = await failureOf(cancelAnywhere(() => Promise.reject(new CancelledError())));
    expect(error.message).toContain("the program ended with CancelledError, and was not cancelled");
  });
});

describe("cancelAnywhere, with a limit for how long clean-up may take", () => {
  const program = async () => {
    try {
      await sleep("1s");
    } finally {
      await uncancellable(() => sleep("20ms"));
    }
    await sleep("1s");
  };

  it("accepts what ends in time", async () => {
    await cancelAnywhere(program, { targets: "all", endsWithin: "20ms" });
  });

  it("names what does not, the main task or the body", async () => {
    const main = await failureOf(cancelAnywhere(program, { endsWithin: "10ms" }));
    expect(main.message).toContain(
      "main was cancelled at 0 ms, and took until 20 ms to end (endsWithin: 10 ms)",
    );
    const body = await failureOf(cancelAnywhere(program, { targets: "body", endsWithin: 0 }));
    expect(body.message).toContain(
      "body was cancelled at 0 ms, and took until 20 ms to end (endsWithin: 0 ms)",
    );
  });
});
