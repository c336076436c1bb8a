import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { serviceVariables } from "./services.ts";
import type { SnippetEvent } from "./snippet-process.ts";
import { root, type Snippet } from "./snippets.ts";

/** What happened when a snippet was run. */
export interface Run {
  readonly snippet: Snippet;
  /** All that it wrote to stdout. */
  output: string;
  /** What the lines of the file printed with console.log. */
  readonly printed: Map<number, string[]>;
  errors: string;
  readonly failures: string[];
  /** The code that its process ended with, if it had one of its own. */
  code: number | null;
}

const PROGRAM = fileURLToPath(new URL("./snippet-process.ts", import.meta.url));
/** A snippet that has said nothing for so long hangs. */
const SILENCE = 10_000;
const AT_ONCE = 2;

/** Runs snippets: those that may share a process in one for each processor, the others in processes of their own. */
export async function runSnippets(snippets: readonly Snippet[]): Promise<Map<Snippet, Run>> {
  const runs = new Map(snippets.map((snippet) => [snippet, fresh(snippet)]));
  const shared = snippets.filter(({ exit }) => exit === null);
  const jobs: Snippet[][] = [];
  for (let i = 0; i < AT_ONCE; i++) jobs.push(shared.filter((_, index) => index % AT_ONCE === i));
  jobs.push(...snippets.filter(({ exit }) => exit !== null).map((snippet) => [snippet]));
  const worker = async (): Promise<void> => {
    for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
      const rest = await runTogether(job, runs);
      if (rest.length > 0) jobs.push(rest);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return runs;
}

function fresh(snippet: Snippet): Run {
  return { snippet, output: "", printed: new Map(), errors: "", failures: [], code: null };
}

/** Runs snippets in one process. Returns those that were left when one of them ended it. */
async function runTogether(
  snippets: readonly Snippet[],
  runs: ReadonlyMap<Snippet, Run>,
): Promise<Snippet[]> {
  if (snippets.length === 0) return [];
  const child = spawn(process.execPath, ["--no-warnings", "--conditions=brio-source", PROGRAM], {
    cwd: root,
    env: { ...process.env, ...serviceVariables, NO_COLOR: "1" },
    stdio: ["pipe", "ignore", "pipe", "pipe"],
  });
  child.stdin?.end(JSON.stringify({ root, snippets }));
  let crash = "";
  child.stderr?.on("data", (chunk) => {
    crash += String(chunk);
  });
  let current: Run | null = null;
  let begun = 0;
  const hung = silence(child, () => {
    const where = current === null ? "after its last snippet" : "in this snippet";
    (current ?? (runs.get(snippets.at(-1) as Snippet) as Run)).failures.push(`the process hung ${where}`); // there is a last one
  });
  const closed = new Promise<number | null>((resolve) => child.on("close", resolve));
  // Piped by `stdio`.
  for await (const line of createInterface({ input: child.stdio[3] as Readable })) {
    hung.refresh();
    const event = JSON.parse(line) as SnippetEvent; // as snippet-process.ts writes it
    if (event.type === "begin") {
      begun = event.index + 1;
      current = runs.get(snippets[event.index] as Snippet) ?? null;
    } else if (event.type === "end") {
      current = null;
    } else if (current !== null) {
      note(current, event);
    }
  }
  const code = await closed;
  clearTimeout(hung);
  const [first] = snippets as [Snippet];
  const run = current ?? (runs.get(first) as Run); // each snippet has one
  if (first.exit !== null) run.code = code;
  else if (code !== 0) run.failures.push(`the process ended with ${code ?? "a signal"}: ${crash}`);
  return snippets.slice(Math.max(begun, 1));
}

/** A timer that is refreshed whenever the process speaks. */
function silence(child: ChildProcess, report: () => void): NodeJS.Timeout {
  return setTimeout(() => {
    report();
    child.kill("SIGKILL");
  }, SILENCE);
}

function note(run: Run, event: Exclude<SnippetEvent, { type: "begin" | "end" }>): void {
  if (event.type === "fail") run.failures.push(event.message);
  else if (event.type === "err") run.errors += event.text;
  else {
    run.output += event.text;
    if (event.line === null) return;
    const lines = run.printed.get(event.line) ?? [];
    lines.push(event.text.trimEnd());
    run.printed.set(event.line, lines);
  }
}
