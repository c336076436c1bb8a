import {
  existsSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { CancelledError, createTask, run, type Task } from "brio";
import { type CopyOptions, type CopyProgress, copy, openFileStatistics } from "brio/files";
import { describe, expect, test } from "vitest";
import { testFolder } from "./folder.ts";

/** More than two steps. */
const LONG = Buffer.alloc(2 ** 20 + 5, "0123456789");

/** A folder with a file, a folder with a file and a link, and a link that leads nowhere. */
function tree(path: string): string {
  mkdirSync(join(path, "sub"), { recursive: true });
  writeFileSync(join(path, "file"), "new");
  writeFileSync(join(path, "sub/inner"), "new");
  symlinkSync("inner", join(path, "sub/link"));
  symlinkSync("nowhere", join(path, "lost"));
  return path;
}

describe("existing", () => {
  test('"keep": what is there stays, links that lead nowhere too, and the rest is copied', async () => {
    const folder = testFolder();
    const [from, to] = [tree(join(folder, "from")), join(folder, "to")];
    mkdirSync(join(to, "sub"), { recursive: true });
    symlinkSync("elsewhere", join(to, "file"));
    writeFileSync(join(to, "sub/link"), "old");
    await run(async () => {
      await copy(from, to, { existing: "keep" });
      await copy(join(from, "file"), join(to, "sub/link"), { existing: "keep" });
    });
    expect(readlinkSync(join(to, "file"))).toBe("elsewhere");
    expect(readFileSync(join(to, "sub/link"), "utf8")).toBe("old");
    expect(readFileSync(join(to, "sub/inner"), "utf8")).toBe("new");
    expect(readlinkSync(join(to, "lost"))).toBe("nowhere");
    expect(existsSync(join(to, "elsewhere"))).toBe(false);
  });

  test('"fail": nothing may be there, be it a file, a folder or a link', async () => {
    const folder = testFolder();
    const from = tree(join(folder, "from"));
    writeFileSync(join(folder, "file"), "old");
    mkdirSync(join(folder, "folder"));
    symlinkSync("nowhere", join(folder, "link"));
    await run(async () => {
      for (const [what, place] of [
        ["file", "file"],
        ["file", "folder"],
        ["file", "link"],
        [".", "folder"],
      ] as const) {
        const failed = copy(join(from, what), join(folder, place), { existing: "fail" });
        await expect(failed, `${what} to ${place}`).rejects.toMatchObject({
          code: "EEXIST",
          path: join(folder, place),
          message: expect.stringMatching(/exists already: copy\(\.\.\., \{ existing: "replace" \}\)/),
        });
      }
      await copy(from, join(folder, "new"), { existing: "fail" });
      await copy(join(from, "file"), join(folder, "copy"), { existing: "fail" });
      expect(openFileStatistics().open).toBe(0);
    });
    expect(readFileSync(join(folder, "file"), "utf8")).toBe("old");
    expect(readdirSync(join(folder, "folder"))).toEqual([]);
    expect(readdirSync(join(folder, "new")).sort()).toEqual(["file", "lost", "sub"]);
    expect(readFileSync(join(folder, "copy"), "utf8")).toBe("new");
  });

  test.each(["fail", "keep"] as const)(
    '"%s": a file that appears while it is copied is not replaced either',
    async (existing) => {
      const folder = testFolder();
      const [from, to] = [join(folder, "from"), join(folder, "to")];
      writeFileSync(from, LONG);
      const onProgress = (): void => {
        if (!existsSync(to)) writeFileSync(to, "another's");
      };
      const ended = await run(() =>
        copy(from, to, { existing, onProgress }).then(
          () => "kept",
          (error) => error.code,
        ),
      );
      expect(ended).toBe(existing === "fail" ? "EEXIST" : "kept");
      expect(readFileSync(to, "utf8")).toBe("another's");
      expect(readdirSync(folder)).toEqual(["from", "to"]);
    },
  );
});

describe("preserveTimestamps", () => {
  test("files, folders and links keep their times; without it they are new", async () => {
    const folder = testFolder();
    const from = tree(join(folder, "from"));
    const names = ["file", "sub/inner", "sub", "."];
    const times = names.map((_, i) => 1_500_000_000.123_456 + i * 1000);
    lutimesSync(join(from, "lost"), 1_400_000_000, 1_400_000_000);
    names.forEach((name, i) => {
      utimesSync(join(from, name), times[i] as number, times[i] as number);
    });
    await run(async () => {
      await copy(from, join(folder, "same"), { preserveTimestamps: true });
      await copy(from, join(folder, "new"));
    });
    const microseconds = (path: string): bigint => (statSync(path, { bigint: true }).mtimeNs + 500n) / 1000n;
    names.forEach((name, i) => {
      expect(microseconds(join(folder, "same", name)), name).toBe(
        BigInt(Math.round((times[i] as number) * 1e6)),
      );
      expect(statSync(join(folder, "new", name)).mtimeMs).toBeGreaterThan(1_600_000_000_000);
    });
    expect(lstatSync(join(folder, "same/lost")).mtimeMs).toBe(1_400_000_000_000);
  });
});

describe("links and filters", () => {
  test("followLinks copies what links lead to, and ends in circles", async () => {
    const folder = testFolder();
    const [from, to] = [tree(join(folder, "from")), join(folder, "to")];
    mkdirSync(join(folder, "outside"));
    writeFileSync(join(folder, "outside/file"), "from outside");
    symlinkSync(join(folder, "outside"), join(from, "linked"));
    symlinkSync("..", join(from, "sub/circle"));
    await run(() => copy(from, to, { followLinks: true }));
    expect(lstatSync(join(to, "linked")).isDirectory()).toBe(true);
    expect(readFileSync(join(to, "linked/file"), "utf8")).toBe("from outside");
    expect(lstatSync(join(to, "sub/link")).isFile()).toBe(true);
    expect(readFileSync(join(to, "sub/link"), "utf8")).toBe("new");
    expect(readdirSync(join(to, "sub/circle"))).toEqual([]);
    expect(readlinkSync(join(to, "lost"))).toBe("nowhere");
  });

  test("filter leaves out files, and folders with all that is in them", async () => {
    const folder = testFolder();
    const [from, to] = [tree(join(folder, "from")), join(folder, "to")];
    const seen: string[] = [];
    await run(() =>
      copy(from, to, {
        filter: ({ name, kind }) => {
          seen.push(name);
          return kind !== "folder" && name !== "lost";
        },
      }),
    );
    expect(readdirSync(to)).toEqual(["file"]);
    expect(seen).not.toContain("inner");
  });
});

describe("onProgress", () => {
  test("tells each step, and each file that is whole", async () => {
    const folder = testFolder();
    const from = join(folder, "from");
    mkdirSync(from);
    writeFileSync(join(from, "a"), LONG);
    writeFileSync(join(from, "b"), "");
    writeFileSync(join(from, "c"), "xyz");
    const told: CopyProgress[] = [];
    await run(() => copy(from, join(folder, "to"), { onProgress: (progress) => told.push(progress) }));
    const [half, size] = [2 ** 19, LONG.length];
    const [a, b, c] = ["a", "b", "c"].map((name) => join(from, name));
    expect(told).toEqual([
      { path: a, copied: half, size, files: 0, bytes: half },
      { path: a, copied: 2 * half, size, files: 0, bytes: 2 * half },
      { path: a, copied: size, size, files: 0, bytes: size },
      { path: a, copied: size, size, files: 1, bytes: size },
      { path: b, copied: 0, size: 0, files: 2, bytes: size },
      { path: c, copied: 3, size: 3, files: 2, bytes: size + 3 },
      { path: c, copied: 3, size: 3, files: 3, bytes: size + 3 },
    ]);
  });

  test.each<CopyOptions["existing"]>(["replace", "fail"])(
    "what it throws ends the copy, and a cancellation: what was there is whole (%s)",
    async (existing) => {
      const folder = testFolder();
      const [from, to] = [join(folder, "from"), join(folder, "to")];
      writeFileSync(from, LONG);
      if (existing === "replace") writeFileSync(to, "old");
      const before = readdirSync(folder);
      await run(async () => {
        const onProgress = (): void => {
          throw new Error("enough");
        };
        await expect(copy(from, to, { existing, onProgress })).rejects.toThrow("enough");
        const steps: number[] = [];
        const task: Task<void> = createTask(() =>
          copy(from, to, {
            existing,
            preserveTimestamps: true,
            onProgress: ({ copied }) => {
              steps.push(copied);
              task.cancel();
            },
          }),
        );
        await expect(task).rejects.toThrow(CancelledError);
        expect(steps).toEqual([2 ** 19]);
        expect(openFileStatistics().open).toBe(0);
      });
      expect(readdirSync(folder)).toEqual(before);
      if (existing === "replace") expect(readFileSync(to, "utf8")).toBe("old");
    },
  );
});

test("options that are none are refused", async () => {
  const wrong = copy as (...args: unknown[]) => Promise<void>;
  await run(async () => {
    await expect(wrong("a", "b", "keep")).rejects.toThrow("such as { existing: \"keep\" }; got 'keep'");
    await expect(wrong("a", "b", { existing: true })).rejects.toThrow(
      'existing must be "replace", "keep" or "fail"; got true',
    );
    await expect(wrong("a", "b", { filter: /x/ })).rejects.toThrow("filter of copy() is a function; got /x/");
    await expect(wrong("a", "b", { onProgress: 1 })).rejects.toThrow(
      "onProgress of copy() is a function; got 1",
    );
  });
});
