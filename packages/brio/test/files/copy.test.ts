import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { run, sleep, taskGroup } from "brio";
import { copy, openFileStatistics, setOpenFileLimit } from "brio/files";
import { expect, test } from "vitest";
import { testFolder } from "./folder.ts";

test("a file: its content and permissions, in the place of what was there", async () => {
  const folder = testFolder();
  const [from, to] = [join(folder, "from"), join(folder, "to")];
  const content = Buffer.alloc(1_700_001, "0123456789");
  writeFileSync(from, content);
  chmodSync(from, 0o751);
  writeFileSync(to, "old");
  await run(async () => {
    await copy(from, to);
    await copy(from, join(folder, "new"), { durable: true });
    expect(openFileStatistics().open).toBe(0);
  });
  for (const path of [to, join(folder, "new")]) {
    expect(readFileSync(path).equals(content)).toBe(true);
    expect(statSync(path).mode & 0o7777).toBe(0o751);
  }
  expect(readdirSync(folder)).toEqual(["from", "new", "to"]);
});

test("a folder with everything in it; one that is there is added to", async () => {
  const folder = testFolder();
  const [from, to] = [join(folder, "from"), join(folder, "to")];
  mkdirSync(join(from, "sub/empty"), { recursive: true });
  writeFileSync(join(from, "sub/file"), "new");
  symlinkSync("sub/file", join(from, "link"));
  symlinkSync("nowhere", join(from, "lost"));
  mkdirSync(join(to, "sub"), { recursive: true });
  writeFileSync(join(to, "sub/file"), "old");
  writeFileSync(join(to, "sub/kept"), "kept");
  chmodSync(join(from, "sub/empty"), 0o555);
  await run(async () => {
    await copy(from, to);
    await copy(from, to); // again: nothing changes
  });
  expect(readdirSync(to, { recursive: true }).sort()).toEqual([
    "link",
    "lost",
    "sub",
    "sub/empty",
    "sub/file",
    "sub/kept",
  ]);
  expect(readFileSync(join(to, "sub/file"), "utf8")).toBe("new");
  expect(readlinkSync(join(to, "link"))).toBe("sub/file");
  expect(lstatSync(join(to, "lost")).isSymbolicLink()).toBe(true);
  expect(statSync(join(to, "sub/empty")).mode & 0o777).toBe(0o555);
});

test("what can't be copied is refused", async () => {
  const folder = testFolder();
  const [from, file] = [join(folder, "from"), join(folder, "file")];
  mkdirSync(join(from, "sub"), { recursive: true });
  writeFileSync(file, "content");
  symlinkSync(from, join(folder, "alias"));
  await run(async () => {
    await expect(copy(join(folder, "none"), file)).rejects.toMatchObject({ code: "ENOENT" });
    await expect(copy(from, join(from, "sub/copy"))).rejects.toThrow(/can't be copied: .* is inside of it/);
    await expect(copy(from, join(folder, "alias/copy"))).rejects.toThrow(/is inside of it/);
    await expect(copy(from, join(folder, "alias"))).rejects.toThrow(/is the same/);
    await expect(copy(file, file)).rejects.toThrow(/is the same/);
    await expect(copy(file, from)).rejects.toMatchObject({ code: "EISDIR" });
    await expect(copy(from, file)).rejects.toMatchObject({ code: "EEXIST" });
    await expect(copy(file, 7 as never)).rejects.toThrow(
      /^target must be .* copy\("from.txt", "to.txt"\); got 7/,
    );
    spawnSync("mkfifo", [join(from, "pipe")]);
    await expect(copy(from, join(folder, "to"))).rejects.toThrow(/pipe" can't be copied: it is neither/);
    expect(openFileStatistics().open).toBe(0);
  });
  expect(readFileSync(file, "utf8")).toBe("content");
  expect(existsSync(join(folder, "to/pipe"))).toBe(false);
});

test("a file that is cut off while it is copied: the copy is what there was, and the program goes on", async () => {
  const folder = testFolder();
  const [from, to] = [join(folder, "from"), join(folder, "to")];
  writeFileSync(from, Buffer.alloc(20_000_000, "x"));
  await run(() =>
    taskGroup((group) => {
      group.createTask(() => copy(from, to));
      group.createTask(async () => {
        await sleep(0);
        truncateSync(from, 600_000);
      });
    }),
  );
  expect(statSync(to).size).toBeGreaterThanOrEqual(600_000);
  expect(readFileSync(to).every((byte) => byte === 0x78)).toBe(true);
});

test("many copies at once, with few files open, do not wait for each other for ever", async () => {
  const folder = testFolder();
  const from = join(folder, "from");
  writeFileSync(from, "content");
  await run(async () => {
    setOpenFileLimit(3);
    await taskGroup((group) => {
      for (let i = 0; i < 50; i++) group.createTask(() => copy(from, join(folder, `to-${i}`)));
    });
  });
  expect(readdirSync(folder).length).toBe(51);
});
