import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { createTask, gather, RuntimeError, run, sleep, taskGroup } from "brio";
import { File, type OpenMode, open, openFileStatistics } from "brio/files";
import { describe, expect, test } from "vitest";
import { descriptorsIn, leftovers, testFolder } from "./folder.ts";

describe("reading", () => {
  test("begins at the position and moves it; fewer bytes come only at the end", async () => {
    const path = join(testFolder(), "a");
    writeFileSync(path, "0123456789");
    await run(async () => {
      await using file = await open(path);
      expect((await file.read(4)).toString()).toBe("0123");
      expect(file.position).toBe(4);
      expect((await file.read(0)).length).toBe(0);
      expect((await file.readAt(1, 3)).toString()).toBe("123");
      expect(file.position).toBe(4);
      expect((await file.read()).toString()).toBe("456789");
      expect((await file.read(5)).length).toBe(0);
      expect((await file.read()).length).toBe(0);
      expect(await file.seek(-2, "end")).toBe(8);
      expect((await file.read(100)).toString()).toBe("89");
      expect(await file.seek(-7, "current")).toBe(3);
      expect((await file.read(1)).toString()).toBe("3");
      expect(await file.seek(0)).toBe(0);
    });
  });

  test("reads what is larger than a step, and files that do not say how large they are", async () => {
    const path = join(testFolder(), "large");
    const content = Buffer.alloc(1_500_000, "0123456789");
    writeFileSync(path, content);
    await run(async () => {
      await using file = await open(pathToFileURL(path));
      expect((await file.read()).equals(content)).toBe(true);
      await file.seek(10);
      expect((await file.read(1_000_000)).equals(content.subarray(10, 1_000_010))).toBe(true);
      if (process.platform !== "linux") return;
      await using status = await open("/proc/self/status");
      expect((await status.read()).toString()).toContain("Pid:");
    });
  });

  test("several tasks share the position: each gets bytes of its own", async () => {
    const path = join(testFolder(), "shared");
    writeFileSync(path, "aabbccdd");
    await run(async () => {
      await using file = await open(path);
      const got = await gather([1, 2, 3, 4].map(() => async () => (await file.read(2)).toString()));
      expect(got).toEqual(["aa", "bb", "cc", "dd"]);
    });
  });

  test("a device that has no positions gives what there is", async () => {
    await run(async () => {
      await using zeros = await open("/dev/zero");
      expect((await zeros.read(3)).toString("hex")).toBe("000000");
      expect(zeros.position).toBe(0);
      await expect(zeros.seek(1)).rejects.toThrow(/has no positions/);
    });
  });
});

describe("writing", () => {
  test("begins at the position, which may lie behind the end", async () => {
    const path = join(testFolder(), "w");
    await run(async () => {
      await using file = await open(path, "w+");
      await file.write("héllo");
      expect(file.position).toBe(6);
      await file.seek(8);
      await file.write(Buffer.from("!"));
      await file.writeAt(0, "H");
      expect(file.position).toBe(9);
      await file.sync();
      expect((await file.stat()).size).toBe(9);
      expect((await file.readAt(0, 100)).toString()).toBe("Héllo\0\0!");
      await file.truncate(3);
      expect(readFileSync(path, "utf8")).toBe("Hé");
      await file.truncate(5);
    });
    expect(readFileSync(path, "utf8")).toBe("Hé\0\0");
  });

  test("what several tasks write does not mix, and comes in the order in which they asked", async () => {
    const path = join(testFolder(), "log");
    const pieces = [..."abcdef"].map((letter) => letter.repeat(700_000));
    await run(async () => {
      await using file = await open(path, "w");
      await taskGroup((group) => {
        for (const piece of pieces) group.createTask(() => file.write(piece));
      });
    });
    expect(readFileSync(path, "utf8") === pieces.join("")).toBe(true);
  });

  test("appending goes to the end, wherever the position is", async () => {
    const path = join(testFolder(), "log");
    writeFileSync(path, "one\n");
    await run(async () => {
      await using file = await open(path, "a+");
      expect((await file.read(2)).toString()).toBe("on");
      await file.write("two\n");
      expect(file.position).toBe(2);
      await expect(file.writeAt(0, "x")).rejects.toThrow(RuntimeError);
      expect((await file.read()).toString()).toBe("e\ntwo\n");
    });
  });

  test("the permissions of a new file can be given", async () => {
    const path = join(testFolder(), "private");
    await run(async () => {
      await using file = await open(path, "wx", { permissions: 0o600 });
      expect((await file.stat()).mode & 0o777).toBe(0o600);
    });
  });
});

