import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { coveragePage } from "../coverage-page.ts";
import {
  faults,
  methodsOf,
  type Row,
  readInventory,
  readRows,
  type TestFile,
  testsOf,
} from "../coverage-rows.ts";
import { titlesIn } from "./titles.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const inventory = readInventory();
const ported = inventory.files.filter((file) => file.when === "now");

function rowsOf(file: TestFile): readonly Row[] {
  return readRows(file.rows ?? "") ?? [];
}

describe("the inventory of CPython's tests", () => {
  it("has all 34 files, and 1361 methods", () => {
    expect(new Set(inventory.files.map(({ file }) => file)).size).toBe(34);
    expect(inventory.files.reduce((sum, { methods }) => sum + methods, 0)).toBe(1361);
  });

  it("names every method of the files that apply now, each once", () => {
    for (const file of ported) expect(new Set(methodsOf(file)).size, file.file).toBe(file.methods);
  });

  it("has a table for each file that applies now, and no other tables", () => {
    const tables = readdirSync(new URL("../coverage/", import.meta.url)).filter(
      (name) => name !== "inventory.json",
    );
    expect(tables.sort()).toEqual(ported.map(({ rows }) => `${rows}.json`).sort());
  });
});

describe.each(ported)("the table of $file", (file) => {
  it("has one sound row for each method", () => {
    expect(faults(file, rowsOf(file))).toEqual([]);
  });

  it("names only tests that exist", async () => {
    const missing: string[] = [];
    const known = new Map<string, (name: string) => boolean>();
    for (const row of rowsOf(file)) {
      for (const test of testsOf(row)) {
        const [path = "", ...titles] = test.split(" > ");
        if (!known.has(path))
          known.set(path, existsSync(root + path) ? await titlesIn(root + path) : () => false);
        if (!known.get(path)?.(titles.join(" > "))) missing.push(`${row.test}: ${test}`);
      }
    }
    expect(missing).toEqual([]);
  });
});

it("COVERAGE.md is up to date: run `npm run coverage`", () => {
  expect(readFileSync(new URL("../COVERAGE.md", import.meta.url), "utf8")).toBe(coveragePage());
});

describe("the checks of the tables", () => {
  const file: TestFile = {
    file: "test_x.py",
    methods: 2,
    when: "now",
    what: "",
    classes: { T: ["test_a", "test_b"] },
  };
  const sound: Row[] = [
    { test: "T.test_a", status: "covered", by: "x.test.ts > a" },
    { test: "T.test_b", status: "n/a", why: "no such thing" },
  ];

  it("find nothing in sound rows", () => {
    expect(faults(file, sound)).toEqual([]);
  });

  it.each<[string, Row[], string]>([
    ["a method without a row", sound.slice(0, 1), "T.test_b has no row"],
    ["a method with two rows", [...sound, ...sound.slice(0, 1)], "T.test_a has two rows"],
    [
      "a row for no method",
      [...sound, { test: "T.test_c", status: "covered", by: "x" }],
      "T.test_c is no test method",
    ],
    [
      "an unknown status",
      [...sound.slice(0, 1), { test: "T.test_b", status: "todo" as never }],
      "unknown status todo",
    ],
    [
      "a covered row without a test",
      [...sound.slice(1), { test: "T.test_a", status: "covered" }],
      "shown by no test",
    ],
    [
      "a difference that no test shows",
      [...sound.slice(1), { test: "T.test_a", status: "differs", why: "x" }],
      "shown by no test",
    ],
    [
      "a difference without a reason",
      [...sound.slice(1), { test: "T.test_a", status: "differs", by: "x" }],
      "why it differs",
    ],
    [
      "an n/a without a reason",
      [...sound.slice(0, 1), { test: "T.test_b", status: "n/a" }],
      "why it can't apply",
    ],
  ])("find %s", (_name, rows, message) => {
    expect(faults(file, rows).join("\n")).toContain(message);
  });

  it("know the titles of a test file: nested, from tables, and none that is not there", async () => {
    const has = await titlesIn(fileURLToPath(import.meta.url));
    expect(
      [
        "the checks of the tables > find nothing in sound rows",
        "the checks of the tables > find an unknown status",
        "the table of test_locks.py > names only tests that exist",
        "COVERAGE.md is up to date: run `npm run coverage`",
      ].map(has),
    ).toEqual([true, true, true, true]);
    expect(
      [
        "find nothing in sound rows",
        "the checks of the tables > finds nothing",
        "the checks of the tables",
      ].map(has),
    ).toEqual([false, false, false]);
  });
});
