#!/usr/bin/env node
/**
 * `npm run conformance [-- --cancellation once|sticky|both] [--show N] [--file F]…`: replays recorded
 * scenarios and compares each actor's view with what CPython gave. What must agree: with `once`,
 * every robust scenario; with `sticky`, every robust one that doesn't rest on `once` delivery. Programs for a
 * StreamReader end with the first cancellation: both modes are the same to them.
 */
import { basename } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { agreement, differences } from "./compare.ts";
import { readLines } from "./files.ts";
import { type Cancellation, interpret } from "./interpret.ts";
import { isReaderProgram, replayReader } from "./reader.ts";
import { parseRecording, type Recording } from "./recording.ts";

const RECORDED = ["directed", "random", "wild", "reader"].map((name) =>
  fileURLToPath(new URL(`recorded/${name}.jsonl.gz`, import.meta.url)),
);

interface Tally {
  total: number;
  actor: number;
  strict: number;
}

const newTally = (): Tally => ({ total: 0, actor: 0, strict: 0 });

interface Failure {
  readonly title: string;
  readonly report: readonly string[];
}

const isRequired = ({ robust, once }: Recording, cancellation: Cancellation): boolean =>
  robust && (cancellation === "once" || !once);

/** Runs one recording and files it under `tally`; says what went wrong, if anything. */
async function check(recording: Recording, cancellation: Cancellation, tally: Tally): Promise<string[]> {
  tally.total += 1;
  const result = await interpret(recording.scenario, cancellation);
  if ("error" in result) return [`error: ${result.error}`];
  if (result.unhandled.length > 0) return result.unhandled.map((reason) => `unhandled rejection: ${reason}`);
  const level = agreement(recording.trace, result.trace);
  if (level === "strict") tally.strict += 1;
  if (level !== "none") {
    tally.actor += 1;
    return [];
  }
  const shown = differences(recording.trace, result.trace).slice(0, 3);
  return shown.map(
    ({ actor, index, expected, got }) =>
      `${actor}, its event ${index + 1}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(got)}`,
  );
}

async function replayFile(
  path: string,
  cancellation: Cancellation,
): Promise<{ required: Tally; failures: Failure[] }> {
  const [required, rest] = [newTally(), newTally()];
  const failures: Failure[] = [];
  for (const [i, line] of (await readLines(path)).entries()) {
    if (isReaderProgram(line)) {
      required.total += 1;
      const report = await replayReader(line.json, cancellation);
      if (report.length > 0) failures.push({ title: `${cancellation} ${basename(path)}:${i + 1}`, report });
      else required.actor = required.strict += 1;
      continue;
    }
    const recording = parseRecording(line, `${basename(path)}:${i + 1}`);
    if (!isRequired(recording, cancellation)) {
      await check(recording, cancellation, rest);
      continue;
    }
    const report = await check(recording, cancellation, required);
    if (report.length > 0) failures.push({ title: `${cancellation} ${recording.title}`, report });
  }
  const percent = ({ total, actor, strict }: Tally): string =>
    `${actor} of ${total} agree (${strict} strictly)`;
  console.log(
    `${cancellation.padEnd(6)} ${basename(path)}: ${percent(required)}; of the rest ${percent(rest)}`,
  );
  return { required, failures };
}

function options(): { modes: readonly Cancellation[]; files: readonly string[]; show: number } {
  const { values } = parseArgs({
    options: {
      cancellation: { type: "string", default: "both" },
      show: { type: "string", default: "5" },
      file: { type: "string", multiple: true, default: RECORDED },
    },
  });
  const modes: Record<string, readonly Cancellation[]> = {
    once: ["once"],
    sticky: ["sticky"],
    both: ["once", "sticky"],
  };
  const chosen = modes[values.cancellation];
  if (chosen === undefined)
    throw new TypeError(`--cancellation is once, sticky or both, not ${values.cancellation}`);
  return { modes: chosen, files: values.file, show: Number(values.show) };
}

const { modes, files, show } = options();
let total = 0;
const failures: Failure[] = [];
for (const mode of modes) {
  for (const file of files) {
    const outcome = await replayFile(file, mode);
    total += outcome.required.total;
    failures.push(...outcome.failures);
  }
}
for (const { title, report } of failures.slice(0, show))
  console.log([`-- ${title}`, ...report].join("\n   "));
if (failures.length > show) console.log(`-- and ${failures.length - show} more (--show N)`);
console.log(`${total - failures.length} passed, ${failures.length} failed`);
// A scenario that hung may have left something behind that keeps the process alive.
process.exit(failures.length > 0 ? 1 : 0);
