import { expect, test } from "vitest";
import { allSnippets, read } from "./snippets.ts";

/** Blocks that begin with the name of a file show a part of it: it stands beside the document, in a folder of its name. */
const shown = allSnippets().flatMap(({ file, line, code }) => {
  const name = /^\/\/ (\w+\.ts)\n/.exec(code)?.[1];
  if (name === undefined || !file.startsWith("docs/")) return [];
  return [{ at: `${file}:${line}`, path: `${file.replace(/\.md$/, "")}/${name}`, code }];
});

test("what a document shows of a file is what stands there", () => {
  expect(shown.length).toBeGreaterThan(0);
  for (const { at, path, code } of shown) {
    const [, ...lines] = code.split("\n");
    const parts = lines
      .filter((line) => !line.startsWith("import "))
      .join("\n")
      .trim()
      .split("\n\nexport ");
    const text = read(path);
    for (const part of parts) expect(text, `${at} and ${path}`).toContain(part.trim());
  }
});
