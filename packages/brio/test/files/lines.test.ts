import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CancelledError, createTask, gather, run, sleep } from "brio";
import { open } from "brio/files";
import { Random } from "brio/testing";
import { describe, expect, test } from "vitest";
import { testFolder } from "./folder.ts";

function file(content: string | Uint8Array): string {
  const path = join(testFolder(), "file");
  writeFileSync(path, content);
  return path;
}

/** Lines of all lengths: many short ones, some that are longer than what is decoded or read at once; with both ends. */
function text(seed: number): { content: string; lines: string[]; starts: number[] } {
  const random = new Random(seed);
  const lines: string[] = [];
  const starts: number[] = [];
  let content = "";
  let bytes = 0;
  for (let i = 0; i < 600; i++) {
    const length = random.integer(i % 50 === 0 ? 30_000 : 60);
    const letter = random.pick(["x", "ä", "€", "𝄞", "\r."]);
    const line = letter.repeat(length / letter.length);
    lines.push(line);
    starts.push(bytes);
    const whole = line + random.pick(["\n", "\r\n"]);
    content += whole;
    bytes += Buffer.byteLength(whole);
  }
  return { content, lines, starts };
}

describe("lines of all lengths", () => {
  const { content, lines, starts } = text(7);

  test.each([1000, 4096, 8192, 65_536, undefined])(
    "come whole, read %s bytes at a time, and the position is before the next",
    async (size) => {
      const path = file(content);
      await run(async () => {
        await using opened = await open(path);
        for (const ask of [false, true]) {
          await opened.seek(0);
          const found: string[] = [];
          for await (const line of opened.lines({ size, readAhead: 2 })) {
            found.push(line);
            // Asked now and then: it is counted from where it was asked the last time.
            if (ask && found.length % 7 === 3) expect(opened.position).toBe(starts[found.length]);
          }
          expect(found.length).toBe(lines.length);
          expect(found.findIndex((line, i) => line !== lines[i])).toBe(-1);
          expect(opened.position).toBe(Buffer.byteLength(content));
        }
      });
    },
  );

  test("a loop that is left anywhere stands after its last line", async () => {
    const path = file(content);
    await run(async () => {
      await using opened = await open(path);
      const found: string[] = [];
      for (let count = 1; ; count = (count * 3) % 41) {
        let left = count;
        for await (const line of opened) {
          found.push(line);
          if (--left === 0) break;
        }
        if (left > 0) break;
        expect(opened.position).toBe(starts[found.length] ?? Buffer.byteLength(content));
      }
      expect(found).toEqual(lines);
    });
  });

  test("two loops over a file share its lines; each line is given once", async () => {
    const path = file(content);
    await run(async () => {
      await using opened = await open(path);
      const found: string[] = [];
      const loop = async (): Promise<void> => {
        for await (const line of opened.lines({ size: 1000 })) {
          found.push(line);
          if (found.length % 10 === 0) await sleep(0);
        }
      };
      await gather(loop, loop);
      expect([...found].sort()).toEqual([...lines].sort());
    });
  });
});

describe("among lines that are there already", () => {
  const numbers = Array.from({ length: 100 }, (_, i) => String(i).padStart(3, "0"));

  test("reading, seeking and appending take place where the loop is", async () => {
    const path = file(numbers.map((line) => `${line}\n`).join(""));
    await run(async () => {
      await using opened = await open(path, "r+");
      const lines = opened.lines();
      expect((await lines.next()).value).toBe("000");
      expect((await opened.read(4)).toString()).toBe("001\n");
      expect((await lines.next()).value).toBe("002");
      expect(String(opened)).toMatch(/ at 12>$/);
      await opened.seek(4, "current");
      expect((await lines.next()).value).toBe("004");
      await opened.write("xyz\n");
      expect((await lines.next()).value).toBe("006");
      await opened.seek(20);
      expect((await lines.next()).value).toBe("xyz");
      appendFileSync(path, "end\n");
      const rest: string[] = [];
      for await (const line of lines) rest.push(line);
      expect(rest.slice(-2)).toEqual(["099", "end"]);
    });
  });

  test("a cancelled task gets none of them, and no line is lost", async () => {
    const path = file(numbers.join("\n"));
    await run(async () => {
      await using opened = await open(path);
      const lines = opened.lines();
      const seen: string[] = [];
      const task = createTask(async () => {
        for await (const line of { [Symbol.asyncIterator]: () => ({ next: () => lines.next() }) }) {
          seen.push(line);
          if (seen.length === 5) task.cancel();
        }
      });
      await expect(task).rejects.toThrow(CancelledError);
      expect(seen).toEqual(numbers.slice(0, 5));
      expect(opened.position).toBe(20);
      expect((await lines.next()).value).toBe("005");
    });
  });
});

describe("the limit", () => {
  test.each([
    ["is for each line, without its end", "12345\n12345\r\n12345", 5, ["12345", "12345", "12345"]],
    ["is in bytes", "ää\n", 4, ["ää"]],
  ])("%s", async (_, content, limit, expected) => {
    const path = file(content);
    await run(async () => {
      await using opened = await open(path);
      for (const size of [1, 2, 7, 100]) {
        await opened.seek(0);
        const found: string[] = [];
        for await (const line of opened.lines({ limit, size })) found.push(line);
        expect(found).toEqual(expected);
      }
    });
  });

  test.each(["short\n123456\nend\n", "short\n12345ä\r\nend", "short\n123456"])(
    "holds however much is read at once: %j",
    async (content) => {
      const path = file(content);
      await run(async () => {
        await using opened = await open(path);
        for (const size of [1, 3, 8, 100]) {
          await opened.seek(0);
          const lines = opened.lines({ limit: 5, size });
          expect((await lines.next()).value).toBe("short");
          await expect(lines.next()).rejects.toThrow(
            /the line at byte 6 of .* longer than the limit of 5 bytes/,
          );
          expect(opened.position).toBe(6);
        }
      });
    },
  );
});

test("ascii: a byte that becomes a newline when it is decoded ends no line", async () => {
  const path = file(Uint8Array.of(0x61, 0x8a, 0x62, 0x0a, 0x63, 0x0a));
  await run(async () => {
    await using opened = await open(path);
    const found: string[] = [];
    for await (const line of opened.lines({ encoding: "ascii" })) found.push(line);
    expect(found).toEqual(["a\nb", "c"]);
  });
});

test("bytes that are no UTF-8 spoil their own line only", async () => {
  const path = file(
    Buffer.concat([Buffer.from("a"), Buffer.of(0xe2, 0x82), Buffer.from("\nb\n"), Buffer.of(0xff)]),
  );
  await run(async () => {
    await using opened = await open(path);
    const found: [string, number][] = [];
    for await (const line of opened) found.push([line, opened.position]);
    expect(found).toEqual([
      ["a\ufffd", 4],
      ["b", 6],
      ["\ufffd", 7],
    ]);
  });
});

test("partial: a line is kept until its end has come, and the position is before it", async () => {
  const path = file("one\ntw");
  await run(async () => {
    await using opened = await open(path);
    const lines = opened.lines({ partial: false });
    const found: string[] = [];
    for (const more of ["o", "\nthree\nfo", "ur", "\n"]) {
      for await (const line of lines) found.push(line);
      found.push(`at ${opened.position}`);
      appendFileSync(path, more);
    }
    for await (const line of lines) found.push(line);
    expect(found).toEqual(["one", "at 4", "at 4", "two", "three", "at 14", "at 14", "four"]);
    appendFileSync(path, "end");
    for await (const _ of lines) expect.unreachable();
    expect((await opened.read()).toString()).toBe("end");
  });
});
