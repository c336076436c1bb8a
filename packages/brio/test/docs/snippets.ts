/*
 * Code blocks in the docs, and what is expected of them
 *
 * Every ```ts block in README.md, the packages' README.md and docs/, and every one after `@example` in a doc comment, is
 * a complete program: it is type-checked and run, and must end well and write nothing to stderr.
 *
 *   console.log(await task); // done          the comment is what this line prints
 *   console.log(name); // a, then b           ... each time it runs
 *   console.log(loop.time()); // about 1000   not compared; nor is `such as`
 *
 * A ```text output block that follows is all that the program prints; `…` in it stands for anything in a line. Words
 * after `ts` change what is expected:
 *
 *   ```ts fragment      a piece of a program: neither checked nor run
 *   ```ts types-only    checked, and not run: what Node's type stripping can't run, such as decorators
 *   ```ts exit=130      run in a process of its own, which must end with this code; its stderr is not looked at
 *   ```ts stderr        may write to stderr
 *   ```ts redis         run where a Redis answers (BRIO_REDIS_URL, by default redis://127.0.0.1:6379)
 *   ```ts postgres      run where PostgreSQL answers (BRIO_POSTGRES, by default 127.0.0.1:5432; as root, in database test)
 *   ```ts mysql         run where MySQL or MariaDB answers (BRIO_MYSQL, by default 127.0.0.1:3306; the same)
 */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root: string = fileURLToPath(new URL("../../../..", import.meta.url));

export interface Snippet {
  /** Relative to the root. */
  readonly file: string;
  /** The line of the file on which the code begins. */
  readonly line: number;
  readonly code: string;
  /** The words after `ts`. */
  readonly info: readonly string[];
  /** The exit code that is asked for, or null. */
  readonly exit: number | null;
  /** What a ```text output block says, or null. */
  readonly output: string | null;
  /** What each line with a comment prints, by line of the file. */
  readonly prints: ReadonlyMap<number, readonly string[]>;
}

const WORDS = /^(?:fragment|types-only|stderr|redis|postgres|mysql|exit=\d+)$/;

/** All code blocks, of documents and of doc comments. */
export function allSnippets(): Snippet[] {
  return [
    ...documents().flatMap((file) => snippetsOf(file, read(file))),
    ...globSync("packages/*/src/**/*.ts", { cwd: root })
      .sort()
      .flatMap((file) => snippetsOf(file, commentsOnly(read(file)))),
  ];
}

/** The documents, relative to the root. */
export function documents(): string[] {
  return ["README.md", ...globSync(["packages/*/README.md", "docs/**/*.md"], { cwd: root }).sort()];
}

export function read(file: string): string {
  return readFileSync(join(root, file), "utf8");
}

/** The text of doc comments, on the lines where it stands; everything else is blank. */
export function commentsOnly(source: string): string {
  let inside = false;
  return source
    .split("\n")
    .map((line) => {
      if (/^\s*\/\*\*/.test(line)) inside = true;
      const text = inside ? (/^\s*\* ?(?!\/)(.*)$/.exec(line)?.[1] ?? "") : "";
      if (line.includes("*/")) inside = false;
      return text;
    })
    .join("\n");
}

export function snippetsOf(file: string, text: string): Snippet[] {
  const found: Snippet[] = [];
  const lines = text.split("\n");
  for (let at = 0; at < lines.length; at++) {
    const opening = /^(\s*)```ts\b(.*)$/.exec(lines[at] as string);
    if (opening === null) continue;
    const indent = (opening[1] as string).length;
    const info = (opening[2] as string).split(/\s+/).filter((word) => word !== "");
    for (const word of info) {
      if (!WORDS.test(word)) throw new Error(`${file}:${at + 1}: unknown word after \`\`\`ts: ${word}`);
    }
    const { body, end } = block(lines, at, indent);
    const exit = info.map((word) => /^exit=(\d+)$/.exec(word)?.[1]).find((code) => code !== undefined);
    found.push({
      file,
      line: at + 2,
      code: body.join("\n"),
      info,
      exit: exit === undefined ? null : Number(exit),
      output: outputAfter(lines, end),
      prints: printsOf(body, at + 2),
    });
    at = end;
  }
  return found;
}

function block(lines: readonly string[], start: number, indent: number): { body: string[]; end: number } {
  const end = lines.findIndex((line, at) => at > start && /^\s*```\s*$/.test(line));
  return { body: lines.slice(start + 1, end).map((line) => line.slice(indent)), end };
}

function outputAfter(lines: readonly string[], end: number): string | null {
  const next = lines.findIndex((line, at) => at > end && line.trim() !== "");
  if (next < 0 || !/^\s*```text output\s*$/.test(lines[next] as string)) return null;
  return block(lines, next, 0).body.join("\n");
}

function printsOf(body: readonly string[], first: number): Map<number, string[]> {
  const prints = new Map<number, string[]>();
  body.forEach((line, index) => {
    const comment = /\bconsole\.log\(.*[;,)}] \/\/ (.+)$/.exec(line)?.[1];
    if (comment === undefined || /^(?:about|such as)\b/.test(comment)) return;
    prints.set(first + index, comment.split(/,? then /));
  });
  return prints;
}

/** Does a text agree with an expectation in which `…` stands for anything in a line? */
export function agrees(text: string, expected: string): boolean {
  const pattern = expected
    .trimEnd()
    .split("…")
    .map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"))
    .join(".*");
  return new RegExp(`^${pattern}$`).test(text.trimEnd());
}
