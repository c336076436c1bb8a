import {
  type Inventory,
  type Row,
  readInventory,
  readRows,
  STATUSES,
  type Status,
  type TestFile,
  testsOf,
} from "./coverage-rows.ts";

/** What each `when` of the inventory means, in the order of the tables. */
const CHAPTERS: Readonly<Record<string, string>> = {
  now: "Covered now",
  threads: "Comes with brio/threads",
  inspect: "Comes with the rest of brio/inspect",
  cli: "Comes with the command line",
  never: "Can't apply",
};

type Tally = Record<Status, number>;

function tally(rows: readonly Row[]): Tally {
  const counts: Tally = { covered: 0, differs: 0, "n/a": 0 };
  for (const { status } of rows) counts[status]++;
  return counts;
}

interface Chapter {
  readonly file: TestFile;
  readonly rows: readonly Row[];
}

function chapters({ files }: Inventory): Chapter[] {
  return files.map((file) => ({ file, rows: (file.rows === undefined ? null : readRows(file.rows)) ?? [] }));
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string[] {
  const line = (cells: readonly (string | number)[]): string =>
    `| ${cells.map((cell) => String(cell).replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)];
}

function overview(all: readonly Chapter[]): string[] {
  const lines = all.map(({ file, rows }) => {
    const counts = tally(rows);
    const shown = file.when === "now" ? STATUSES.map((status) => counts[status]) : ["", "", ""];
    const name = file.when === "now" ? `[${file.file}](#${anchor(file.file)})` : file.file;
    return [name, file.methods, CHAPTERS[file.when] ?? file.when, ...shown, file.what];
  });
  return table(["file", "methods", "when", ...STATUSES, "what it is about, or why not"], lines);
}

/** As GitHub makes them. */
function anchor(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^\w -]/g, "")
    .replaceAll(" ", "-");
}

function totals(all: readonly Chapter[]): string[] {
  const ported = all.filter(({ file }) => file.when === "now");
  const counts = tally(ported.flatMap(({ rows }) => rows));
  const methods = (some: readonly Chapter[]): number => sum(some.map(({ file }) => file.methods));
  const later = all.filter(({ file }) => file.when !== "now" && file.when !== "never");
  const never = all.filter(({ file }) => file.when === "never");
  return [
    `${all.length} files, ${methods(all)} test methods: ${methods(ported)} in ${ported.length} files apply now, ` +
      `${methods(later)} in ${later.length} files come with other parts of brio, ` +
      `${methods(never)} in ${never.length} files can't apply.`,
    "",
    `Of the ${methods(ported)}: **${counts.covered} covered**, **${counts.differs} differ** on purpose, ` +
      `**${counts["n/a"]} have nothing to test** in TypeScript.`,
  ];
}

/** `packages/brio/test/sync/lock.test.ts > Lock > is fair`, as a link and a name. */
function link(test: string): string {
  const [path = "", ...titles] = test.split(" > ");
  const file = path.split("/").at(-1) ?? path;
  return `[${file.replace(".test.ts", "")}](../${path}): ${titles.join(" › ")}`;
}

function details({ file, rows }: Chapter): string[] {
  const lines = rows.map((row) => {
    const tests = testsOf(row).map(link);
    return [`\`${row.test}\``, row.status, [...(row.why ? [row.why] : []), ...tests].join("<br>")];
  });
  return [
    `## ${file.file}`,
    "",
    ...table(["CPython's test", "status", "brio's test, or why not"], lines),
    "",
  ];
}

/** COVERAGE.md as it should be. */
export function coveragePage(): string {
  const inventory = readInventory();
  const all = chapters(inventory);
  return [
    "# CPython's asyncio tests, and brio's",
    "",
    `What the test methods of CPython ${inventory.python}'s \`Lib/test/test_asyncio\` observe, expressed anew in brio's own tests. ` +
      "Written by `npm run coverage` from `coverage/*.json`; the tests check that every method has a row, " +
      "that every test named here exists, and that this page is up to date.",
    "",
    ...totals(all),
    "",
    ...overview(all),
    "",
    ...all.filter(({ file }) => file.when === "now").flatMap(details),
  ].join("\n");
}
