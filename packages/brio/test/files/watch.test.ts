import {
  appendFileSync,
  mkdirSync,
  renameSync,
  rmSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { createTask, run, sleep, timeout } from "brio";
import { type Change, Watch, WatchEndedError, watch } from "brio/files";
import { describe, expect, test } from "vitest";
import { testFolder } from "./folder.ts";

/** The changes up to the first that `last` holds for. */
async function until(changes: AsyncIterator<Change>, last: (change: Change) => boolean): Promise<Change[]> {
  const seen: Change[] = [];
  for (;;) {
    const { value, done } = await changes.next();
    if (done === true) throw new Error("the changes have ended");
    seen.push(value);
    if (last(value)) return seen;
  }
}

const of = (name: string) => (change: Change) => change.type !== "overflow" && change.name === name;

describe("a folder", () => {
  test("what appears, changes and disappears is told, from the call of watch() on", async () => {
    const folder = testFolder();
    const path = join(folder, "a");
    await run(async () => {
      using changes = watch(folder);
      writeFileSync(path, "");
      const all = changes[Symbol.asyncIterator]();
      expect(await until(all, of("a"))).toContainEqual({ type: "rename", name: "a", path });
      appendFileSync(path, "more");
      expect((await until(all, (change) => change.type === "change")).at(-1)).toEqual({
        type: "change",
        name: "a",
        path,
      });
      unlinkSync(path);
      expect((await until(all, (change) => change.type === "rename")).at(-1)).toEqual({
        type: "rename",
        name: "a",
        path,
      });
    });
  });

  test("leaving the loop, closing it and the end of run stop the watching", async () => {
    const folder = testFolder();
    let left: Watch | undefined;
    await run(async () => {
      const first = watch(folder);
      writeFileSync(join(folder, "a"), "");
      for await (const _ of first) break;
      expect(String(first)).toMatch(/closed>$/);
      {
        using second = watch(folder);
        const waiting = createTask(async () => {
          for await (const _ of second) throw new Error("nothing has happened");
          return "ended";
        });
        await sleep(0);
        second.close();
        expect(await waiting).toBe("ended");
      }
      left = watch(folder);
    });
    expect(String(left)).toMatch(/closed>$/);
  });

  test("a cancelled wait loses nothing", async () => {
    const folder = testFolder();
    await run(async () => {
      using changes = watch(folder);
      const all = changes[Symbol.asyncIterator]();
      const waiting = createTask(() => all.next());
      await sleep(0);
      waiting.cancel();
      await expect(waiting).rejects.toThrow("cancelled");
      writeFileSync(join(folder, "a"), "");
      await until(all, of("a"));
    });
  });

  test("several tasks may take them: each change goes to one", async () => {
    const folder = testFolder();
    await run(async () => {
      using changes = watch(folder);
      const taken: string[] = [];
      const tasks = [1, 2].map(() =>
        createTask(async () => {
          for await (const change of {
            [Symbol.asyncIterator]: () => ({ next: () => changes[Symbol.asyncIterator]().next() }),
          }) {
            if (change.type === "rename") taken.push(change.name);
            if (taken.length === 4) changes.close();
          }
        }),
      );
      await sleep(0);
      for (const name of ["a", "b", "c", "d"]) mkdirSync(join(folder, name));
      for (const task of tasks) await task;
      expect(taken.sort()).toEqual(["a", "b", "c", "d"]);
    });
  });

  test("no more is kept than the limit; then comes an overflow, and the watching goes on", async () => {
    const folder = testFolder();
    await run(async () => {
      using changes = watch(folder, { limit: 3 });
      const seen = changes[Symbol.asyncIterator]();
      for (let i = 0; i < 10; i++) mkdirSync(join(folder, `${i}`));
      // Whoever watches the same is told at the same time: what the second has, the first has too.
      using others = watch(folder);
      mkdirSync(join(folder, "mark"));
      await until(others[Symbol.asyncIterator](), of("mark"));
      const first = await until(seen, (change) => change.type === "overflow");
      expect(first).toEqual([
        ...["0", "1", "2"].map((name) => ({ type: "rename", name, path: join(folder, name) })),
        { type: "overflow", missed: 8 },
      ]);
      mkdirSync(join(folder, "last"));
      expect(await until(seen, of("last"))).toEqual([
        { type: "rename", name: "last", path: join(folder, "last") },
      ]);
    });
  });

  test("what happens again before somebody looks is told once", async () => {
    const folder = testFolder();
    const path = join(folder, "a");
    writeFileSync(path, "");
    await run(async () => {
      using changes = watch(folder);
      for (let i = 0; i < 20; i++) utimesSync(path, i, i);
      mkdirSync(join(folder, "end"));
      using others = watch(folder);
      mkdirSync(join(folder, "mark"));
      await until(others[Symbol.asyncIterator](), of("mark"));
      const seen = await until(changes[Symbol.asyncIterator](), of("end"));
      expect(seen.map((change) => change.type)).toEqual(["change", "rename"]);
    });
  });
});

describe("what is gone", () => {
  test("a folder that is deleted: what came before is given, then comes an error", async () => {
    const folder = testFolder();
    const path = join(folder, "sub");
    mkdirSync(path);
    await run(async () => {
      using changes = watch(path);
      mkdirSync(join(path, "a"));
      rmSync(path, { recursive: true });
      const seen: Change[] = [];
      const error: unknown = await (async () => {
        for await (const change of changes) seen.push(change);
      })().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(WatchEndedError);
      expect(error).toMatchObject({
        path,
        message: `"${path}" can't be watched any more: it was deleted or moved`,
      });
      expect(seen).toContainEqual({ type: "rename", name: "a", path: join(path, "a") });
      await expect(changes[Symbol.asyncIterator]().next()).rejects.toBe(error);
    });
  });

  test("who waits already is told as well", async () => {
    const folder = testFolder();
    const path = join(folder, "sub");
    mkdirSync(path);
    await run(async () => {
      using changes = watch(path);
      const waiting = createTask(() => until(changes[Symbol.asyncIterator](), () => false));
      await sleep(0);
      rmSync(path, { recursive: true });
      await expect(waiting).rejects.toThrow(WatchEndedError);
    });
  });

  test("a folder that is moved, and one in whose place another comes", async () => {
    const folder = testFolder();
    const [path, other] = [join(folder, "sub"), join(folder, "other")];
    const third = join(folder, "third");
    mkdirSync(path);
    mkdirSync(third);
    await run(async () => {
      using moved = watch(path);
      renameSync(path, other);
      await expect(until(moved[Symbol.asyncIterator](), () => false)).rejects.toThrow(/deleted or moved/);
      using replaced = watch(other);
      rmSync(other, { recursive: true });
      renameSync(third, other);
      await expect(until(replaced[Symbol.asyncIterator](), () => false)).rejects.toThrow(
        /another has taken its place/,
      );
    });
  });

  test("something of the same name in the folder may come and go", async () => {
    const folder = testFolder();
    const same = join(folder, basename(folder));
    await run(async () => {
      using changes = watch(folder);
      const all = changes[Symbol.asyncIterator]();
      mkdirSync(same);
      await until(all, of(basename(folder)));
      rmSync(same, { recursive: true });
      await until(all, of(basename(folder)));
      mkdirSync(join(folder, "end"));
      await until(all, of("end"));
    });
  });

  test("a file: changes, and then its end", async () => {
    const folder = testFolder();
    const path = join(folder, "log");
    writeFileSync(path, "one\n");
    await run(async () => {
      using changes = watch(path);
      const all = changes[Symbol.asyncIterator]();
      appendFileSync(path, "two\n");
      expect(await all.next()).toEqual({ done: false, value: { type: "change", name: "log", path } });
      truncateSync(path, 1);
      await until(all, of("log"));
      unlinkSync(path);
      await expect(until(all, () => false)).rejects.toThrow(WatchEndedError);
    });
  });
});

test("what is not there, and wrong arguments", async () => {
  const folder = testFolder();
  expect(() => watch(folder)).toThrow(/^watch\(\) needs a running event loop/);
  await run(async () => {
    expect(() => watch(join(folder, "none"))).toThrow(expect.objectContaining({ code: "ENOENT" }));
    expect(() => watch(folder, { limit: 0 })).toThrow(/^limit must be a whole number of changes >= 1/);
    expect(() => watch(undefined as never)).toThrow(/^path must be/);
    using changes = watch(folder);
    await expect(timeout(1, () => changes[Symbol.asyncIterator]().next())).rejects.toThrow("time");
    expect(changes).toBeInstanceOf(Watch);
  });
});
