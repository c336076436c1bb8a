/**
 * Replays the recorded scenarios and runs the smoke program on every runtime that brio supports, against
 * the JavaScript that would be published.
 *
 * `npm run runtimes` for all; `npm run runtimes -- node-20 deno` for some.
 */
import { cpSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../layers.ts";
import { ended, output, outsideEnvironment } from "../processes.ts";
import { fetchRuntime, type Runtime, runtimes } from "./fetch.ts";

const cache = join(root, "node_modules/.cache/brio-runtimes");
const program = join(cache, "program");
const programs = {
  smoke: "scripts/runtimes/smoke.js",
  conformance: "conformance/conformance.js",
};
/** Ends a program that hangs. */
const limit = 10 * 60_000;

interface Result {
  readonly passed: number;
  readonly failed: number;
  readonly seconds: number;
  /** What the program printed, when it failed. */
  readonly complaint?: string;
}

build();
const wanted = process.argv.slice(2);
const chosen = runtimes.filter(
  ({ name, version }) => wanted.length === 0 || wanted.some((word) => `${name}-${version}`.startsWith(word)),
);
if (chosen.length === 0) {
  const names = runtimes.map(({ name, version }) => `${name}-${version}`).join(", ");
  throw new Error(`No runtime is called ${wanted.join(" or ")}; there are ${names}`);
}

const titles = ["runtime", ...Object.keys(programs)];
const rows: string[][] = [];
const complaints: string[] = [];
let passed = 0;
let failed = 0;
for (const runtime of chosen) {
  const binary = fetchRuntime(runtime, cache);
  const row = [versionOf(runtime, binary)];
  for (const [name, file] of Object.entries(programs)) {
    const result = await attempt(runtime, binary, file);
    passed += result.passed;
    failed += result.failed;
    row.push(`${result.passed} passed, ${result.failed} failed (${result.seconds.toFixed(1)} s)`);
    if (result.complaint !== undefined) complaints.push(`== ${name} on ${row[0]}\n${result.complaint}`);
  }
  rows.push(row);
  console.error(row.join("  "));
}

for (const complaint of complaints) console.log(complaint);
const widths = titles.map((title, column) =>
  Math.max(...[title, ...rows.map((row) => row[column] ?? "")].map((cell) => cell.length)),
);
for (const row of [titles, ...rows]) {
  console.log(
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

/** Compiles the packages, the conformance suite and the smoke program. */
function build(): void {
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  rmSync(program, { recursive: true, force: true });
  mkdirSync(join(program, "conformance"), { recursive: true });
  output(process.execPath, ["scripts/build.ts"], { cwd: root, shell: false });
  output(process.execPath, [tsc, "-p", "scripts/runtimes"], { cwd: root, shell: false });
  writeFileSync(join(program, "package.json"), JSON.stringify({ type: "module" }));
  // A copy, as an install makes: Deno takes what lies under a node_modules folder for an installed package,
  // and doesn't follow a workspace link from there.
  for (const file of ["package.json", "dist"]) {
    cpSync(join(root, "packages/brio", file), join(program, "node_modules/brio", file), { recursive: true });
  }
  const recorded = join(root, "conformance/recorded");
  if (existsSync(recorded)) symlinkSync(recorded, join(program, "conformance/recorded"), "junction");
}

function versionOf(runtime: Runtime, binary: string): string {
  const [line = ""] = output(binary, ["--version"], { shell: false }).split("\n", 1);
  const version = /\d+\.\d+\.\d+/.exec(line)?.[0] ?? line;
  return `${runtime.name} ${version}`;
}

async function attempt(runtime: Runtime, binary: string, file: string): Promise<Result> {
  const { code, signal, text, seconds } = await ended(binary, [...runtime.args, join(program, file)], {
    cwd: root,
    env: outsideEnvironment(),
    limit,
  });
  const counts = [...text.matchAll(/^(\d+) passed, (\d+) failed/gm)].at(-1);
  if (counts !== undefined && (code === 0 || counts[2] !== "0")) {
    const result = { passed: Number(counts[1]), failed: Number(counts[2]), seconds };
    return result.failed === 0 ? result : { ...result, complaint: lastLines(text) };
  }
  const end = signal === null ? `exited with ${code}` : `was ended by ${signal}`;
  return { passed: 0, failed: 1, seconds, complaint: `${lastLines(text)}\n(the program ${end})` };
}

function lastLines(text: string): string {
  return text.trimEnd().split("\n").slice(-60).join("\n");
}
