import { readFile } from "node:fs/promises";
import { parseAst, transformWithEsbuild } from "vite";

/** A node of the syntax tree, as far as it matters here. */
interface Node {
  readonly type: string;
  readonly [key: string]: unknown;
}

const SUITES: readonly string[] = ["describe", "suite"];
const TESTS: readonly string[] = ["it", "test"];

/** Where a title has a value that only the running test knows. */
const ANYTHING = ".*";

function isNode(value: unknown): value is Node {
  return (
    typeof value === "object" && value !== null && typeof (value as { type?: unknown }).type === "string"
  );
}

/** `it` of `it(...)`, of `it.skipIf(x)(...)` and of `it.each(rows)(...)`. */
function calledName(callee: unknown): { name: string; each: boolean } | null {
  if (!isNode(callee)) return null;
  if (callee.type === "Identifier") return { name: String(callee.name), each: false };
  if (callee.type === "CallExpression" || callee.type === "TaggedTemplateExpression") {
    return calledName(callee.callee ?? callee.tag);
  }
  if (callee.type !== "MemberExpression" || !isNode(callee.property)) return null;
  const inner = calledName(callee.object);
  const each = ["each", "for"].includes(String(callee.property.name));
  return inner === null ? null : { name: inner.name, each: inner.each || each };
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/** The title as a pattern: what comes from rows and variables may be anything. */
function pattern(title: unknown, each: boolean): string {
  if (!isNode(title)) return ANYTHING;
  const text = (value: string): string => {
    if (!each) return escaped(value);
    const parts = value.split(/%%|%[sdifjoc#$]|\$[\w.]+/);
    return parts.map(escaped).join(ANYTHING);
  };
  if (title.type === "Literal" && typeof title.value === "string") return text(title.value);
  if (title.type !== "TemplateLiteral") return ANYTHING;
  const quasis = title.quasis as readonly { value: { cooked: string } }[]; // what a template literal is made of
  return quasis.map(({ value }) => text(value.cooked)).join(ANYTHING);
}

/** Patterns of the full names, `describe > it`, of the tests in a syntax tree. */
function collect(value: unknown, path: readonly string[], found: string[]): void {
  if (Array.isArray(value)) {
    for (const item of value) collect(item, path, found);
    return;
  }
  if (!isNode(value)) return;
  const called = value.type === "CallExpression" ? calledName(value.callee) : null;
  const args = (called === null ? [] : value.arguments) as readonly unknown[]; // a call has arguments
  const isTest = called !== null && TESTS.includes(called.name);
  const isSuite = called !== null && SUITES.includes(called.name);
  if (called === null || args.length < 2 || !(isTest || isSuite)) {
    for (const child of Object.values(value)) collect(child, path, found);
    return;
  }
  const inner = [...path, pattern(args[0], called.each)];
  if (isTest) found.push(inner.join(" > "));
  else collect(args.slice(1), inner, found);
}

/** Which full names (`describe > it`) the tests of a file have. */
export async function titlesIn(path: string): Promise<(name: string) => boolean> {
  const { code } = await transformWithEsbuild(await readFile(path, "utf8"), path, {
    target: "es2022",
    sourcemap: false,
  });
  const found: string[] = [];
  collect(parseAst(code), [], found);
  const patterns = found.map((source) => new RegExp(`^${source}$`, "s"));
  return (name) => patterns.some((title) => title.test(name));
}
