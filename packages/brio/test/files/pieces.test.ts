import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "brio";
import { open } from "brio/files";
import { describe, expect, test } from "vitest";
import { testFolder } from "./folder.ts";

async function all<T>(pieces: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const piece of pieces) found.push(piece);
  return found;
}

function file(content: string | Uint8Array): string {
  const path = join(testFolder(), "file");
  writeFileSync(path, content);
  return path;
}

describe("lines", () => {
  test.each([
    ["", []],
    ["\n", [""]],
    ["a", ["a"]],
    ["a\nb", ["a", "b"]],
    ["a\r\nb\r\n", ["a", "b"]],
    ["a\n\n\nb\r", ["a", "", "", "b\r"]],
    ["grün\n€\n𝄞\n", ["grün", "€", "𝄞"]],
  ])("of %j", async (content, lines) => {
    const path = file(content);
    await run(async () => {
      await using opened = await open(path);
      for (const options of [
        {},
        { size: 1 },
        { size: 3 },
        { size: 2, readAhead: 4 },
        { size: 2, readAhead: 0 },
      ]) {
        await opened.seek(0);
        expect(await all(opened.lines(options))).toEqual(lines);
        expect(opened.position).toBe(Buffer.byteLength(content));
      }
    });
  });

  test("in another encoding", async () => {
    const path = file(Buffer.from("grün\nblau", "latin1"));
    await run(async () => {
      await using opened = await open(path);
      expect(await all(opened.lines({ encoding: "latin1" }))).toEqual(["grün", "blau"]);
    });
  });

  test("a loop that is left stands after its last line, and others go on from there", async () => {
    const path = file("one\ntwo\nthree\nfour\n");
    await run(async () => {
      await using opened = await open(path);
      for await (const line of opened) if (line === "two") break;
      expect(opened.position).toBe(8);
      expect((await opened.read(5)).toString()).toBe("three");
      expect(await all(opened)).toEqual(["", "four"]);
    });
  });

  test("a loop follows the position when somebody else moves it, and sees what was written", async () => {
    const path = file("one\ntwo\nthree\n");
    await run(async () => {
      await using opened = await open(path, "r+");
      const seen: string[] = [];
      for await (const line of opened) {
        seen.push(line);
        if (seen.length === 2) await opened.seek(0);
        if (seen.length === 3) await opened.writeAt(4, "TWO");
      }
      expect(seen).toEqual(["one", "two", "one", "TWO", "three"]);
    });
  });

  test("a line that is too long is an error that says what to do, and can be read otherwise", async () => {
    const path = file(`short\n${"x".repeat(100)}\nend\n`);
    await run(async () => {
      await using opened = await open(path);
      const lines = opened.lines({ limit: 50, size: 16 });
      expect((await lines.next()).value).toBe("short");
      await expect(lines.next()).rejects.toThrow(
        /the line at byte 6 of .* is longer than the limit of 50 bytes/,
      );
      expect(await all(opened.lines())).toEqual(["x".repeat(100), "end"]);
    });
  });

  test.skipIf(process.platform === "win32")("of a pipe: nothing is lost when a loop is left", async () => {
    const path = join(testFolder(), "pipe");
    spawnSync("mkfifo", [path]);
    const writer = spawn("sh", ["-c", `printf 'one\\ntwo\\nthree' > "${path}"`], { stdio: "inherit" });
    const written = once(writer, "close");
    await run(async () => {
      await using pipe = await open(path);
      for await (const line of pipe) if (line === "one") break;
      expect((await pipe.read(3)).toString()).toBe("two");
      expect(await all(pipe.lines())).toEqual(["", "three"]);
    });
    await written;
  });
});

describe("chunks", () => {
  test("are of the size that is asked for, whatever is read ahead", async () => {
    const path = file("0123456789");
    await run(async () => {
      await using opened = await open(path);
      for (const readAhead of [0, 1, 5]) {
        await opened.seek(0);
        expect((await all(opened.chunks({ size: 4, readAhead }))).map(String)).toEqual([
          "0123",
          "4567",
          "89",
        ]);
      }
    });
  });

  test("no more is read ahead than was asked for", async () => {
    const path = file(Buffer.alloc(100));
    await run(async () => {
      await using opened = await open(path);
      const reads: number[] = [];
      const peek = opened.peek.bind(opened);
      opened.peek = (position, room) => {
        reads.push(position);
        return peek(position, room);
      };
      const chunks = opened.chunks({ size: 10, readAhead: 2 });
      await chunks.next();
      expect(reads).toEqual([0, 10, 20]);
      await chunks.next();
      expect(reads).toEqual([0, 10, 20, 30]);
      expect(opened.position).toBe(20);
    });
  });

  test("a loop can go on when the file has grown", async () => {
    const path = file("one\n");
    await run(async () => {
      await using opened = await open(path);
      const lines = opened.lines();
      expect((await lines.next()).value).toBe("one");
      expect((await lines.next()).done).toBe(true);
      appendFileSync(path, "two\n");
      expect((await lines.next()).value).toBe("two");
      expect((await lines.next()).done).toBe(true);
    });
  });

  test.each([0, 1, 3])(
    "a file that is cut off while it is read ends there (read ahead: %d)",
    async (readAhead) => {
      const path = file(Buffer.alloc(1000, "x"));
      await run(async () => {
        await using opened = await open(path);
        let read = 0;
        for await (const chunk of opened.chunks({ size: 100, readAhead })) {
          read += chunk.length;
          if (read === 300) truncateSync(path, 350);
        }
        // What was read ahead may be from before; nothing comes after that.
        expect(read).toBeGreaterThanOrEqual(350);
        expect(read).toBeLessThanOrEqual(300 + 100 * readAhead + 50);
        expect((await opened.read()).length).toBe(0);
      });
    },
  );
});
