import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import {
  CancelledError,
  createTask,
  gather,
  Runner,
  run,
  sleep,
  sleepForever,
  type Task,
  taskGroup,
} from "brio";
import { describeTask } from "brio/inspect";
import * as subprocess from "brio/subprocess";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { descendants, isAlive, leaveNothingBehind } from "./left-behind.ts";

const { createSubprocessExec, createSubprocessShell, PIPE, STDOUT } = subprocess;

leaveNothingBehind();

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "brio-test-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A child with a grandchild, which say when they are ready; none of them minds SIGTERM. */
const STUBBORN = "trap '' TERM; sh -c 'trap \"\" TERM; echo ready; while :; do sleep 1; done' & wait; wait";
/** They end when they are told. */
const MEEK = "sleep 1000 & echo ready; wait";

/** Waits until the task waits in `kind`. */
async function waitsIn(task: Task<unknown>, kind: string): Promise<void> {
  while (!describeTask(task).waits.some((wait) => wait.kind === kind)) {
    if (task.done()) throw new Error(`it has ended before it waited in ${kind}`, { cause: task.exception() });
    await sleep(1);
  }
}

async function cancelled(task: Task<unknown>): Promise<void> {
  task.cancel();
  await expect(task).rejects.toBeInstanceOf(CancelledError);
}

const PIPES = { stdin: PIPE, stdout: PIPE, stderr: PIPE } as const;

const POINTS: Record<string, { kind: string; body: () => Promise<unknown> }> = {
  "while a line is read": {
    kind: "reader.readLine",
    body: async () => {
      await using child = await createSubprocessShell(MEEK, PIPES);
      await child.stdout.readLine();
      await child.stdout.readLine();
    },
  },
  "while all is read": {
    kind: "reader.read",
    body: async () => {
      await using child = await createSubprocessShell(MEEK, PIPES);
      await child.stdout.readLine();
      await child.stderr.read();
    },
  },
  "while stdin is full": {
    kind: "writer.drain",
    body: async () => {
      await using child = await createSubprocessShell(MEEK, PIPES);
      child.stdin.write(Buffer.alloc(1_000_000));
      await child.stdin.drain();
    },
  },
  "while its end is waited for": {
    kind: "process.wait",
    body: async () => {
      await using child = await createSubprocessShell(MEEK, PIPES);
      await child.wait();
    },
  },
  "in communicate": {
    kind: "process.wait",
    body: async () => {
      await using child = await createSubprocessShell(MEEK, PIPES);
      await child.communicate("x".repeat(1_000_000));
    },
  },
  "in run": { kind: "process.wait", body: () => subprocess.run(MEEK, [], { shell: true }) },
  "in something else": {
    kind: "sleep",
    body: async () => {
      await using _ = await createSubprocessShell(MEEK, PIPES);
      await sleep("1h");
    },
  },
};

describe("cancelled", () => {
  it.each(Object.entries(POINTS))("%s, the child ends with all that it started", (_point, { kind, body }) =>
    run(async () => {
      const task = createTask(body);
      await waitsIn(task, kind);
      await cancelled(task);
      expect(descendants()).toEqual([]);
    }),
  );

  it("before it is started, it never is", () =>
    run(async () => {
      const path = join(folder, "started");
      const start = async (): Promise<void> => {
        await using child = await createSubprocessExec("touch", [path]);
        await child.wait();
      };
      const before = createTask(start);
      await cancelled(before);
      const within = createTask(async () => {
        await sleepForever().catch(() => {});
        await start(); // in a task that is cancelled nothing new begins
      });
      await waitsIn(within, "sleepForever");
      await cancelled(within);
      expect(existsSync(path)).toBe(false);
    }));

  it("while its pipes are made, it is not started, and no file is left", () =>
    run(async () => {
      const path = join(folder, "made");
      const task = createTask(async () => {
        await using child = await createSubprocessExec("touch", [path], { stdout: PIPE, stderr: STDOUT });
        await child.wait();
      });
      await sleep(0);
      expect(describeTask(task).waits.map((wait) => wait.kind)).toEqual(["interruptible"]);
      await cancelled(task);
      expect(existsSync(path)).toBe(false);
    }));

  it("at any moment of its start and its life, it leaves nothing", () =>
    run(async () => {
      for (let turns = 0; turns < 40; turns++) {
        const task = createTask(() =>
          subprocess.run("sh", ["-c", "cat; sleep 0.01"], { input: "x", stderr: STDOUT }),
        );
        for (let turn = 0; turn < turns; turn++) await sleep(turn % 8 === 7 ? 1 : 0);
        task.cancel();
        await gather([task], { returnExceptions: true });
        expect(descendants()).toEqual([]);
      }
    }));

  it(
    "200 at once, all end",
    () =>
      run(async () => {
        const group = createTask(() =>
          taskGroup((group) => {
            for (let i = 0; i < 200; i++) group.createTask(() => subprocess.run("sleep", ["1000"]));
          }),
        );
        while (descendants().length < 200) await sleep(10);
        await cancelled(group);
        expect(descendants()).toEqual([]);
      }),
    60_000,
  );

  it("with the group of tasks that it belongs to, when another of them fails", () =>
    run(async () => {
      const failing = taskGroup((group) => {
        const long = group.createTask(() => subprocess.run("sleep", ["1000"]));
        group.createTask(async () => {
          await waitsIn(long as Task<unknown>, "process.wait");
          await subprocess.run("false", [], { check: true });
        });
      });
      await expect(failing).rejects.toThrow();
      expect(descendants()).toEqual([]);
    }));

  it("the wait alone, the process goes on, and can be waited for again", () =>
    run(async () => {
      await using child = await createSubprocessExec("sleep", ["1000"]);
      const waiting = createTask(() => child.wait());
      await waitsIn(waiting, "process.wait");
      await cancelled(waiting);
      expect(isAlive(child.pid)).toBe(true);
      child.kill();
      expect(await child.wait()).toBe(-9);
    }));
});