describe("its end", () => {
  test("a closed file refuses everything, and closing twice is fine", async () => {
    const path = join(testFolder(), "a");
    await run(async () => {
      const file = await open(path, "w+");
      expect(file.fd).toBeGreaterThan(2);
      await file.close();
      await file.close();
      expect(file.closed).toBe(true);
      expect(String(file)).toBe(`<File "${path}" closed>`);
      for (const use of [
        () => file.read(),
        () => file.readAt(0, 1),
        () => file.write("x"),
        () => file.writeAt(0, "x"),
        () => file.truncate(0),
        () => file.sync(),
        () => file.stat(),
        () => file.seek(0),
        () => file.lines().next(),
        () => file.chunks().next(),
      ]) {
        await expect(use()).rejects.toThrow(/can't be used any more/);
      }
    });
  });

  test("closing waits for what is under way, and refuses what is in line", async () => {
    const path = join(testFolder(), "a");
    await run(async () => {
      const file = await open(path, "w");
      const first = createTask(() => file.write("x".repeat(3_000_000)));
      const second = createTask(() => file.write("y"));
      const looking = createTask(() => file.stat());
      await sleep(0);
      await file.close();
      expect(descriptorsIn(path)).toEqual([]);
      await first;
      expect((await looking).isFile()).toBe(true);
      await expect(second).rejects.toThrow(RuntimeError);
    });
    expect(statSync(path).size).toBe(3_000_000);
  });

  test("what was left open is closed when the loop ends", async () => {
    const folder = testFolder();
    const file = await run(async () => {
      const file = await open(join(folder, "a"), "w");
      expect(openFileStatistics().open).toBe(1);
      return file;
    });
    expect(file.closed).toBe(true);
    while (leftovers(folder).length > 0) await new Promise((resolve) => setImmediate(resolve));
  });
});

describe("what goes wrong", () => {
  test("the system's errors come as they are, and leave nothing open", async () => {
    const folder = testFolder();
    mkdirSync(join(folder, "sub"));
    await run(async () => {
      await expect(open(join(folder, "none"))).rejects.toMatchObject({ code: "ENOENT", syscall: "open" });
      await expect(open(join(folder, "sub"), "w")).rejects.toMatchObject({ code: "EISDIR" });
      await using sub = await open(join(folder, "sub"));
      await expect(sub.read()).rejects.toMatchObject({ code: "EISDIR" });
      await sub.close();
      expect(openFileStatistics()).toEqual({ open: 0, limit: 128, waiting: 0 });
    });
  });

  test("a full disk: the position tells how much was written", async () => {
    if (process.platform !== "linux") return;
    await run(async () => {
      await using full = await open("/dev/full", "w");
      await expect(full.write("x")).rejects.toMatchObject({ code: "ENOSPC" });
    });
  });

  test("wrong arguments are named, with the right call", async () => {
    const path = join(testFolder(), "a");
    await expect(open(path, "w")).rejects.toThrow("open() needs a running event loop");
    await run(async () => {
      await expect(open(undefined as never)).rejects.toThrow(
        'path must be a path or a file: URL, such as open("data.txt"); got undefined',
      );
      await expect(open(new URL("http://localhost/"))).rejects.toThrow(TypeError);
      await expect(open(path, "write" as OpenMode)).rejects.toThrow(/mode must be one of r, r\+, w/);
      await using file = await open(path, "w+");
      await expect(file.read(1.5)).rejects.toThrow("n must be a whole number of bytes, or -1; got 1.5");
      await expect(file.readAt(-1, 1)).rejects.toThrow(/^position must be/);
      await expect(file.readAt(0, -1)).rejects.toThrow(/^n must be/);
      await expect(file.write(7 as never)).rejects.toThrow(/^data must be bytes or text/);
      await expect(file.truncate(Number.NaN)).rejects.toThrow(/^size must be/);
      await expect(file.seek(-1)).rejects.toThrow(/^offset must be one that leads to a position >= 0/);
      await expect(file.seek(0, "middle" as never)).rejects.toThrow(/^from must be/);
      expect(() => file.lines({ limit: 0 })).toThrow(/^limit must be/);
      expect(() => file.lines({ encoding: "utf16le" as never })).toThrow(/^encoding must be/);
      expect(() => file.chunks({ size: 0 })).toThrow(/^size must be/);
      expect(() => file.chunks({ readAhead: -1 })).toThrow(/^readAhead must be/);
      expect(file).toBeInstanceOf(File);
    });
  });
});
