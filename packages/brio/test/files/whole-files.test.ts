import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { run, sleep, taskGroup } from "brio";
import { appendFile, openFileStatistics, readFile, setOpenFileLimit, writeFile } from "brio/files";
import { describe, expect, test } from "vitest";
import { testFolder } from "./folder.ts";

describe("readFile", () => {
  test("gives bytes, or text if an encoding is given", async () => {
    const path = join(testFolder(), "a");
    writeFileSync(path, "grün");
    await run(async () => {
      expect(await readFile(path)).toEqual(Buffer.from("grün"));
      expect(await readFile(pathToFileURL(path), "utf8")).toBe("grün");
      expect(await readFile(path, { encoding: "latin1" })).toBe("grÃ¼n");
    });
  });

  test.each([0, 1, 8191, 8192, 2 ** 19 - 1, 2 ** 19, 2 ** 19 + 1, 1_700_001])("of %d bytes", async (size) => {
    const path = join(testFolder(), "a");
    const content = Buffer.alloc(size, "0123456789");
    writeFileSync(path, content);
    const read = await run(() => readFile(path));
    expect(read.equals(content)).toBe(true);
  });

  test("of a file that says it is empty and is not", async () => {
    if (process.platform !== "linux") return;
    expect(await run(() => readFile("/proc/self/status", "utf8"))).toContain("Pid:");
  });

  test("a file that is cut off while it is read gives what there was", async () => {
    const path = join(testFolder(), "a");
    writeFileSync(path, Buffer.alloc(20_000_000, "x"));
    await run(async () => {
      let content: Buffer | undefined;
      await taskGroup((group) => {
        group.createTask(async () => {
          content = await readFile(path);
        });
        group.createTask(async () => {
          await sleep(0); // the reading has begun
          truncateSync(path, 600_000);
        });
      });
      expect(content?.length).toBeGreaterThanOrEqual(600_000);
      expect(content?.every((byte) => byte === 0x78)).toBe(true);
    });
  });

  test("what is not there, and wrong arguments", async () => {
    const folder = testFolder();
    await run(async () => {
      await expect(readFile(join(folder, "none"))).rejects.toMatchObject({ code: "ENOENT" });
      await expect(readFile(folder)).rejects.toMatchObject({ code: "EISDIR" });
      await expect(readFile(7 as never)).rejects.toThrow(
        /^path must be .* readFile\("data.txt", "utf8"\); got 7/,
      );
      await expect(readFile(folder, "utf9" as never)).rejects.toThrow(/^encoding must be/);
      expect(openFileStatistics().open).toBe(0);
    });
  });
});

describe("writeFile", () => {
  test("makes a file, and replaces it", async () => {
    const folder = testFolder();
    const path = join(folder, "a");
    await run(async () => {
      await writeFile(path, "first");
      const { ino } = statSync(path);
      await writeFile(pathToFileURL(path), Buffer.from("second"), { durable: false });
      expect(readFileSync(path, "utf8")).toBe("second");
      expect(statSync(path).ino).not.toBe(ino);
      await writeFile(path, "ü", "latin1");
      expect(readFileSync(path).toString("hex")).toBe("fc");
      await writeFile(path, Buffer.alloc(1_500_000, "0123456789"));
      expect(readFileSync(path).equals(Buffer.alloc(1_500_000, "0123456789"))).toBe(true);
      await writeFile(path, "");
      expect(readdirSync(folder)).toEqual(["a"]);
    });
    expect(readFileSync(path, "utf8")).toBe("");
  });

  test("keeps the permissions of the old file; a new one gets those that are given", async () => {
    const folder = testFolder();
    const [old, made, plain] = [join(folder, "old"), join(folder, "made"), join(folder, "plain")];
    writeFileSync(old, "old");
    chmodSync(old, 0o751);
    await run(async () => {
      await writeFile(old, "new", { permissions: 0o600 });
      await writeFile(made, "new", { permissions: 0o640 });
      await writeFile(plain, "new");
    });
    expect(statSync(old).mode & 0o7777).toBe(0o751);
    expect(statSync(made).mode & 0o7777).toBe(0o640 & ~process.umask());
    expect(statSync(plain).mode & 0o7777).toBe(0o666 & ~process.umask());
  });

  test("follows a link, and leaves hard links to the old file alone", async () => {
    const folder = testFolder();
    mkdirSync(join(folder, "there"));
    const [file, link, other] = [join(folder, "there/file"), join(folder, "link"), join(folder, "other")];
    writeFileSync(file, "old");
    symlinkSync("there/file", link);
    linkSync(file, other);
    await run(() => writeFile(link, "new"));
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readFileSync(file, "utf8")).toBe("new");
    expect(readFileSync(other, "utf8")).toBe("old");
  });

  test("does not put a file in the place of a device or a folder, or where none can be", async () => {
    const folder = testFolder();
    await run(async () => {
      await expect(writeFile("/dev/null", "x")).rejects.toMatchObject({ code: "EINVAL" });
      await expect(writeFile(folder, "x")).rejects.toMatchObject({ code: "EISDIR" });
      await expect(writeFile(join(folder, "none/a"), "x")).rejects.toMatchObject({ code: "ENOENT" });
      await expect(writeFile(join(folder, "a"), 7 as never)).rejects.toThrow(/^data must be bytes or text/);
      expect(openFileStatistics().open).toBe(0);
    });
    expect(lstatSync("/dev/null").isCharacterDevice()).toBe(true);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("who reads meanwhile sees one of the contents, whole", async () => {
    const path = join(testFolder(), "a");
    const contents = ["a", "b", "c", "d"].map((letter) => letter.repeat(1_000_000));
    writeFileSync(path, contents[0] as string);
    const seen = new Set<string>();
    await run(async () => {
      let writing = true;
      await taskGroup((group) => {
        group.createTask(async () => {
          for (const content of contents) await writeFile(path, content, { durable: false });
          writing = false;
        });
        group.createTask(async () => {
          while (writing) seen.add(await readFile(path, "utf8"));
        });
      });
    });
    for (const content of seen) expect(contents.includes(content)).toBe(true);
    expect(seen.size).toBeGreaterThan(0);
  });

  test("many at once to the same file: the last one wins, and no temporary file is left", async () => {
    const folder = testFolder();
    const path = join(folder, "a");
    await run(async () => {
      setOpenFileLimit(10);
      await taskGroup((group) => {
        for (let i = 0; i < 100; i++) group.createTask(() => writeFile(path, `${i}`, { durable: false }));
      });
    });
    expect(Number(readFileSync(path, "utf8"))).toBeGreaterThanOrEqual(0);
    expect(readdirSync(folder)).toEqual(["a"]);
  });
});

describe("appendFile", () => {
  test("makes the file, and adds to it", async () => {
    const path = join(testFolder(), "a");
    await run(async () => {
      await appendFile(path, "one\n", { permissions: 0o600 });
      await appendFile(path, Buffer.from("two\n"));
      await appendFile(path, "ü", "latin1");
      await expect(appendFile(path, null as never)).rejects.toThrow(/^data must be bytes or text/);
    });
    expect(readFileSync(path, "latin1")).toBe("one\ntwo\nü");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(existsSync(path)).toBe(true);
  });
});
