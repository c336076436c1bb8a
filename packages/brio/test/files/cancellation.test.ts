// Cancelled wherever it can be: nothing is open, nothing is left, and old files are whole.
import { spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { CancelledError, createTask, gather, getRunningLoop, run, sleep, taskGroup } from "brio";
import {
  appendFile,
  copy,
  type File,
  open,
  openFileStatistics,
  readFile,
  setOpenFileLimit,
  temporaryDirectory,
  temporaryFile,
  walk,
  watch,
  writeFile,
} from "brio/files";
import { cancelAnywhere, type Trial } from "brio/testing";
import { describe, expect, test } from "vitest";
import { descriptorsIn, temporaryFilesIn, testFolder, underWay } from "./folder.ts";

/** An empty folder for one run of the program, in which nothing may be open afterwards. */
function fresh(trial: Trial, root: string): string {
  const folder = join(root, "run");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  trial.check(() => {
    expect(descriptorsIn(folder)).toEqual([]);
    expect(temporaryFilesIn(folder)).toEqual([]);
  });
  return folder;
}

/** What is done may turn out to be done in spite of the cancellation. */
const options = { maySwallow: true, endsWithin: 0, structured: true } as const;

async function everywhere(program: (trial: Trial) => Promise<unknown>, twice = true): Promise<void> {
  const all = await cancelAnywhere(program, { ...options, targets: "all" });
  expect(all.points).toBeGreaterThan(3);
  if (twice) await cancelAnywhere(program, { ...options, twice: true });
}

describe("at every point of the loop", () => {
  test("an open file that is read and written", async () => {
    const root = testFolder();
    await everywhere(async (trial) => {
      const folder = fresh(trial, root);
      await using file = await open(join(folder, "a"), "w+");
      await file.write("one\ntwo\nthree\n");
      await file.seek(0);
      for await (const line of file.lines({ size: 5 })) if (line === "two") break;
      expect(file.position).toBe(8);
      await file.sync();
      expect(openFileStatistics().open).toBe(1);
    });
  });

  test("tasks that share a file and a limit", async () => {
    const root = testFolder();
    await everywhere(async (trial) => {
      const folder = fresh(trial, root);
      setOpenFileLimit(2);
      await using file = await open(join(folder, "shared"), "w");
      try {
        await taskGroup((group) => {
          for (const name of ["a", "b", "c"]) {
            group.createTask(async () => {
              await using own = await open(join(folder, name), "w");
              await own.write(name);
              await file.write(name);
            });
          }
        });
      } finally {
        expect(openFileStatistics()).toEqual({ open: 1, limit: 2, waiting: 0 });
      }
    }, false);
  });

  test("whole files", async () => {
    const root = testFolder();
    await everywhere(async (trial) => {
      const path = join(fresh(trial, root), "a");
      writeFileSync(path, "old");
      trial.check(() => expect(["old", "new", "new+"]).toContain(readFileSync(path, "utf8")));
      await writeFile(path, "new", { durable: false });
      await appendFile(path, "+");
      expect(await readFile(path, "utf8")).toBe("new+");
    });
  });

  test("a tree that is walked and copied", async () => {
    const root = testFolder();
    await everywhere(async (trial) => {
      const folder = fresh(trial, root);
      mkdirSync(join(folder, "from/sub"), { recursive: true });
      writeFileSync(join(folder, "from/a"), "content");
      writeFileSync(join(folder, "from/sub/b"), "content");
      symlinkSync("a", join(folder, "from/link"));
      trial.check(() => {
        for (const path of ["to/a", "to/sub/b"].map((name) => join(folder, name))) {
          if (existsSync(path)) expect(readFileSync(path, "utf8")).toBe("content");
        }
      });
      await copy(join(folder, "from"), join(folder, "to"));
      let files = 0;
      for await (const { kind } of walk(join(folder, "to"))) if (kind === "file") files++;
      expect(files).toBe(2);
    }, false);
  });

  test("what is temporary", async () => {
    const root = testFolder();
    await everywhere(async (trial) => {
      const parent = fresh(trial, root);
      trial.check(() => expect(readdirSync(parent)).toEqual([]));
      await using folder = await temporaryDirectory({ parent });
      await using file = await temporaryFile({ parent: folder.path });
      await file.write("content");
      await using _ = await temporaryFile({ parent });
    });
  });

  test("a folder that is watched", async () => {
    const root = testFolder();
    await everywhere(async (trial) => {
      const folder = fresh(trial, root);
      using changes = watch(folder);
      trial.check(() => expect(String(changes)).toMatch(/closed>$/));
      mkdirSync(join(folder, "a"));
      for await (const change of changes) if (change.type === "rename") break;
    });
  });
});

/**
 * Cancels `work` after each number of turns of Node, until it was too late three times in a row. `check` looks what there is
 * each time; says how often it was cancelled.
 */
async function afterEachTurn(work: () => Promise<unknown>, check: (done: boolean) => void): Promise<number> {
  let cancelled = 0;
  for (let turns = 0, late = 0; late < 3; turns += 1 + Math.floor(turns / 10)) {
    await run(async () => {
      let done = false;
      const task = createTask(async () => {
        await work();
        done = true;
      });
      await sleep(0);
      for (let i = 0; i < turns && !task.done(); i++) {
        await new Promise((resolve) => setImmediate(resolve));
        await sleep(0);
      }
      task.cancel();
      try {
        await task;
      } catch (error) {
        if (!(error instanceof CancelledError)) throw error; // though it may have been done all the same
      }
      check(done);
      expect(openFileStatistics()).toMatchObject({ open: 0, waiting: 0 });
      if (done) late++;
      else {
        cancelled++;
        late = 0;
      }
    });
  }
  return cancelled;
}

describe("between any two steps in Node's threads", () => {
  test.each([true, false])(
    "writeFile: the old file is whole, or the new one (durable: %s)",
    async (durable) => {
      const folder = testFolder();
      const path = join(folder, "a");
      const [old, content] = ["old".repeat(1000), "new".repeat(500_000)];
      writeFileSync(path, old);
      const cancelled = await afterEachTurn(
        () => writeFile(path, content, { durable }),
        (done) => {
          const found = readFileSync(path, "utf8");
          expect(found === (done ? content : old)).toBe(true);
          expect(readdirSync(folder)).toEqual(["a"]);
          writeFileSync(path, old);
        },
      );
      expect(cancelled).toBeGreaterThan(3);
    },
  );

  test("copy: what is there is whole", async () => {
    const folder = testFolder();
    const [from, to] = [join(folder, "from"), join(folder, "to")];
    mkdirSync(from);
    const content = "x".repeat(1_500_000);
    for (const name of ["a", "b"]) writeFileSync(join(from, name), content);
    const cancelled = await afterEachTurn(
      () => copy(from, to),
      () => {
        expect(temporaryFilesIn(folder)).toEqual([]);
        const copied = existsSync(to) ? readdirSync(to) : [];
        for (const name of copied) expect(readFileSync(join(to, name), "utf8") === content).toBe(true);
        rmSync(to, { recursive: true, force: true });
      },
    );
    expect(cancelled).toBeGreaterThan(3);
  });

  test("a file's write: the position says how much was written; a read has not moved it", async () => {
    const path = join(testFolder(), "a");
    const content = Buffer.alloc(3_000_000, "0123456789");
    let file: File | undefined;
    await afterEachTurn(
      async () => {
        await using opened = await open(path, "w+");
        file = opened;
        await opened.write(content);
      },
      () => {
        const { position = 0 } = file ?? {};
        if (existsSync(path)) expect(statSync(path).size).toBe(position);
        rmSync(path, { force: true });
        file = undefined;
      },
    );
    writeFileSync(path, content);
    await afterEachTurn(
      async () => {
        await using opened = await open(path);
        file = opened;
        await opened.read();
      },
      (done) => {
        expect(file?.position ?? 0).toBe(done ? content.length : 0);
        file = undefined;
      },
    );
  });

  test("reading, walking, making something temporary: nothing is left", async () => {
    const folder = testFolder();
    const [files, parent] = [join(folder, "files"), join(folder, "parent")];
    mkdirSync(join(files, "sub"), { recursive: true });
    mkdirSync(parent);
    writeFileSync(join(files, "sub/a"), Buffer.alloc(3_000_000));
    await afterEachTurn(
      () => readFile(join(files, "sub/a")),
      () => {},
    );
    await afterEachTurn(
      async () => {
        for await (const _ of walk(files, { followLinks: true }));
      },
      () => {},
    );
    await afterEachTurn(
      async () => {
        await using made = await temporaryDirectory({ parent });
        await using _ = await temporaryFile({ parent: made.path });
      },
      () => expect(readdirSync(parent)).toEqual([]),
    );
  });
});

test("a write that could not be stopped succeeds, and the next wait is cancelled (once)", async () => {
  const path = join(testFolder(), "a");
  let succeeded = 0;
  for (let turns = 0; turns < 200 && succeeded === 0; turns++) {
    await run(
      async () => {
        const done: string[] = [];
        const task = createTask(async () => {
          await appendFile(path, "x");
          done.push("appended");
          await sleep("1h");
        });
        await sleep(0);
        for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
        task.cancel();
        await expect(task).rejects.toThrow(CancelledError);
        succeeded += done.length;
      },
      { cancellation: "once" },
    );
  }
  expect(succeeded).toBe(1);
});

describe.skipIf(process.platform === "win32")("what can't be interrupted", () => {
  test("is waited for: cancelled, it ends when the system is done with it, and nothing is lost", async () => {
    const path = join(testFolder(), "pipe");
    spawnSync("mkfifo", [path]);
    await run(async () => {
      const [reading, writing] = await gather([() => open(path), () => open(path, "a")]);
      await using pipe = reading;
      await using other = writing;
      const task = createTask(() => pipe.read(10));
      await sleep(0);
      task.cancel();
      await sleep(0);
      expect(task.done()).toBe(false);
      await other.write("one\ntwo\n");
      await expect(task).rejects.toThrow(CancelledError);
      expect((await pipe.read(4)).toString()).toBe("one\n");
      await other.close();
      expect((await pipe.read()).toString()).toBe("two\n");
    });
  });

  test("says what it is, and run does not wait for it for ever; what it brings is given back", async () => {
    const path = join(testFolder(), "pipe");
    spawnSync("mkfifo", [path]);
    const reports: string[] = [];
    await run(
      async () => {
        getRunningLoop().setExceptionHandler((_, { message }) => reports.push(message));
        createTask(() => open(path), { name: "opener" });
        await sleep(0);
        await sleep(0);
      },
      { shutdownTimeout: "20ms" },
    );
    expect(reports).toEqual([
      expect.stringMatching(/leaves <Task "opener".* behind: .* open on ".*pipe" \(told to stop\)/),
    ]);
    // Somebody comes at last: the thread goes on, and what it has opened is closed.
    const descriptor = openSync(path, "w");
    while (underWay().length > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(descriptorsIn(path)).toEqual([path]); // the one of this test
    closeSync(descriptor);
  });
});
