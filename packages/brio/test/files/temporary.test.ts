import { existsSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { CancelledError, createTask, run, sleep, sleepForever } from "brio";
import { openFileStatistics, temporaryDirectory, temporaryFile } from "brio/files";
import { expect, test } from "vitest";
import { leftovers, testFolder } from "./folder.ts";

test("a folder is there to the end of its block, with everything in it", async () => {
  const parent = testFolder();
  await run(async () => {
    {
      await using folder = await temporaryDirectory({ parent, prefix: "data-" });
      expect(basename(folder.path)).toMatch(/^data-/);
      expect(statSync(folder.path).mode & 0o777).toBe(0o700);
      await mkdir(join(folder.path, "a/b"), { recursive: true });
      writeFileSync(join(folder.path, "a/b/c"), "content");
    }
    expect(readdirSync(parent)).toEqual([]);
    const other = await temporaryDirectory({ parent });
    await other.remove();
    await other.remove();
    expect(String(other)).toMatch(/removed>$/);
    expect(readdirSync(parent)).toEqual([]);
  });
});

test("a file is there until it is closed; renamed, it stays", async () => {
  const parent = testFolder();
  await run(async () => {
    {
      await using file = await temporaryFile({ parent, prefix: "data-", suffix: ".json" });
      expect(readdirSync(parent)).toEqual([basename(file.path)]);
      expect(basename(file.path)).toMatch(/^data-[0-9a-f]{16}\.json$/);
      expect((await file.stat()).mode & 0o777).toBe(0o600);
      await file.write("content");
      expect((await file.readAt(0, 100)).toString()).toBe("content");
    }
    expect(readdirSync(parent)).toEqual([]);
    {
      await using file = await temporaryFile({ parent });
      await file.write("kept");
      renameSync(file.path, join(parent, "kept"));
    }
    expect(openFileStatistics().open).toBe(0);
  });
  expect(readFileSync(join(parent, "kept"), "utf8")).toBe("kept");
});

test.each(["sticky", "once"] as const)(
  "a block that is cancelled removes them before it ends (%s)",
  async (cancellation) => {
    const parent = testFolder();
    await run(
      async () => {
        const task = createTask(async () => {
          await using folder = await temporaryDirectory({ parent });
          await using file = await temporaryFile({ parent: folder.path });
          await file.write("content");
          await sleepForever();
        });
        while (readdirSync(parent).length === 0) await sleep("1ms");
        task.cancel();
        await expect(task).rejects.toThrow(CancelledError);
        expect(readdirSync(parent)).toEqual([]);
      },
      { cancellation },
    );
  },
);

test("what nobody has removed is gone when run ends", async () => {
  const parent = testFolder();
  const paths = await run(async () => {
    const folder = await temporaryDirectory({ parent });
    const file = await temporaryFile({ parent: folder.path });
    const other = await temporaryFile({ parent });
    expect(existsSync(file.path)).toBe(true);
    return [folder.path, file.path, other.path];
  });
  expect(paths.filter((path) => existsSync(path))).toEqual([]);
  // Node closes the descriptors in a thread.
  while (leftovers(parent).length > 0) await new Promise((resolve) => setImmediate(resolve));
});

test("what can't be made, and wrong arguments", async () => {
  const parent = testFolder();
  await run(async () => {
    await expect(temporaryFile({ parent: join(parent, "none") })).rejects.toMatchObject({ code: "ENOENT" });
    await expect(temporaryDirectory({ parent: join(parent, "none") })).rejects.toMatchObject({
      code: "ENOENT",
    });
    await expect(temporaryFile({ prefix: "../x" })).rejects.toThrow(/^prefix must be a part of a name/);
    await expect(temporaryFile({ suffix: "/x" })).rejects.toThrow(/^suffix must be a part of a name/);
    await expect(temporaryDirectory({ prefix: 7 as never })).rejects.toThrow(/^prefix must be/);
    await expect(temporaryDirectory({ parent: 7 as never })).rejects.toThrow(/^parent must be/);
    expect(openFileStatistics().open).toBe(0);
  });
  expect(readdirSync(parent)).toEqual([]);
});
