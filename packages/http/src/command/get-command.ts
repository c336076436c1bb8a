import { readFileSync } from "node:fs";
import process from "node:process";
import { text as textOf } from "node:stream/consumers";
import { CancelledError, interruptible, run } from "brio";
import { readFile } from "brio/files";
import { HttpClient } from "../client/http-client.ts";
import { type DownloadItem, type DownloadOutcome, downloadAll } from "../download/download-all.ts";
import type { DownloadEvent } from "../download/options.ts";
import { type Command, commandOf, itemsOf, USAGE, UsageError } from "./arguments.ts";
import { bytes, Display } from "./display.ts";

/** What `brio-get` does. Sets the exit code. */
export async function getCommand(args: readonly string[]): Promise<void> {
  try {
    const command = commandOf(args);
    if (command.do === "print") console.log(command.what === "usage" ? USAGE : version());
    else await run(() => get(command));
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(`brio-get: ${error.message}\n\n${USAGE}`);
      process.exitCode = 2;
      return;
    }
    // `run` has set the signal's exit code.
    if (!(error instanceof CancelledError)) process.exitCode = 1;
    console.error(
      `brio-get: ${error instanceof CancelledError ? "stopped; what has come is kept" : told(error)}`,
    );
  }
}

async function get(command: Extract<Command, { do: "download" }>): Promise<void> {
  const items = [...command.items, ...(await listed(command.input))];
  if (items.length === 0) throw new UsageError(`there are no URLs in ${command.input}`);
  const reporter = new Reporter(command, items.length);
  const begun = performance.now();
  let outcomes: DownloadOutcome[];
  try {
    await using client = clientFor(command);
    outcomes = await started(() =>
      downloadAll(items, { ...command.options, client, onEvent: (event) => reporter.see(event) }),
    );
  } finally {
    reporter.end();
  }
  reporter.sumUp(outcomes, performance.now() - begun);
  if (outcomes.some(({ ok }) => !ok)) process.exitCode = 1;
}

/** What is refused before anything begins is wrong usage. */
async function started<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) throw new UsageError(error.message);
    throw error;
  }
}

function clientFor({ client }: Extract<Command, { do: "download" }>): HttpClient {
  try {
    return new HttpClient(client);
  } catch (error) {
    throw new UsageError((error as Error).message); // what the constructor throws
  }
}

async function listed(input: string | null): Promise<DownloadItem[]> {
  if (input === null) return [];
  return itemsOf(input === "-" ? await interruptible(textOf(process.stdin)) : await readFile(input, "utf8"));
}

/** Tells what happens: with bars on a terminal, with lines elsewhere, or in JSON. */
class Reporter {
  private readonly json: boolean;
  private readonly quiet: boolean;
  private readonly count: number;
  private readonly display: Display | null;
  private done = 0;
  private failed = 0;
  private received = 0;

  constructor({ json, quiet }: { json: boolean; quiet: boolean }, count: number) {
    this.json = json;
    this.quiet = quiet;
    this.count = count;
    this.display =
      process.stderr.isTTY && !quiet
        ? new Display(() => `${this.done + this.failed} of ${this.count} files, ${bytes(this.received)}`)
        : null;
  }

  see(event: DownloadEvent): void {
    const { url } = event;
    if (event.type === "done") {
      const { path, bytes: size, skipped } = event.result;
      this.done++;
      this.received += size;
      if (this.json) console.log(JSON.stringify({ ok: true, ...event.result, url }));
      if (!this.quiet) this.say(skipped ? `${path}: is there already` : `${path}: ${bytes(size)}`);
    } else if (event.type === "failed") {
      this.failed++;
      if (this.json) console.log(JSON.stringify({ ok: false, url, ...errorData(event.error) }));
      this.say(`failed: ${told(event.error)}`);
    }
    this.display?.see(event);
  }

  end(): void {
    this.display?.end();
  }

  sumUp(outcomes: readonly DownloadOutcome[], duration: number): void {
    const results = outcomes.flatMap((outcome) => (outcome.ok ? [outcome.result] : []));
    const size = results.reduce((sum, result) => sum + result.bytes, 0);
    const failed = outcomes.length - results.length;
    const skipped = results.filter((result) => result.skipped).length;
    if (this.json) {
      const files = results.length - skipped;
      console.log(
        JSON.stringify({ summary: { files, skipped, failed, bytes: size, duration: Math.round(duration) } }),
      );
    }
    if (this.quiet) return;
    const rest = [skipped > 0 ? `${skipped} skipped` : "", failed > 0 ? `${failed} failed` : ""].filter(
      Boolean,
    );
    const speed = bytes(Math.round((size / Math.max(duration, 1)) * 1000));
    const files = `${results.length - skipped} ${results.length - skipped === 1 ? "file" : "files"}`;
    console.error(
      [`${files}, ${bytes(size)} in ${(duration / 1000).toFixed(1)} s (${speed}/s)`, ...rest].join(", "),
    );
  }

  private say(text: string): void {
    if (this.display !== null) this.display.print(text);
    else if (!this.json) console.error(text);
  }
}

function errorData(error: unknown): object {
  const {
    name = "Error",
    message = String(error),
    code,
    status,
  } = error as Error & { code?: string; status?: number };
  return { error: name, message, code, status };
}

/** What happened, without what the server said to it. */
function told(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/; its body begins with:\n[\s\S]*$/, "").split("\n", 1)[0] ?? "";
}

/** That of the package: two folders up, of the sources as of what is built. */
function version(): string {
  const manifest = new URL("../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version; // packages have one
}
