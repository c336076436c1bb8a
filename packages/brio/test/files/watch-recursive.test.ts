import {
  appendFileSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import process from "node:process";
import { createTask, run, sleep } from "brio";
import { type Change, type Watch, WatchEndedError, watch } from "brio/files";
import { describe, expect, test } from "vitest";
import { testFolder, underWay } from "./folder.ts";

/** The changes up to the one of `name`, as `type name`. */
async function until(changes: Watch, name: string, type?: Change["type"]): Promise<string[]> {
  const seen: string[] = [];
  const all = changes[Symbol.asyncIterator]();
  for (;;) {
    const { value, done } = await all.next();
    if (done === true) throw new Error("the changes have ended");
    if (value.type === "overflow") throw new Error("an overflow");
    expect(value.path).toBe(join(changes.path, value.name));
    seen.push(`${value.type} ${value.name}`);
    if (value.name === name && (type === undefined || value.type === type)) return seen;
  }
}

/** How many folders and files this process watches. */
const watched = (): number => underWay().filter((kind) => kind.startsWith("FSEvent")).length;

describe("a tree of folders", () => {
  test("what happens in folders that were there is told, by the way to it", async () => {
    const folder = testFolder();
    mkdirSync(join(folder, "a/b"), { recursive: true });
    writeFileSync(join(folder, "a/b/file"), "");
    await run(async () => {
      using changes = watch(folder, { recursive: true });
      appendFileSync(join(folder, "a/b/file"), "more");
      expect(await until(changes, join("a", "b", "file"))).toEqual([`change ${join("a", "b", "file")}`]);
      writeFileSync(join(folder, "a/new"), "");
      await until(changes, join("a", "new"), "rename");
      unlinkSync(join(folder, "a/b/file"));
      await until(changes, join("a", "b", "file"), "rename");
      writeFileSync(join(folder, "top"), "");
      await until(changes, "top", "rename");
    });
  });

  test("a folder that comes is watched, and what was put into it at once is told", async () => {
    const folder = testFolder();
    await run(async () => {
      using changes = watch(folder, { recursive: true });
      // All of it before anybody can look: the system tells of the first only.
      mkdirSync(join(folder, "x/y/z"), { recursive: true });
      writeFileSync(join(folder, "x/y/z/early"), "");
      const seen = await until(changes, join("x", "y", "z", "early"));
      for (const name of ["x", join("x", "y"), join("x", "y", "z")]) expect(seen).toContain(`rename ${name}`);
      writeFileSync(join(folder, "x/y/z/late"), "");
      await until(changes, join("x", "y", "z", "late"), "rename");
    });
  });

  test("a folder that is moved is watched under its new name, and only there", async () => {
    const folder = testFolder();
    mkdirSync(join(folder, "old/inner"), { recursive: true });
    await run(async () => {
      using changes = watch(folder, { recursive: true });
      renameSync(join(folder, "old"), join(folder, "new"));
      await until(changes, "new", "rename");
      writeFileSync(join(folder, "new/inner/file"), "");
      const seen = await until(changes, join("new", "inner", "file"), "rename");
      expect(seen.filter((change) => change.includes("old"))).toEqual([]);
    });
  });

  test.runIf(process.platform === "linux")("folders that go have no watchers any more", async () => {
    const folder = testFolder();
    mkdirSync(join(folder, "a/b/c"), { recursive: true });
    mkdirSync(join(folder, "gone/away"), { recursive: true });
    const outside = testFolder();
    await run(async () => {
      using changes = watch(folder, { recursive: true });
      expect(watched()).toBe(6);
      rmSync(join(folder, "a/b"), { recursive: true });
      await until(changes, join("a", "b"), "rename");
      writeFileSync(join(folder, "mark"), "");
      await until(changes, "mark");
      await sleep(0);
      renameSync(join(folder, "gone"), join(outside, "gone"));
      await until(changes, "gone", "rename");
      writeFileSync(join(outside, "gone/away/file"), "");
      writeFileSync(join(folder, "end"), "");
      expect((await until(changes, "end")).filter((change) => change.includes("away"))).toEqual([]);
      while (watched() > 2) await sleep(1); // Node closes them at its next turn
    });
  });

  test("a folder in whose place another comes at once is watched anew", async () => {
    const folder = testFolder();
    mkdirSync(join(folder, "a/inner"), { recursive: true });
    await run(async () => {
      using changes = watch(folder, { recursive: true });
      for (let i = 0; i < 3; i++) {
        rmSync(join(folder, "a"), { recursive: true });
        mkdirSync(join(folder, "a"));
      }
      writeFileSync(join(folder, "mark"), "");
      await until(changes, "mark");
      writeFileSync(join(folder, "a/file"), "");
      await until(changes, join("a", "file"), "rename");
    });
  });

  test("something of a folder's own name in it is told, and not taken for the folder", async () => {
    const folder = testFolder();
    mkdirSync(join(folder, "same"));
    await run(async () => {
      using changes = watch(folder, { recursive: true });
      writeFileSync(join(folder, "same/same"), "");
      await until(changes, join("same", "same"), "rename");
      unlinkSync(join(folder, "same/same"));
      await until(changes, join("same", "same"), "rename");
      writeFileSync(join(folder, "same/end"), "");
      await until(changes, join("same", "end"), "rename");
      rmSync(join(folder, "same"), { recursive: true });
      expect(await until(changes, "same")).not.toContain(`rename ${join("same", "same")}`);
    });
  });

  test("what links lead to is not watched", async () => {
    const [folder, outside] = [testFolder(), testFolder()];
    symlinkSync(outside, join(folder, "link"));
    symlinkSync(".", join(folder, "circle"));
    await run(async () => {
      using changes = watch(folder, { recursive: true });
      writeFileSync(join(outside, "file"), "");
      writeFileSync(join(folder, "end"), "");
      expect(await until(changes, "end")).toEqual(["rename end"]);
    });
  });

  test("folders that are not to be entered are not watched, nor what is in them", async () => {
    const folder = testFolder();
    mkdirSync(join(folder, "node_modules/package"), { recursive: true });
    await run(async () => {
      using changes = watch(folder, { recursive: true, enter: (name) => basename(name) !== "node_modules" });
      mkdirSync(join(folder, "sub/node_modules"), { recursive: true });
      await until(changes, join("sub", "node_modules"), "rename");
      for (const name of ["node_modules/package/file", "sub/node_modules/file", "sub/end"])
        writeFileSync(join(folder, name), "");
      expect((await until(changes, join("sub", "end"))).filter((change) => change.endsWith("file"))).toEqual(
        [],
      );
    });
  });

  test("of a file, it is the same as without", async () => {
    const path = join(testFolder(), "file");
    writeFileSync(path, "");
    await run(async () => {
      using changes = watch(path, { recursive: true });
      appendFileSync(path, "more");
      for await (const change of changes) {
        expect(change).toEqual({ type: "change", name: "file", path });
        break;
      }
    });
  });
});

describe("its end", () => {
  test("a tree that is deleted: what came before is given, then comes an error, and nothing is watched", async () => {
    const path = join(testFolder(), "tree");
    mkdirSync(join(path, "a/b"), { recursive: true });
    writeFileSync(join(path, "a/b/file"), "");
    await run(async () => {
      using changes = watch(path, { recursive: true });
      rmSync(path, { recursive: true });
      const seen: string[] = [];
      const error: unknown = await (async () => {
        for await (const change of changes) if (change.type !== "overflow") seen.push(change.name);
      })().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(WatchEndedError);
      expect(error).toMatchObject({ path });
      expect(seen).toContain(join("a", "b", "file"));
      expect(seen).toContain("a");
      while (watched() > 0) await sleep(1);
    });
  });

  test("a tree that is moved, while a task waits", async () => {
    const folder = testFolder();
    const path = join(folder, "tree");
    mkdirSync(join(path, "a"), { recursive: true });
    await run(async () => {
      using changes = watch(path, { recursive: true });
      const waiting = createTask(() => until(changes, "never"));
      await sleep(0);
      renameSync(path, join(folder, "elsewhere"));
      await expect(waiting).rejects.toThrow(/deleted or moved/);
    });
  });

  test("closing it stops all watchers; so does the end of run, and a cancellation of who waits does not", async () => {
    const folder = testFolder();
    mkdirSync(join(folder, "a/b"), { recursive: true });
    await run(async () => {
      const closed = watch(folder, { recursive: true });
      closed.close();
      while (watched() > 0) await sleep(1);
      const changes = watch(folder, { recursive: true });
      const waiting = createTask(() => until(changes, "never"));
      await sleep(0);
      waiting.cancel();
      await expect(waiting).rejects.toThrow("cancelled");
      writeFileSync(join(folder, "a/b/file"), "");
      await until(changes, join("a", "b", "file"));
    });
  });

  test("too many changes are an overflow; folders that come in it are watched all the same", async () => {
    const folder = testFolder();
    await run(async () => {
      using changes = watch(folder, { recursive: true, limit: 2 });
      for (let i = 0; i < 10; i++) mkdirSync(join(folder, `${i}`));
      using others = watch(folder);
      mkdirSync(join(folder, "mark"));
      await until(others, "mark");
      const all = changes[Symbol.asyncIterator]();
      for (;;) if ((await all.next()).value?.type === "overflow") break;
      writeFileSync(join(folder, "9/file"), "");
      await until(changes, join("9", "file"));
    });
  });
});

test("enter must be a function", () =>
  run(async () => {
    expect(() => watch(".", { recursive: true, enter: "node_modules" as never })).toThrow(
      /^enter must be a function, as in watch\("folder", .* got 'node_modules'$/,
    );
  }));
