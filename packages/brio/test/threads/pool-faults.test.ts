import { CancelledError, gather, getRunningLoop, QueueFull, run, sleep, type Task } from "brio";
import {
  BrokenExecutorError,
  ExecutorClosedError,
  FunctionNotFoundError,
  ResultTooLargeError,
  reference,
  references,
  ThreadPool,
  WorkerDiedError,
} from "brio/threads";
import { describe, expect, it } from "vitest";
import { leavesNothing } from "../left-behind.ts";
import {
  childKilled,
  exit,
  exitAtFirst,
  hoard,
  initialize,
  initialized,
  large,
  leaveTask,
  refuse,
  refuseLater,
  swallow,
  timeBomb,
  uncaught,
  unhandled,
} from "./fixtures/faults.ts";
import { add, double, stuck, waitForCancel } from "./fixtures/jobs.ts";
import { said, sharedWords, threadPool } from "./pools.ts";

leavesNothing();

describe("a thread that dies", () => {
  it("fails its own call with an error that says how, and another takes its place", async () => {
    await run(async () => {
      await using pool = threadPool();
      const words = sharedWords();
      const bystander = pool.submit(waitForCancel, words);
      await said(words, 0);
      const died = (await pool.submit(exit, 3).catch((error: unknown) => error)) as WorkerDiedError;
      expect(died).toBeInstanceOf(WorkerDiedError);
      expect(died).toMatchObject({ functionId: "faults#exit", how: "exited", exitCode: 3, signal: null });
      expect(died.message).toMatch(/^thread \d+ exited with code 3 while it ran faults#exit$/);
      expect(died.stack).toContain("pool-faults.test.ts");
      expect(await pool.submit(add, 1, 2)).toBe(3);
      expect(bystander.done()).toBe(false);
      expect(pool.statistics()).toMatchObject({ failed: 1, replaced: 1 });
      bystander.cancel();
      await expect(bystander).rejects.toThrow(CancelledError);
    });
  });

  it("fails no call that it had been sent and had not begun", async () => {
    await run(async () => {
      await using pool = threadPool({ maxWorkers: 1 });
      await gather(Array.from({ length: 300 }, () => pool.submit(add, 1, 1)));
      const died = pool.submit(exit, 1);
      const behind = Array.from({ length: 20 }, (_, n) => pool.submit(add, n, 1));
      await expect(died).rejects.toThrow(WorkerDiedError);
      expect(await gather(behind)).toEqual(Array.from({ length: 20 }, (_, n) => n + 1));
    });
  });

  it("has its call begun again, if it may be", async () => {
    await run(async () => {
      await using pool = threadPool({ maxWorkers: 1 });
      const words = sharedWords();
      expect(await pool.with({ attempts: 3 }).submit(exitAtFirst, words, 2)).toBe(2);
      const moved = new Uint8Array(1);
      const once = pool.with({ attempts: 3, transfer: [moved.buffer] }).submit(exitAtFirst, words, 100);
      await expect(once).rejects.toMatchObject({ attempts: 1 });
      const poison = pool.with({ attempts: 2 }).submit(exitAtFirst, words, 100);
      await expect(poison).rejects.toMatchObject({
        attempts: 2,
        message: expect.stringMatching(/exited with code 1 while it ran faults#exitAtFirst \(attempt 2\)$/),
      });
      expect(words[0]).toBe(6);
      expect(await pool.submit(add, 1, 2)).toBe(3);
      expect(pool.statistics()).toMatchObject({ completed: 2, failed: 2, replaced: 5 });
    });
  });

  it("because of an uncaught error, or a rejection that nobody handles, says which", async () => {
    await run(async () => {
      await using pool = threadPool();
      await expect(pool.submit(uncaught)).rejects.toMatchObject({
        how: "exited",
        cause: expect.objectContaining({ message: "thrown by nobody's call" }),
        message: expect.stringMatching(
          /ended with an uncaught RangeError: thrown by nobody's call while it ran/,
        ),
      });
      await expect(pool.submit(unhandled)).rejects.toMatchObject({
        cause: expect.objectContaining({ message: "awaited by nobody" }),
      });
    });
  });

  it("because it has used too much memory, says so", async () => {
    await run(async () => {
      await using pool = threadPool({ maxWorkers: 1, resourceLimits: { maxOldGenerationSizeMb: 40 } });
      await expect(pool.submit(hoard)).rejects.toMatchObject({
        how: "out of memory",
        message: expect.stringContaining("ran out of memory (see resourceLimits) while it ran faults#hoard"),
      });
      expect(await pool.submit(add, 1, 2)).toBe(3);
    });
  });

  it("while it was idle, is reported", async () => {
    await run(async () => {
      const reports: string[] = [];
      getRunningLoop().setExceptionHandler((_loop, { message, exception }) => {
        reports.push(`${message}: ${(exception as Error).message}`);
      });
      await using pool = threadPool({ maxWorkers: 1 });
      const words = sharedWords();
      await pool.submit(timeBomb, words);
      await said(words, 0);
      while (pool.statistics().replaced === 0) await sleep(1);
      expect(reports).toEqual([
        expect.stringMatching(/^thread \d+ of <ThreadPool, .*> ended while it was idle: later$/),
      ]);
    });
  });

  it("in its initializer breaks the pool", async () => {
    await run(async () => {
      await using pool = threadPool({ initializer: refuse });
      const calls = [pool.submit(add, 1, 2), pool.submit(add, 3, 4)];
      for (const call of calls) {
        await expect(call).rejects.toMatchObject({
          name: "BrokenExecutorError",
          cause: expect.any(TypeError),
          message: "the pool is broken, its workers can't be started: TypeError: no database",
        });
      }
      expect(() => pool.submit(add, 1, 2)).toThrow(BrokenExecutorError);
      await expect(pool.warmUp()).rejects.toThrow(BrokenExecutorError);
    });
  });

  it("in its initializer does not stop what others run", async () => {
    await run(async () => {
      const words = sharedWords();
      await using pool = threadPool({ initializer: refuseLater, initializerArgs: [words] });
      const [first, second] = [sharedWords(), sharedWords()];
      const running = pool.submit(waitForCancel, first);
      await said(first, 0);
      await expect(pool.submit(waitForCancel, second)).rejects.toThrow(BrokenExecutorError);
      expect(running.done()).toBe(false);
      running.cancel();
      await expect(running).rejects.toThrow(CancelledError);
      expect([...first, ...second]).toEqual([1, 1, 1, 0, 0, 0]);
    });
  });

  it("because Node refuses its options breaks the pool", async () => {
    await run(async () => {
      await using pool = new ThreadPool({ execArgv: ["--no-such-option"] });
      await expect(pool.submit(add, 1, 2)).rejects.toThrow(/the pool is broken.*--no-such-option/);
      await expect(pool.warmUp()).rejects.toThrow(BrokenExecutorError);
    });
  });

  it("before it is ready, again and again, breaks the pool", async () => {
    await run(async () => {
      await using pool = threadPool({ initializer: exit, initializerArgs: [7] });
      await expect(pool.submit(add, 1, 2)).rejects.toThrow(
        /the pool is broken.*thread \d+ exited \(exit code 7\)/,
      );
    });
  });
});

describe("a function in a thread", () => {
  it("that is not there is told apart, with what is there", async () => {
    await run(async () => {
      await using pool = threadPool();
      const old = references<{ brandNew(): void }>(new URL("./fixtures/jobs.ts", import.meta.url));
      await expect(pool.submit(old.brandNew)).rejects.toThrow(FunctionNotFoundError);
      await expect(pool.submit(old.brandNew)).rejects.toThrow(
        /there is no function jobs#brandNew: file:.* exports add, .*Is the worker running an older version of the module\?/,
      );
      const gone = reference(new URL("./fixtures/gone.ts", import.meta.url), "work", () => {});
      await expect(pool.submit(gone)).rejects.toMatchObject({
        name: "ModuleLoadError",
        functionId: "gone#work",
      });
      expect(pool.statistics().replaced).toBe(0);
    });
  });

  it("must be a reference", async () => {
    await run(async () => {
      await using pool = threadPool();
      expect(() => pool.submit(double as never, 1)).toThrow(
        'pool.submit() was given a plain function, double: another thread has no access to it, nor to what it closes over. Export it from a module, with its name: export const double = reference(import.meta.url, "double"',
      );
    });
  });

  it("whose child process is killed fails with the child's error", async () => {
    await run(async () => {
      await using pool = threadPool();
      await expect(pool.submit(childKilled)).rejects.toMatchObject({ signal: "SIGKILL", status: null });
      expect(pool.statistics()).toMatchObject({ failed: 1, replaced: 0 });
    });
  });

  it("that returns more than maxResultBytes fails", async () => {
    await run(async () => {
      await using pool = threadPool({ maxResultBytes: 1000 });
      expect(await pool.submit(large, 900)).toHaveLength(900);
      await expect(pool.submit(large, 2000)).rejects.toThrow(ResultTooLargeError);
      await expect(pool.submit(large, 2000)).rejects.toMatchObject({
        functionId: "faults#large",
        limit: 1000,
      });
    });
  });

  it("that leaves a task behind has it finished there", async () => {
    await run(async () => {
      await using pool = threadPool();
      const words = sharedWords();
      await pool.submit(leaveTask, words);
      await said(words, 0);
    });
  });

  it("that swallows its cancellation gives its result, as a task here would", async () => {
    await run(async () => {
      await using pool = threadPool();
      const words = sharedWords();
      const call = pool.submit(swallow, words);
      await said(words, 0);
      call.cancel();
      expect(await call).toBe("what there was");
      expect(pool.statistics()).toMatchObject({ completed: 1, cancelled: 0 });
    });
  });

  it("whose module starts a pool is refused, before threads start threads for ever", async () => {
    await run(async () => {
      await using pool = threadPool();
      const program = references<typeof import("./fixtures/starts-a-pool.ts")>(
        new URL("./fixtures/starts-a-pool.ts", import.meta.url),
      );
      await expect(pool.submit(program.work)).rejects.toThrow(
        /can't import .*starts-a-pool\.ts.*If this is the module that the program starts with, put its functions into one of their own/,
      );
    });
  });
});

describe("the workers of a pool", () => {
  it("are initialized before their first call", async () => {
    await run(async () => {
      await using pool = threadPool({ initializer: initialize, initializerArgs: ["db"] });
      expect(await pool.submit(initialized)).toBe("db in a thread");
    });
  });

  it("are started when needed, or by warmUp(), and closed when idle for long, but for minWorkers", async () => {
    await run(async () => {
      await using pool = threadPool({ minWorkers: 1, maxWorkers: 3, idleTimeout: "2s" });
      expect(pool.statistics().workers).toBe(0);
      await pool.warmUp(2);
      expect(pool.statistics()).toMatchObject({ workers: 2, idle: 2, busy: 0 });
      while (pool.statistics().workers > 1) await sleep(5);
      expect(pool.statistics()).toMatchObject({ idle: 1, replaced: 0 });
      await sleep("2200ms");
      expect(pool.statistics()).toMatchObject({ workers: 1 });
    });
  });

  it("are stopped when the pool is closed, after what was submitted is done", async () => {
    await run(async () => {
      const pool = threadPool({ maxWorkers: 1 });
      const calls = Array.from({ length: 10 }, (_, n) => pool.submit(add, n, 1));
      await pool.close();
      expect(calls.map((call) => call.result())).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
      expect(pool.statistics()).toMatchObject({ workers: 0, completed: 10 });
      expect(() => pool.submit(add, 1, 2)).toThrow(ExecutorClosedError);
      await pool.close();
    });
  });

  it("have their calls cancelled when closing is told to, or is itself cancelled", async () => {
    await run(async () => {
      for (const how of ["told", "cancelled"]) {
        const pool = threadPool({ maxWorkers: 1 });
        const words = sharedWords();
        const call = pool.submit(waitForCancel, words);
        const queued = pool.submit(add, 1, 2);
        await said(words, 0);
        const closing = getRunningLoop().createTask(() => pool.close({ cancel: how === "told" }));
        await sleep(0);
        if (how === "cancelled") closing.cancel();
        await closing.catch(() => {});
        expect([closing.cancelled(), call.cancelled(), queued.cancelled()]).toEqual([
          how === "cancelled",
          true,
          true,
        ]);
        expect([words[2], pool.statistics().workers]).toEqual([1, 0]);
      }
    });
  });

  it("end with the loop, if nobody has closed the pool", async () => {
    let left: ThreadPool | undefined;
    await run(async () => {
      left = threadPool();
      expect(await left.submit(add, 1, 2)).toBe(3);
    });
    await run(async () => {
      expect(() => left?.submit(add, 1, 2)).toThrow(ExecutorClosedError);
    });
  });

  it("end with the loop, also in the midst of a call", async () => {
    const words = sharedWords();
    await run(async () => {
      const pool = threadPool();
      pool.with({ grace: "10ms" }).submit(stuck, words);
      await said(words, 0);
    });
  });
});

describe("a pool's queue", () => {
  it("has a limit, and says when there is room", async () => {
    await run(async () => {
      await using pool = threadPool({ maxWorkers: 1, queueLimit: 2 });
      const words = sharedWords();
      const long = pool.submit(waitForCancel, words);
      await said(words, 0);
      const events: string[] = [];
      await sleep(1);
      const queued: Task<number>[] = [];
      const fill = (): void => {
        for (;;) queued.push(pool.submit(add, 0, 0));
      };
      expect(fill).toThrow(QueueFull);
      // One may have been sent ahead to the busy thread.
      expect([2, 3]).toContain(queued.length);
      expect(fill).toThrow("2 calls wait for a worker already, which is the queueLimit: await pool.room()");
      const waiters = ["first", "second"].map((name) =>
        getRunningLoop().createTask(async () => {
          await pool.room();
          events.push(name);
          return await pool.submit(add, 4, 0);
        }),
      );
      await sleep(0);
      expect(events).toEqual([]);
      long.cancel();
      expect(await gather(waiters)).toEqual([4, 4]);
      expect(events).toEqual(["first", "second"]);
      await gather(queued);
      expect(pool.statistics().queued).toBe(0);
    });
  });
});

describe("the options of a pool", () => {
  it("are refused by name if they make no sense", () => {
    expect(() => new ThreadPool({ maxWorkers: 0 })).toThrow("maxWorkers must be a whole number >= 1; got 0");
    expect(() => new ThreadPool({ minWorkers: 3, maxWorkers: 2 })).toThrow(
      "minWorkers (3) must not be more than",
    );
    expect(() => new ThreadPool({ idleTimeout: "soon" as never })).toThrow("idleTimeout is not a duration");
    expect(() => new ThreadPool({ queueLimit: 0 })).toThrow("queueLimit must be a whole number >= 1");
    expect(() => new ThreadPool({ initializer: (() => {}) as never })).toThrow(
      "initializer of ThreadPool was given a plain",
    );
    expect(() => new ThreadPool(4 as never)).toThrow("ThreadPool takes an object of options");
  });
});