describe("at the end of the block, or of run()", () => {
  it("a process gets SIGTERM, and ends as it likes", () =>
    run(async () => {
      const path = join(folder, "tidied");
      const script = `trap 'echo bye; touch ${path}; exit 7' TERM; echo ready; while :; do sleep 0.01; done`;
      const child = await createSubprocessShell(script, { stdout: PIPE, grace: "10s" });
      await child.stdout.readLine();
      await child[Symbol.asyncDispose]();
      expect([child.returncode, existsSync(path)]).toEqual([7, true]);
    }));

  it("it gets SIGKILL, with all that it started, when it does not mind SIGTERM until the grace is over", () =>
    run(async () => {
      const child = await createSubprocessShell(STUBBORN, { stdout: PIPE, grace: "200ms" });
      await child.stdout.readLine();
      const before = descendants().length;
      expect(before).toBeGreaterThanOrEqual(2);
      await child[Symbol.asyncDispose]();
      expect([child.returncode, child.signal]).toEqual([-9, "SIGKILL"]);
      expect(descendants()).toEqual([]);
    }));

  it("what it started is ended in the same way, when it has ended itself", () =>
    run(async () => {
      const child = await createSubprocessShell(`(${STUBBORN}) & read _`, { ...PIPES, grace: "200ms" });
      await child.stdout.readLine();
      child.stdin.close();
      await child.wait();
      expect(descendants().length).toBeGreaterThan(0);
      await child[Symbol.asyncDispose]();
      expect(descendants()).toEqual([]);
    }));

  it("a process that writes much while it ends is not held up by its pipes", () =>
    run(async () => {
      const script =
        "trap 'head -c 5000000 /dev/zero; exit 7' TERM; echo ready; while :; do sleep 0.01; done";
      const child = await createSubprocessShell(script, { stdout: PIPE, grace: "10s", limit: 1000 });
      await child.stdout.readLine();
      await child[Symbol.asyncDispose]();
      expect(child.returncode).toBe(7);
    }));

  it("a process that was stopped wakes up to end", () =>
    run(async () => {
      const script = "trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done";
      const child = await createSubprocessShell(script, { stdout: PIPE, grace: "10s" });
      await child.stdout.readLine();
      child.sendSignal("SIGSTOP");
      await child[Symbol.asyncDispose]();
      expect(child.returncode).toBe(7);
    }));

  it("a cancellation waits until all of that is done", () =>
    run(async () => {
      const task = createTask(async () => {
        await using child = await createSubprocessShell(STUBBORN, { stdout: PIPE, grace: "300ms" });
        await child.stdout.readLine();
        await child.stdout.readLine();
      });
      await waitsIn(task, "reader.readLine");
      while (descendants().length < 2) await sleep(1);
      task.cancel();
      await waitsIn(task, "process.wait"); // in the grace
      await cancelled(task);
      expect(descendants()).toEqual([]);
    }));

  it("ending it twice, and at the same time, is fine", () =>
    run(async () => {
      const child = await createSubprocessShell(STUBBORN, { stdout: PIPE, grace: "100ms" });
      await child.stdout.readLine();
      const end = async (): Promise<void> => await child[Symbol.asyncDispose]();
      await gather(end, end);
      await end();
      expect(descendants()).toEqual([]);
    }));

  it("one that is not detached is ended alone", () =>
    run(async () => {
      const child = await createSubprocessShell("sleep 1000 & echo $!; wait", {
        stdout: PIPE,
        detached: false,
      });
      const grandchild = Number(await child.stdout.readLine());
      await child[Symbol.asyncDispose]();
      expect(child.returncode).toBe(-15);
      expect(isAlive(grandchild)).toBe(true);
      process.kill(grandchild, "SIGKILL");
      while (isAlive(grandchild)) await sleep(1);
    }));

  it("what nobody has ended is killed with all that it started when the loop ends", async () => {
    let left: number[] = [];
    const [child] = await run(async () => {
      const child = await createSubprocessShell(STUBBORN, PIPES);
      await child.stdout.readLine();
      left = descendants();
      return [child];
    });
    expect(left.length).toBeGreaterThanOrEqual(2);
    await vanish(child);
    expect(child?.returncode).toBe(-9);
  });

  it("a Runner's children live from one run to the next, and end with it", async () => {
    const runner = new Runner();
    const [child] = await runner.run(async () => [await createSubprocessExec("cat", [], PIPES)]);
    expect(isAlive(child?.pid as number)).toBe(true);
    await runner.run(async () => {
      child?.stdin.write("still here\n");
      expect((await child?.stdout.readLine())?.toString()).toBe("still here\n");
    });
    await runner.close();
    await vanish(child);
    expect([-9, 0]).toContain(child?.returncode); // its input ends as well, and that may be faster
  });
});

/** Waits until what was killed is gone, and the news of it has come: the loop that has ended does not wait for that. */
async function vanish(child: { readonly returncode: number | null } | undefined): Promise<void> {
  await run(async () => {
    while (child?.returncode === null || descendants().length > 0) await sleep(1);
  });
}
