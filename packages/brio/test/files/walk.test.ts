import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { run } from "brio";
import { openFileStatistics, type WalkOptions, walk } from "brio/files";
import { expect, test } from "vitest";
import { testFolder } from "./folder.ts";

/** A folder with such files in it. */
function tree(...files: string[]): string {
  const root = testFolder();
  for (const file of files) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), file);
  }
  return root;
}

async function found(root: string, options?: WalkOptions): Promise<string[]> {
  const lines: string[] = [];
  for await (const { path, kind, name, depth } of walk(root, options)) {
    const place = relative(root, path);
    expect([name, depth]).toEqual([place.split("/").at(-1), place.split("/").length]);
    lines.push(kind === "file" ? place : `${place} (${kind})`);
  }
  return lines;
}

test("gives a folder before what is in it, by name", async () => {
  const root = tree("b/2", "b/1", "a", "b/c/x", "c", "B");
  await run(async () => {
    expect(await found(root)).toEqual(["B", "a", "b (folder)", "b/1", "b/2", "b/c (folder)", "b/c/x", "c"]);
    expect(openFileStatistics().open).toBe(0);
  });
});

test("goes as deep as it is told to, gives what it is asked for, and goes in where it may", async () => {
  const root = tree("a/b/c/d", "a/x", "node_modules/y", "z");
  await run(async () => {
    expect(await found(root, { maxDepth: 1 })).toEqual(["a (folder)", "node_modules (folder)", "z"]);
    expect(await found(root, { maxDepth: 2, filter: ({ kind }) => kind === "file" })).toEqual([
      "a/x",
      "node_modules/y",
      "z",
    ]);
    expect(await found(root, { enter: ({ name }) => name !== "node_modules" && name !== "b" })).toEqual([
      "a (folder)",
      "a/b (folder)",
      "a/x",
      "node_modules (folder)",
      "z",
    ]);
  });
});

test("links are given as links; followed, each folder is gone into once, and circles end", async () => {
  const root = tree("a/file", "b/other");
  symlinkSync("..", join(root, "a/up"));
  symlinkSync("../b", join(root, "a/beside"));
  symlinkSync("../a", join(root, "b/back"));
  symlinkSync("nowhere", join(root, "lost"));
  symlinkSync("a/file", join(root, "link"));
  await run(async () => {
    expect(await found(root)).toEqual([
      "a (folder)",
      "a/beside (link)",
      "a/file",
      "a/up (link)",
      "b (folder)",
      "b/back (link)",
      "b/other",
      "link (link)",
      "lost (link)",
    ]);
    expect(await found(root, { followLinks: true })).toEqual([
      "a (folder)",
      "a/beside (folder)",
      "a/beside/back (folder)",
      "a/beside/other",
      "a/file",
      "a/up (folder)",
      "b (folder)",
      "link",
      "lost (link)",
    ]);
  });
});

test("a folder that disappears before it is come to is passed over", async () => {
  const root = tree("a/file", "b/file", "c");
  await run(async () => {
    const lines: string[] = [];
    for await (const { path } of walk(root)) {
      lines.push(relative(root, path));
      if (path.endsWith("a")) rmSync(join(root, "b"), { recursive: true });
    }
    expect(lines).toEqual(["a", "a/file", "b", "c"]);
  });
});

test("a folder that can't be read ends the walk, or is told to `onError`", async () => {
  const root = tree("a/file", "b");
  await run(async () => {
    await expect(found(join(root, "none"))).rejects.toMatchObject({ code: "ENOENT" });
    await expect(found(join(root, "b"))).rejects.toMatchObject({ code: "ENOTDIR" });
    const told: unknown[] = [];
    const onError = (error: unknown, path: string) => told.push([(error as { code: string }).code, path]);
    expect(await found(join(root, "none"), { onError })).toEqual([]);
    expect(told).toEqual([["ENOENT", join(root, "none")]]);
    if (process.getuid?.() === 0) return; // root may read everything
    chmodSync(join(root, "a"), 0);
    try {
      await expect(found(root)).rejects.toMatchObject({ code: "EACCES" });
      expect(await found(root, { onError })).toEqual(["a (folder)", "b"]);
    } finally {
      chmodSync(join(root, "a"), 0o700);
    }
  });
});

test("wrong arguments are named", () => {
  expect(() => walk(undefined as never)).toThrow(
    /^path must be a path or a file: URL, such as walk\("folder"\)/,
  );
  expect(() => walk(".", { maxDepth: 0 })).toThrow(/^maxDepth must be a whole number >= 1/);
});
