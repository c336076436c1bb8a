import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createTask, gather, run, sleep, taskGroup } from "brio";
import { open, openFileStatistics, readFile, setOpenFileLimit } from "brio/files";
import { describe, expect, test } from "vitest";
import { output } from "./child.ts";
import { testFolder } from "./folder.ts";

test("who wants one more waits until another is closed, first come first served", async () => {
  const folder = testFolder();
  const trace: string[] = [];
  await run(async () => {
    setOpenFileLimit(2);
    let most = 0;
    await taskGroup((group) => {
      for (const name of ["a", "b", "c", "d", "e"]) {
        group.createTask(async () => {
          await using file = await open(join(folder, name), "w");
          trace.push(name);
          most = Math.max(most, openFileStatistics().open);
          await file.write(name);
        });
      }
    });
    expect(most).toBe(2);
    expect(openFileStatistics()).toEqual({ open: 0, limit: 2, waiting: 0 });
  });
  // Two are being opened at once: either may be first.
  expect(trace.slice(0, 2).sort()).toEqual(["a", "b"]);
  expect([...trace].sort()).toEqual(["a", "b", "c", "d", "e"]);
});

test("who was cancelled in line has no file, and the next one has its turn", async () => {
  const folder = testFolder();
  await run(async () => {
    setOpenFileLimit(1);
    const first = await open(join(folder, "a"), "w");
    const second = createTask(() => open(join(folder, "b"), "w"));
    const third = createTask(() => open(join(folder, "c"), "w"));
    await sleep(0);
    expect(openFileStatistics()).toEqual({ open: 1, limit: 1, waiting: 2 });
    second.cancel();
    await first.close();
    const file = await third;
    expect(second.cancelled()).toBe(true);
    expect(openFileStatistics()).toEqual({ open: 1, limit: 1, waiting: 0 });
    await file.close();
  });
});

test("a higher limit lets in who waits", async () => {
  const folder = testFolder();
  await run(async () => {
    setOpenFileLimit(1);
    await using _ = await open(join(folder, "a"), "w");
    const second = createTask(() => open(join(folder, "b"), "w"));
    await sleep(0);
    expect(second.done()).toBe(false);
    setOpenFileLimit(2);
    await using _second = await second;
    expect(openFileStatistics().open).toBe(2);
  });
});

test("each loop has its own limit; wrong ones are refused", async () => {
  await run(() => setOpenFileLimit(7));
  await run(async () => expect(openFileStatistics().limit).toBe(128));
  expect(() => setOpenFileLimit(1)).toThrow(/needs a running event loop/);
  await run(() => {
    for (const limit of [0, -1, 1.5, Number.NaN, "7"]) {
      expect(() => setOpenFileLimit(limit as number)).toThrow(/^limit must be a whole number of files > 0/);
    }
  });
});

test("many at once are no problem", async () => {
  const folder = testFolder();
  for (let i = 0; i < 200; i++) writeFileSync(join(folder, `${i}`), `${i}`);
  await run(async () => {
    const all = Array.from({ length: 2000 }, (_, i) => () => readFile(join(folder, `${i % 200}`), "utf8"));
    expect(await gather(all)).toEqual(Array.from({ length: 2000 }, (_, i) => `${i % 200}`));
  });
});

const PROGRAM = `
import { open as openHandle } from "node:fs/promises";
import { run, taskGroup } from "brio";
import { open, setOpenFileLimit } from "brio/files";

const without = await Promise.allSettled(Array.from({ length: 500 }, () => openHandle("package.json")));
const codes = new Set(without.flatMap((each) => (each.status === "rejected" ? [each.reason.code] : [])));
for (const each of without) if (each.status === "fulfilled") await each.value.close();
let read = 0;
await run(async () => {
  setOpenFileLimit(20);
  await taskGroup((group) => {
    for (let i = 0; i < 500; i++) {
      group.createTask(async () => {
        await using file = await open("package.json");
        if ((await file.read(1)).length === 1) read++;
      });
    }
  });
});
console.log([...codes].join(), read);
`;

const HOLDER = `
import { run } from "brio";
import { open, setOpenFileLimit } from "brio/files";

await run(async () => {
  setOpenFileLimit(1);
  await using _ = await open("package.json");
  await open("package.json");
}).catch((error) => console.log(error.name, error.message));
`;

describe.skipIf(process.platform === "win32")("in a process of its own", () => {
  test("too many open files do not happen under the limit", async () => {
    expect(await output(PROGRAM, "ulimit -n 128")).toBe("EMFILE 500\n");
  });

  test("a task that waits for what it holds itself is reported, and does not hang", async () => {
    const report = await output(HOLDER, "ulimit -n 128");
    expect(report).toMatch(/^DeadlockError nothing is left that could wake this program/);
    expect(report).toContain("open on files (1 of 1 open)");
  });
});
