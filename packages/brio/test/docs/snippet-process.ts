/*
 * Runs snippets one after the other in this process, and writes what happens to file descriptor 3, a line of JSON for
 * each event. Node loads a snippet as if it stood in a file at the place of its document, so that "brio" is found and a
 * stack names the document and its line.
 */
import { writeSync } from "node:fs";
import { registerHooks } from "node:module";
import { join } from "node:path";
import process from "node:process";
import { text } from "node:stream/consumers";
import { setImmediate } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { format } from "node:util";
import type { Snippet } from "./snippets.ts";

export type SnippetEvent =
  | { readonly type: "begin"; readonly index: number }
  | { readonly type: "out"; readonly text: string; readonly line: number | null }
  | { readonly type: "err"; readonly text: string }
  | { readonly type: "fail"; readonly message: string }
  | { readonly type: "end" };

function tell(event: SnippetEvent): void {
  writeSync(3, `${JSON.stringify(event)}\n`);
}

const { root, snippets } = JSON.parse(await text(process.stdin)) as {
  root: string;
  snippets: readonly Snippet[];
}; // as snippet-runs.ts writes it

const sources = new Map<string, string>();

registerHooks({
  resolve: (specifier, context, next) =>
    sources.has(specifier)
      ? { url: specifier, format: "module-typescript", shortCircuit: true }
      : next(specifier, context),
  load: (url, context, next) => {
    const source = sources.get(url);
    return source === undefined
      ? next(url, context)
      : { format: "module-typescript", source, shortCircuit: true };
  },
});

let current = "";

/** The line of the snippet that called console.log. */
function callingLine(): number | null {
  const frame = (new Error().stack ?? "").split("\n").find((each) => each.includes(current));
  const line = frame === undefined ? undefined : /:(\d+):\d+\)?$/.exec(frame)?.[1];
  return line === undefined ? null : Number(line);
}

console.log = (...args: unknown[]): void =>
  tell({ type: "out", text: `${format(...args)}\n`, line: callingLine() });
console.error = (...args: unknown[]): void => tell({ type: "err", text: `${format(...args)}\n` });
process.stdout.write = (text: string | Uint8Array): boolean => {
  tell({ type: "out", text: String(text), line: null });
  return true;
};
process.stderr.write = (text: string | Uint8Array): boolean => {
  tell({ type: "err", text: String(text) });
  return true;
};

const EVENTS = ["SIGINT", "SIGTERM", "beforeExit", "exit", "uncaughtExceptionMonitor"] as const;

function listeners(): string {
  return EVENTS.map((event) => `${event}: ${process.listenerCount(event)}`).join(", ");
}

async function runOne(snippet: Snippet): Promise<void> {
  const url = new URL(pathToFileURL(join(root, snippet.file)));
  url.searchParams.set("line", String(snippet.line));
  current = url.href;
  sources.set(current, `${"\n".repeat(snippet.line - 1)}${snippet.code}`);
  const before = listeners();
  if (snippet.exit !== null) {
    await import(current);
    return;
  }
  const failed = (error: unknown): void => tell({ type: "fail", message: format(error) });
  process.on("unhandledRejection", failed);
  try {
    await import(current);
    // For whatever it has not awaited.
    await setImmediate();
  } catch (error) {
    failed(error);
  }
  process.off("unhandledRejection", failed);
  if (process.exitCode !== undefined) failed(`it left process.exitCode at ${process.exitCode}`);
  process.exitCode = undefined;
  if (listeners() !== before) failed(`it left listeners behind: before ${before}; after ${listeners()}`);
}

for (const [index, snippet] of snippets.entries()) {
  tell({ type: "begin", index });
  await runOne(snippet);
  tell({ type: "end" });
}
