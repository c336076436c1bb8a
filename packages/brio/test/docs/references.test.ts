// What the documents point to must be there: files, headings, npm scripts, names.
import { existsSync, globSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { publicNames } from "./public-exports.ts";
import { documents, read, root } from "./snippets.ts";

const exported = new Set(publicNames().map(({ name }) => name));

/** A document without its blocks of code. */
function prose(file: string): string {
  return read(file).replace(/^```.*?^```$/gms, "");
}

/** The anchors that GitHub makes of a document's headings. */
function anchors(file: string): Set<string> {
  const headings = [...prose(file).matchAll(/^#+ (.+)$/gm)].map(([, heading]) => heading as string);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}

test("links between documents lead somewhere", () => {
  const broken: string[] = [];
  for (const file of documents()) {
    for (const [, target] of prose(file).matchAll(/\]\(([^)]+)\)/g)) {
      const [path, anchor] = (target as string).split("#") as [string, string?];
      if (/^https?:/.test(path)) continue;
      const to = path === "" ? file : posix.join(posix.dirname(file), path);
      const there = existsSync(join(root, to)) && (anchor === undefined || anchors(to).has(anchor));
      if (!there) broken.push(`${file}: ${target}`);
    }
  }
  expect(broken).toEqual([]);
});

test("every page of the guide can be found from its first page", () => {
  const linked = new Set([...prose("docs/README.md").matchAll(/\]\(([\w-]+\.md)/g)].map(([, page]) => page));
  const pages = documents().flatMap((file) => /^docs\/(?!README)(.+)$/.exec(file)?.[1] ?? []);
  expect(pages.filter((page) => !linked.has(page))).toEqual([]);
});

test("npm scripts that the documents name exist", () => {
  const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> }; // the repository's own
  const unknown = documents().flatMap((file) =>
    [...read(file).matchAll(/\bnpm (?:run (?:-s )?([\w:-]+)|(start|test)\b)/g)]
      .map(([, script, short]) => (script ?? short) as string) // one of the two matched
      .filter((script) => !(script in scripts))
      .map((script) => `${file}: ${script}`),
  );
  expect(unknown).toEqual([]);
});

test("what the README says is in the box is exported", () => {
  const box = /## What is in the box\n(.*?)\n## /s.exec(read("README.md"))?.[1] ?? "";
  const names = box
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .flatMap((line) => [...(line.split(" | ")[1] ?? "").matchAll(/`(\w[\w.]*)`/g)])
    .map(([, name]) => name as string);
  expect(names.length).toBeGreaterThan(30);
  expect(names.filter((name) => !exported.has(name) && name !== "task.cancel")).toEqual([]);
});

test("as many programs are recorded as the README says", () => {
  const claimed =
    /replays\s+more\s+than\s+([\d,]+)\s+small\s+programs/.exec(read("README.md"))?.[1] ?? "none";
  const recorded = globSync("conformance/recorded/*.jsonl.gz", { cwd: root })
    .map(
      (file) =>
        gunzipSync(readFileSync(join(root, file)))
          .toString()
          .trimEnd()
          .split("\n").length,
    )
    .reduce((sum, count) => sum + count, 0);
  expect(recorded).toBeGreaterThan(Number(claimed.replaceAll(",", "")));
});
