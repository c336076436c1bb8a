#!/usr/bin/env node
/**
 * `npm run -s replay -- [--cancellation once] FILE…`: runs scenarios on brio and prints one line for
 * each: its trace as JSON, or `{"error": …}`. Exit status 1 when a file can't be read.
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { readLines, scenarioOf } from "./files.ts";
import { type Cancellation, interpret, type Result } from "./interpret.ts";

const usage =
  "usage: npm run -s replay -- [--cancellation sticky|once] FILE…   (.json, .jsonl, .jsonl.gz, - for stdin)";

function options(): { cancellation: Cancellation; files: string[] } {
  const { values, positionals } = parseArgs({
    options: { cancellation: { type: "string", default: "sticky" } },
    allowPositionals: true,
  });
  const { cancellation } = values;
  if (cancellation !== "sticky" && cancellation !== "once") {
    throw new TypeError(`--cancellation is "sticky" or "once", not ${JSON.stringify(cancellation)}`);
  }
  if (positionals.length === 0) throw new TypeError("no FILE given");
  return { cancellation, files: positionals };
}

function show(result: Result): string {
  if ("error" in result) return JSON.stringify(result);
  for (const reason of result.unhandled) console.error(`unhandled rejection: ${reason}`);
  return JSON.stringify(result.trace);
}

async function main(): Promise<number> {
  let status = 0;
  const { cancellation, files } = options();
  for (const file of files) {
    try {
      for (const line of await readLines(file)) {
        const result = "error" in line ? line : await interpret(scenarioOf(line.json), cancellation);
        process.stdout.write(`${show(result)}\n`);
      }
    } catch (error) {
      console.error(`${file}: ${error instanceof Error ? error.message : error}`);
      status = 1;
    }
  }
  return status;
}

// Whoever reads only the first lines closes the pipe.
process.stdout.on("error", () => process.exit(0));
let status: number;
try {
  status = await main();
} catch (error) {
  console.error(`${error instanceof Error ? error.message : error}\n${usage}`);
  status = 2;
}
// A scenario that hung may have left something behind that keeps the process alive.
process.stdout.write("", () => process.exit(status));
