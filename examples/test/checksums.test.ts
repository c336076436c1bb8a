import { createHash } from "node:crypto";
import { mkdir, mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { run } from "brio";
import { openFileStatistics } from "brio/files";
import { expect, test } from "vitest";
import { checksums } from "../10-checksums/main.ts";
import { Program } from "./program.ts";

const MAIN = "10-checksums/main.ts";
const temporaryDirectory = () => mkdtempDisposable(join(tmpdir(), "brio-checksums-test-"));

/** Makes such files; the sum of each, by its path. */
async function makeFiles(
  folder: string,
  sizes: Readonly<Record<string, number>>,
): Promise<Map<string, string>> {
  const sums = new Map<string, string>();
  for (const [path, size] of Object.entries(sizes)) {
    const content = Buffer.alloc(size, path);
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
    sums.set(path, createHash("sha256").update(content).digest("hex"));
  }
  return sums;
}

const SIZES = { "a/small": 10, empty: 0, "a/b/large": 3_000_000, "a/chunk": 2 ** 18, "z/two": 2 ** 19 };

test("10-checksums: every file's sum is right, however many are read at once", async () => {
  await using folder = await temporaryDirectory();
  const expected = await makeFiles(folder.path, SIZES);
  for (const atOnce of [1, 2, 8]) {
    await run(async () => {
      const { sums, bytes, unread } = await checksums(folder.path, atOnce);
      expect(new Map([...sums].sort())).toEqual(new Map([...expected].sort()));
      expect(bytes).toBe(Object.values(SIZES).reduce((sum, size) => sum + size));
      expect(unread.size).toBe(0);
      expect(openFileStatistics().open).toBe(0);
    });
  }
});

test("10-checksums runs as a program, and prints what sha256sum prints", async () => {
  await using folder = await temporaryDirectory();
  const expected = await makeFiles(folder.path, SIZES);
  await using program = new Program(MAIN, [folder.path, "--at-once", "3"]);
  const { code, lines, stderr } = await program.ended();
  expect(lines).toEqual([...expected].sort().map(([path, sum]) => `${sum}  ${path}`));
  expect(stderr).toMatch(/^5 files, 3\.8 MB in \d+\.\d\d s\n$/);
  expect(code).toBe(0);
});

test("10-checksums: a folder that is not there", async () => {
  await using folder = await temporaryDirectory();
  await using program = new Program(MAIN, [join(folder.path, "none")]);
  const { code, lines, stderr } = await program.ended();
  expect(lines).toEqual([]);
  expect(stderr).toContain("ENOENT");
  expect(code).toBe(1);
});
