#!/usr/bin/env node
/**
 * `npm run -s replay:reader -- FILE…`: runs programs for a StreamReader and prints one line for each: its trace as JSON, or
 * `{"error": …}`. Exit status 1 when a file can't be read.
 */
import process from "node:process";
import { type Line, readLines, scenarioOf } from "./files.ts";
import { interpretReader, readerScenario } from "./reader.ts";

async function traceOf(line: Line): Promise<unknown> {
  if ("error" in line) return line;
  try {
    return await interpretReader(readerScenario(scenarioOf(line.json)), "sticky");
  } catch (error) {
    return { error: String(error) };
  }
}

const files = process.argv.slice(2);
if (files.length === 0) {
  console.error("usage: npm run -s replay:reader -- FILE…   (.json, .jsonl, .jsonl.gz, - for stdin)");
  process.exitCode = 2;
}
// Whoever reads only the first lines closes the pipe.
process.stdout.on("error", () => process.exit(0));
for (const file of files) {
  try {
    for (const line of await readLines(file))
      process.stdout.write(`${JSON.stringify(await traceOf(line))}\n`);
  } catch (error) {
    console.error(`${file}: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 1;
  }
}
