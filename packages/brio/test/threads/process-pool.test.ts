import { spawnSync } from "node:child_process";
import { CancelledError, gather, run, sleep } from "brio";
import { ProcessPool, type ProcessPoolOptions, WorkerDiedError } from "brio/threads";
import { describe, expect, it } from "vitest";
import { leavesNothing } from "../left-behind.ts";
import {
  initialize,
  initialized,
  killed,
  large,
  processId,
  refuse,
  spinForEver,
  uncaught,
} from "./fixtures/faults.ts";
import { add, count, fail, nap, requestId, seen, steps, uncloneable } from "./fixtures/jobs.ts";
import { collected, execArgv, sharedWords } from "./pools.ts";

leavesNothing();

function processPool(options: ProcessPoolOptions = {}): ProcessPool {
  return new ProcessPool({ maxWorkers: 1, execArgv, ...options });
}

describe("ProcessPool", () => {
  it("runs functions in other processes, many calls one after the other", async () => {
    await run(async () => {
      await using pool = processPool({ maxWorkers: 2 });
      expect(await pool.submit(processId)).not.toBe(process.pid);
      const calls = Array.from({ length: 100 }, (_, n) => pool.submit(add, n, 1));
      expect(await gather(calls)).toEqual(Array.from({ length: 100 }, (_, n) => n + 1));
      const given = { big: 1n, when: new Date(0), bytes: new Uint8Array([1, 2]), map: new Map([[1, "a"]]) };
      expect(await pool.submit(nap, 1, given)).toEqual(given);
      expect(pool.statistics()).toMatchObject({ completed: 102, queued: 0, replaced: 0 });
    });
  });

  it("brings back errors, progress, items and context variables", async () => {
    await run(async () => {
      await using pool = processPool({ initializer: initialize, initializerArgs: ["db"] });
      await expect(pool.submit(fail, "own")).rejects.toMatchObject({ name: "PaymentError", amount: 7 });
      const told: unknown[] = [];
      await pool.with({ onProgress: (value) => told.push(value) }).submit(steps, 2);
      expect(told).toEqual([{ step: 1 }, { step: 2 }]);
      expect(await collected(pool.stream(count, 40))).toEqual(Array.from({ length: 40 }, (_, n) => n + 1));
      requestId.set("r-17");
      expect(await pool.submit(seen)).toEqual(["r-17", "none"]);
      expect(await pool.submit(initialized)).toBe("db in a process");
    });
  });

  it("says what can't be copied to another process", async () => {
    await run(async () => {
      await using pool = processPool();
      await expect(pool.submit(nap, 1, () => {})).rejects.toThrow("argument 2 of jobs#nap can't be copied");
      await expect(pool.submit(uncloneable)).rejects.toThrow(
        "what jobs#uncloneable returned can't be copied",
      );
      // What threads share is copied as well.
      expect(((await pool.submit(nap, 1, sharedWords())) as Int32Array).buffer).toBeInstanceOf(ArrayBuffer);
      expect(pool.statistics()).toMatchObject({ failed: 2, completed: 1, replaced: 0 });
    });
  });

  it("cancels a function there; and kills the process of one that does not end", async () => {
    await run(async () => {
      // The initializer imports the module.
      await using pool = processPool({ initializer: add });
      await pool.warmUp();
      const napping = pool.submit(nap, 3_600_000, "x");
      await sleep(1);
      napping.cancel();
      await expect(napping).rejects.toThrow(CancelledError);
      expect(pool.statistics()).toMatchObject({ cancelled: 1, replaced: 0 });
      const spinning = pool.with({ grace: "20ms" }).submit(spinForEver);
      await sleep(1);
      const behind = pool.submit(add, 1, 2);
      spinning.cancel();
      await expect(spinning).rejects.toThrow(CancelledError);
      expect(await behind).toBe(3);
      expect(pool.statistics()).toMatchObject({ cancelled: 2, replaced: 1 });
    });
  });

  it("fails the call of a process that was killed with -9, and goes on with another", async () => {
    await run(async () => {
      await using pool = processPool();
      const behind = [];
      const call = pool.submit(killed);
      behind.push(pool.submit(add, 1, 2), pool.submit(add, 3, 4));
      await expect(call).rejects.toMatchObject({
        name: "WorkerDiedError",
        how: "killed",
        signal: "SIGKILL",
        exitCode: null,
        message: expect.stringMatching(/^process \d+ was killed by SIGKILL while it ran faults#killed$/),
      });
      expect(await gather(behind)).toEqual([3, 7]);
      expect(pool.statistics()).toMatchObject({ completed: 2, failed: 1, replaced: 1 });
    });
  });

  it("does not notice the end of a process that was idle, but for a new one", async () => {
    await run(async () => {
      await using pool = processPool();
      const pid = await pool.submit(processId);
      process.kill(pid, "SIGKILL");
      expect(await pool.with({ attempts: 2 }).submit(processId)).not.toBe(pid);
    });
  });

  it("begins a call again elsewhere if it may be, and gives up after its attempts", async () => {
    await run(async () => {
      await using pool = processPool();
      await expect(pool.with({ attempts: 2 }).submit(killed)).rejects.toThrow(WorkerDiedError);
      expect(pool.statistics().replaced).toBe(2);
      expect(await pool.submit(add, 1, 2)).toBe(3);
    });
  });

  it("says which error ended a process, and breaks if none can be initialized", async () => {
    await run(async () => {
      await using pool = processPool({ env: { ...process.env, NODE_OPTIONS: "" } });
      await expect(pool.submit(uncaught)).rejects.toMatchObject({
        how: "exited",
        exitCode: 1,
        cause: expect.objectContaining({ message: "thrown by nobody's call" }),
      });
      await using broken = processPool({ initializer: refuse });
      await expect(broken.submit(add, 1, 2)).rejects.toThrow(
        "the pool is broken, its workers can't be started: TypeError",
      );
    });
  });

  it("works in a program that stands on the command line, and ends with it", () => {
    const program = `
      import { run } from "brio";
      import { ProcessPool, references } from "brio/threads";
      await run(async () => {
        const pool = new ProcessPool({ maxWorkers: 1 });
        console.log(await pool.submit(references("node:path").basename, "/tmp/a.txt"));
      });
    `;
    const args = [...execArgv, "--input-type=module", "--eval", program];
    const { stdout, stderr, status } = spawnSync(process.execPath, args, {
      cwd: import.meta.dirname,
      encoding: "utf8",
    });
    expect([stdout, stderr, status]).toEqual(["a.txt\n", "", 0]);
  });

  it("refuses results that are too large", async () => {
    await run(async () => {
      await using pool = processPool({ maxResultBytes: 1000 });
      await expect(pool.submit(large, 2000)).rejects.toMatchObject({
        name: "ResultTooLargeError",
        limit: 1000,
      });
    });
  });
});
