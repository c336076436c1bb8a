/*
 * What the package's entry files export, and the doc comments of it, read from the text. That is enough: the sources
 * are formatted, so a declaration begins its line and its comment ends on the line before.
 */
import { posix } from "node:path";
import { commentsOnly, read } from "./snippets.ts";

export interface PublicName {
  readonly name: string;
  /** Where it is declared: `packages/brio/src/compose/sleep.ts`. */
  readonly file: string;
  readonly kind: "class" | "function" | "const" | "type";
  /** From the keyword to the end of the signature or head. */
  readonly head: string;
  /** The text of its doc comment; empty if it has none. */
  readonly doc: string;
  /** Of a class: what can be used from outside. */
  readonly members: readonly Member[];
}

export interface Member {
  readonly name: string;
  readonly head: string;
  readonly doc: string;
}

const ENTRIES = [
  "packages/brio/src/index.ts",
  "packages/brio/src/files/index.ts",
  "packages/brio/src/inspect/index.ts",
  "packages/brio/src/streams/index.ts",
  "packages/brio/src/subprocess/index.ts",
  "packages/brio/src/testing/index.ts",
  "packages/brio/src/threads/index.ts",
  "packages/distributed/src/index.ts",
  "packages/http/src/index.ts",
  "packages/http/src/download/index.ts",
  "packages/http/src/express/index.ts",
  "packages/http/src/fastify/index.ts",
  "packages/http/src/hono/index.ts",
  "packages/sql/src/index.ts",
  "packages/sql/src/mysql/index.ts",
  "packages/sql/src/postgres/index.ts",
  "packages/sql/src/sqlite/index.ts",
];

/** Each once, also what several entries export. */
export function publicNames(): PublicName[] {
  const all = ENTRIES.flatMap((entry) => {
    const text = read(entry);
    return [...text.matchAll(/export (type )?\{([^}]*)\} from "([^"]+)"/g)].flatMap(([, , names, from]) => {
      const file = posix.join(posix.dirname(entry), from as string);
      return (names as string)
        .split(",")
        .map((name) => name.trim().replace(/^type /, ""))
        .filter((name) => name !== "")
        .map((name) => declaration(file, name.replace(/ as .*/, "")));
    });
  });
  return [...new Map(all.map((name) => [`${name.file} ${name.name}`, name])).values()];
}

const KINDS: Readonly<Record<string, PublicName["kind"]>> = {
  class: "class",
  function: "function",
  const: "const",
  type: "type",
  interface: "type",
};

function declaration(file: string, name: string): PublicName {
  const lines = read(file).split("\n");
  const pattern = new RegExp(
    `^export (?:async |abstract )?(class|function|const|type|interface)\\*? ${name}\\b(?!\\.)`,
  );
  const at = lines.findIndex((line) => pattern.test(line));
  if (at < 0) throw new Error(`${file} does not declare ${name} where it is looked for`);
  const kind = KINDS[pattern.exec(lines[at] as string)?.[1] as string] as PublicName["kind"]; // one of the alternatives
  return {
    name,
    file,
    kind,
    head: headAt(lines, at),
    doc: docBefore(lines, at),
    members: kind === "class" ? membersOf(lines, at) : [],
  };
}

/** The lines of a declaration up to its body, or up to its end if it has none. */
function headAt(lines: readonly string[], at: number): string {
  const end = lines.findIndex((line, index) => index >= at && /[{;]$/.test(line));
  return lines.slice(at, end + 1).join("\n");
}

function docBefore(lines: readonly string[], at: number): string {
  let end = at;
  while (/^\s*\/\/ biome-ignore/.test(lines[end - 1] ?? "")) end--;
  if (!/\*\/$/.test(lines[end - 1] ?? "")) return "";
  let start = end - 1;
  while (!/^\s*\/\*/.test(lines[start] ?? "/*")) start--;
  const text = lines.slice(start, end);
  if (!/^\s*\/\*\*/.test(text[0] as string)) return "";
  if (text.length === 1) return (text[0] as string).replace(/^\s*\/\*\* ?| ?\*\/$/g, "");
  return commentsOnly(text.join("\n")).trim();
}

const MEMBER =
  /^ {2}(?!private |protected |readonly #|#|\/|\*| )(?:override |readonly |static |async |get |set |\*)*(\[?[\w.]+\]?)[(<:?=! ]/;

function membersOf(lines: readonly string[], classAt: number): Member[] {
  const end = lines.findIndex((line, at) => at > classAt && line === "}");
  const members = new Map<string, Member>();
  const body = classAt + headAt(lines, classAt).split("\n").length;
  for (let at = body; at < end; at++) {
    const name = MEMBER.exec(lines[at] as string)?.[1];
    // The first of several overloads, or of a getter and its setter, has the comment.
    if (name === undefined || members.has(name)) continue;
    members.set(name, { name, head: headAt(lines, at), doc: docBefore(lines, at) });
  }
  return [...members.values()];
}
