/**
 * What of CPython's own asyncio tests brio's tests cover: the inventory of their methods (`coverage/inventory.json`), and
 * for each of their files that can be ported now, one row per method (`coverage/<rows>.json`).
 */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** What becomes of one of CPython's test methods. */
export interface Row {
  /** `LockTests.test_acquire`. */
  readonly test: string;
  /** `differs`: brio does otherwise, on purpose. `n/a`: there is nothing to test in TypeScript. */
  readonly status: Status;
  /** Unless it can't apply: what shows it, or what brio does instead: `path/of/file.test.ts > describe > it`. */
  readonly by?: string | readonly string[];
  /** Why it differs, or can't apply. */
  readonly why?: string;
}

export const STATUSES = ["covered", "differs", "n/a"] as const;
export type Status = (typeof STATUSES)[number];

/** One of CPython's test files. */
export interface TestFile {
  readonly file: string;
  /** How many test methods it has. */
  readonly methods: number;
  /** `now`, the part of brio it comes with, or `never`. */
  readonly when: string;
  /** What it is about; or, if never, why. */
  readonly what: string;
  /** The name of its table, if it is ported now. */
  readonly rows?: string;
  /** Its methods by class, if it is ported now. */
  readonly classes?: Readonly<Record<string, readonly string[]>>;
}

export interface Inventory {
  /** The version of CPython whose tests these are. */
  readonly python: string;
  readonly files: readonly TestFile[];
}

const folder = new URL("coverage/", import.meta.url);

function readJson(name: string): unknown {
  return JSON.parse(readFileSync(new URL(name, folder), "utf8"));
}

export function readInventory(): Inventory {
  return readJson("inventory.json") as Inventory; // ours; the tests check what matters of it
}

/** The file of a table, or null while there is none. */
export function readRows(name: string): readonly Row[] | null {
  if (!existsSync(fileURLToPath(new URL(`${name}.json`, folder)))) return null;
  return readJson(`${name}.json`) as readonly Row[]; // ours; `faults` checks it
}

/** `Class.method` of all test methods of a file that is ported now. */
export function methodsOf(file: TestFile): string[] {
  const classes = Object.entries(file.classes ?? {});
  return classes.flatMap(([name, methods]) => methods.map((method) => `${name}.${method}`));
}

export function testsOf({ by }: Row): readonly string[] {
  if (by === undefined) return [];
  return typeof by === "string" ? [by] : by;
}

/** What is wrong with the rows of a file, apart from whether brio's tests exist. */
export function faults(file: TestFile, rows: readonly Row[]): string[] {
  const found: string[] = [];
  const open = new Set(methodsOf(file));
  const seen = new Set<string>();
  for (const row of rows) {
    if (seen.has(row.test)) found.push(`${row.test} has two rows`);
    else if (!open.delete(row.test)) found.push(`${row.test} is no test method of ${file.file}`);
    seen.add(row.test);
    if (!STATUSES.includes(row.status)) found.push(`${row.test} has the unknown status ${row.status}`);
    if (row.status !== "n/a" && testsOf(row).length === 0) found.push(`${row.test} is shown by no test`);
    if (row.status !== "covered" && !row.why)
      found.push(`${row.test} does not say why it ${verb(row.status)}`);
  }
  for (const test of open) found.push(`${test} has no row`);
  return found;
}

function verb(status: Status): string {
  return status === "differs" ? "differs" : "can't apply";
}
