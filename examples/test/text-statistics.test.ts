import { mkdir, mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "brio";
import { InlineExecutor } from "brio/threads";
import { expect, test } from "vitest";
import { statistics } from "../14-text-statistics/main.ts";
import { Program } from "./program.ts";

const TEXTS = {
  "one.md": "One two. Two three three.\nThree!\n",
  "more/two.md": "two\n",
  "more/empty.md": "",
  "more/three.txt": "not to be counted",
};

async function withTexts(test: (folder: string) => Promise<void>): Promise<void> {
  await using folder = await mkdtempDisposable(join(tmpdir(), "brio-texts-test-"));
  await mkdir(join(folder.path, "more"));
  for (const [path, text] of Object.entries(TEXTS)) await writeFile(join(folder.path, path), text);
  await test(folder.path);
}

test("14-text-statistics counts each file once", async () => {
  await withTexts(async (folder) => {
    await run(async () => {
      await using executor = new InlineExecutor();
      const { files, words, of } = await statistics(executor, folder, ".md");
      expect(files.map(({ lines, words, sentences }) => [lines, words, sentences])).toEqual([
        [2, 6, 3],
        [1, 1, 1],
        [0, 0, 0],
      ]);
      expect(words).toBe(7);
      expect([...of].sort()).toEqual([
        ["one", 1],
        ["three", 3],
        ["two", 3],
      ]);
    });
  });
});

test("14-text-statistics says the same with threads", async () => {
  await withTexts(async (folder) => {
    await using program = new Program("14-text-statistics/main.ts", [folder, "--executor", "threads:2"]);
    const { code, lines, stderr } = await program.ended();
    expect(stderr).toBe("");
    expect(lines.at(-2)).toBe("most often: three (3), two (3), one (1)");
    expect(lines.at(-1)).toMatch(/^3 texts, 7 words, 3 different ones, in \d+\.\d\d s$/);
    expect(code).toBe(0);
  });
});

test("14-text-statistics: a folder that is not there", async () => {
  await withTexts(async (folder) => {
    await using program = new Program("14-text-statistics/main.ts", [join(folder, "none")]);
    const { code, stderr } = await program.ended();
    expect(stderr).toContain("ENOENT");
    expect(code).toBe(1);
  });
});
