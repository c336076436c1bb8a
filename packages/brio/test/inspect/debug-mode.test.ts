import {
  coroutine,
  createTask,
  currentTask,
  getRunningLoop,
  type RunOptions,
  sleep,
  uncancellable,
} from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

/** Runs a program in debug mode and gives what it reports. */
async function reports(
  program: () => Promise<void>,
  options: Omit<RunOptions, "clock"> = {},
): Promise<{ message: string; source?: string }[]> {
  const seen: { message: string; source?: string }[] = [];
  await runVirtual(
    async () => {
      getRunningLoop().setExceptionHandler((_loop, context) => seen.push(context));
      await program();
    },
    { debug: true, ...options },
  );
  return seen;
}

describe("debug mode", () => {
  it("reports a wait that is refused during clean-up, with its line", async () => {
    const seen = await reports(async () => {
      const task = createTask(
        async () => {
          try {
            await sleep("1h");
          } finally {
            await sleep("1ms");
          }
        },
        { name: "careless" },
      );
      await sleep(1);
      task.cancel();
      await task.catch(() => {});
    });
    expect(seen).toHaveLength(1);
    expect(seen[0]?.message).toMatch(
      /task "careless" was cancelled by task "main" and waits again \(sleep on the clock\): the wait was refused/,
    );
    expect(seen[0]?.message).toMatch(/uncancellable/);
    expect(seen[0]?.source).toContain("debug-mode.test.ts");
  });

  it("has nothing to say of clean-up in uncancellable, nor of uncancel", async () => {
    const seen = await reports(async () => {
      const polite = createTask(async () => {
        try {
          await sleep("1h");
        } finally {
          await uncancellable(() => sleep("1ms"));
        }
      });
      const convert = createTask(async () => {
        await sleep("1h").catch(() => currentTask()?.uncancel());
        await sleep("1ms");
      });
      await sleep(1);
      polite.cancel();
      convert.cancel();
      await polite.catch(() => {});
      await convert;
    });
    expect(seen).toEqual([]);
  });

  it("reports a task that swallows its cancellation", async () => {
    const seen = await reports(async () => {
      const task = createTask(() => sleep("1h").catch(() => {}), { name: "greedy" });
      await sleep(1);
      task.cancel();
      await task;
    });
    expect(seen.map(({ message }) => message)).toEqual([
      'task "greedy" was cancelled by task "main" and swallowed the cancellation: it returned as if nothing had happened',
    ]);
    expect(seen[0]?.source).toContain("debug-mode.test.ts");
  });

  it("reports a task that is still alive long after it was cancelled, once, and what it waits for", async () => {
    const seen = await reports(
      async () => {
        const task = createTask(
          async () => {
            for (let i = 0; i < 3; i++) await sleep("4s").catch(() => {});
            currentTask()?.uncancel();
          },
          { name: "stubborn" },
        );
        await sleep(1);
        task.cancel();
        await sleep("1m");
        await task;
      },
      { cancellation: "once" },
    );
    expect(seen.map(({ message }) => message)).toEqual([
      'task "stubborn" is still alive 5 s after it was cancelled by task "main"; it waits in sleep on the clock',
    ]);
  });

  it("reports nothing of the kind outside debug mode", async () => {
    const seen = await reports(
      async () => {
        const task = createTask(async () => {
          await sleep("1h").catch(() => {});
          await sleep("1ms").catch(() => {});
        });
        await sleep(1);
        task.cancel();
        await task;
      },
      { debug: false },
    );
    expect(seen).toEqual([]);
  });

  it("reports a coroutine whose function is not async", async () => {
    const blocking = coroutine(function compute() {
      return 42 as unknown as PromiseLike<number>; // what a caller without types may pass
    });
    const seen = await reports(async () => {
      expect(await blocking()).toBe(42);
      expect(await createTask(blocking())).toBe(42);
    });
    expect(seen.map(({ message }) => message)).toEqual(
      Array(2).fill(
        "coroutine compute() ran synchronously: its function returned no promise; make it async, or call it as a plain function",
      ),
    );
    expect(seen[0]?.source).toContain("debug-mode.test.ts");
  });

  it("reports a step and a callback that keep the loop for too long", async () => {
    const seen = await reports(async () => {
      const loop = getRunningLoop();
      // Whatever it takes is too long.
      loop.slowCallbackDuration = 0;
      await createTask(async () => {}, { name: "slow" });
      loop.callSoon(function slowly() {});
      await sleep(1);
      loop.slowCallbackDuration = 1e9;
    });
    const messages = seen.map(({ message }) => message).join("\n");
    expect(messages).toMatch(/Executing <Task "slow" .*> took \d+\.\d{3} seconds/);
    expect(messages).toMatch(/Executing <Handle slowly\(\)> took \d+\.\d{3} seconds/);
  });
});
