/**
 * `npm run bench`: brio beside what a user would pick instead. `--help` says what it can do, docs/performance.md how
 * it measures.
 */
import { writeFileSync } from "node:fs";
import { rows } from "./groups/index.ts";
import { compareRow, type Failure } from "./harness/compare.ts";
import { growRow, growthLimit } from "./harness/growth.ts";
import { needsMet, whyMissing } from "./harness/needs.ts";
import { help, type Options, parseOptions, UsageError } from "./harness/options.ts";
import { writeComparison, writeGrowth } from "./harness/publish.ts";
import {
  type GrowthResults,
  type GrowthRow,
  growth,
  type ResultRow,
  type Results,
} from "./harness/results.ts";
import type { Row } from "./harness/row.ts";
import { findPython, isHere, type Python, processor, versionOf } from "./harness/system.ts";
import { growthBlock, rowBlock } from "./harness/terminal.ts";

const header = { node: process.version, cpu: processor(), date: new Date().toISOString() };

async function compare(options: Options, python: Python | undefined): Promise<readonly Failure[]> {
  const results: ResultRow[] = [];
  const allFailures: Failure[] = [];
  for (const row of options.rows) {
    const { result, failures } = await compareRow(row, options.peers, options.effort, python);
    results.push(result);
    allFailures.push(...failures);
    console.log(rowBlock(row, result, failures));
  }
  const found: Results = { ...header, rows: results };
  save(options, found);
  if (options.write) writeComparison(found, rows, (peer) => versionOf(peer, python));
  return allFailures;
}

async function grow(options: Options, python: Python | undefined): Promise<readonly Failure[]> {
  const results: GrowthRow[] = [];
  const allFailures: Failure[] = [];
  for (const row of options.rows) {
    const grown = await growRow(row, options.peers, options.effort, python);
    results.push(...grown.rows);
    allFailures.push(...grown.failures);
    for (const each of grown.rows) console.log(growthBlock(each));
  }
  const found: GrowthResults = { ...header, rows: results };
  save(options, found);
  if (options.write) writeGrowth(found, rows);
  if (results.some((row) => row.peer === "brio" && growth(row) > growthLimit)) process.exitCode = 1;
  return allFailures;
}

function save({ json }: Options, found: Results | GrowthResults): void {
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(found, null, 2)}\n`);
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2), rows);
  if (options.help) {
    console.log(help(rows));
    return;
  }
  const python = findPython();
  const peers = options.peers.filter((peer) => isHere(peer, python));
  const missing = options.peers.filter((peer) => !peers.includes(peer));
  console.log(`Node ${process.version} on ${header.cpu}`);
  console.log(peers.map((peer) => `${peer} ${versionOf(peer, python)}`).join(", "));
  if (missing.length > 0) console.log(`Not here: ${missing.join(", ")}`);
  console.log();
  const begin = performance.now();
  const met = await needsMet(options.rows.flatMap(({ needs }) => needs ?? []));
  const possible: Row[] = [];
  for (const row of options.rows) {
    if (row.needs === undefined || met.has(row.needs)) possible.push(row);
    else console.log(`${row.name} is left out: ${whyMissing(row.needs)}\n`);
  }
  const run = options.growth ? grow : compare;
  const failures = await run({ ...options, rows: possible, peers }, python);
  console.log(`${Math.round((performance.now() - begin) / 1000)} s`);
  if (failures.length > 0) {
    console.error(`${failures.length} cells failed:`);
    for (const { row, peer, message } of failures) console.error(`  ${row}, ${peer}: ${message}`);
    process.exitCode = 1;
  }
}

try {
  await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
