// What it came to.
import { bytes, messageOf, seconds, styled } from "./format.ts";
import { gantt } from "./gantt.ts";
import type { Pass } from "./pass.ts";

interface Column {
  readonly title: string;
  readonly left?: boolean;
  cell(pass: Pass, slowest: Pass): string;
}

const BAR = 30;

const COLUMNS: readonly Column[] = [
  { title: "", left: true, cell: ({ label }) => label },
  { title: "time", cell: ({ time }) => seconds(time) },
  { title: "", left: true, cell: ({ time }, slowest) => "█".repeat(Math.ceil((time / slowest.time) * BAR)) },
  { title: "files", cell: ({ verdict, outcomes }) => `${verdict.files} of ${outcomes.length}` },
  { title: "SHA-256 verified", cell: ({ verdict }) => bytes(verdict.bytes) },
  {
    title: "failed tries",
    cell: ({ outcomes }) => String(outcomes.flatMap(({ failures }) => failures).length),
  },
];

export function table(passes: readonly Pass[]): string {
  const slowest = passes.reduce((a, b) => (a.time >= b.time ? a : b));
  const columns = COLUMNS.map(({ title, left, cell }) => {
    const cells = [title, ...passes.map((pass) => cell(pass, slowest))];
    const width = Math.max(...cells.map((text) => text.length));
    return cells.map((text) => (left ? text.padEnd(width) : text.padStart(width)));
  });
  const [head = "", ...rows] = [0, ...passes.keys()].map((_, row) =>
    columns.map((cells) => cells[row]).join("  "),
  );
  return [styled("bold", head), ...rows].join("\n");
}

/** Prints it; true if everything is as it should be. */
export function report(slow: Pass, fast: Pass): boolean {
  console.log(`${table([slow, fast])}\n`);
  console.log(`Speed-up: ${styled("bold", `${(slow.time / fast.time).toFixed(1)}x`)}\n`);
  console.log(`Who ran when, together (${styled("red", "×")}: an attempt failed)\n${gantt(fast.outcomes)}\n`);
  for (const { wanted, failures, error } of fast.outcomes) {
    if (error !== null)
      console.log(`${wanted.name} was given up after ${failures.length} attempts: ${messageOf(error)}`);
  }
  const problems = [slow, fast].flatMap(({ label, verdict }) =>
    verdict.problems.map((problem) => `${label}: ${problem}`),
  );
  for (const problem of problems) console.log(styled("red", problem));
  if (problems.length === 0)
    console.log("Everything that can be had has arrived, and no partial file is left.");
  return problems.length === 0;
}
