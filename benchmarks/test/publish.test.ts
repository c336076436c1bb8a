import { expect, test } from "vitest";
import { rows } from "../groups/index.ts";
import { comparisonCharts, growthCharts } from "../harness/charts.ts";
import { between, caption, fullTable, growthTable, shortTable } from "../harness/markdown.ts";
import type { GrowthResults, Results } from "../harness/results.ts";

const cell = (median: number, min = median, max = median) => ({ median, min, max });
const header = { node: "v24.21.0", cpu: "A processor, 2 cores", date: "2026-01-02T03:04:05.000Z" };

const results: Results = {
  ...header,
  rows: [
    {
      row: "lock",
      group: "core",
      unit: "ns",
      better: "lower",
      cells: { brio: cell(200, 190, 230), asyncio: cell(1000), "p-limit": cell(300) },
    },
    { row: "size", group: "core", unit: "B", better: "lower", cells: { brio: cell(40_000) } },
  ],
};

const grown: GrowthResults = {
  ...header,
  rows: [
    {
      row: "lock",
      group: "core",
      unit: "ns",
      peer: "brio",
      steps: [
        { size: 1000, ...cell(100) },
        { size: 10_000, ...cell(170) },
      ],
    },
  ],
};

test("the short table has brio's figures, the others' ratios, and dashes", () => {
  expect(shortTable(results, rows).split("\n")).toEqual([
    "|  | brio | asyncio | small packages |",
    "| --- | ---: | ---: | ---: |",
    "| lock that 100 tasks contend for, per hand-over | **200 ns** | 5x | p-limit 1.5x |",
    "| size of what an import of it needs, gzipped | **40 kB** | – | – |",
  ]);
});

test("the full table has everyone's figures, and between which they were", () => {
  expect(fullTable(results, rows).split("\n")).toEqual([
    "| row |  | brio | p-limit | asyncio |",
    "| --- | --- | ---: | ---: | ---: |",
    "| `lock` | lock that 100 tasks contend for, per hand-over | 200 ns<br><sub>190–230 ns</sub> | 300 ns | 1,000 ns |",
    "| `size` | size of what an import of it needs, gzipped | 40 kB | – | – |",
  ]);
});

test("the caption says on what, when, and with which versions", () => {
  const versionOf = (peer: string) => ({ brio: "0.1.0", asyncio: "3.14.2", "p-limit": "7.3.3" })[peer];
  expect(caption(results, versionOf)).toBe(
    "Node 24.21.0 on A processor, 2 cores, 2026-01-02; brio 0.1.0, p-limit 7.3.3, CPython 3.14.2.",
  );
});

test("what grows too much stands out", () => {
  expect(growthTable(grown, rows).split("\n").at(-1)).toBe(
    "| `lock` | lock that 100 tasks contend for, per hand-over | 100 ns | 170 ns | **1.7x** |",
  );
});

test("only what is between its own markers is replaced", () => {
  const page = "a\n<!-- bench core -->\nold\n<!-- /bench core -->\nb\n";
  expect(between(page, "core", "new")).toBe("a\n<!-- bench core -->\nnew\n<!-- /bench core -->\nb\n");
  expect(between(page, "core-growth", "new")).toBeUndefined();
});

test("charts are images of their own, and name the rows", () => {
  const charts = new Map(
    [...comparisonCharts(results, rows), ...growthCharts(grown)].map(({ name, svg }) => [name, svg]),
  );
  expect([...charts.keys()]).toEqual(["time", "footprint", "growth"]);
  for (const svg of charts.values()) {
    expect(svg).toMatch(/^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
    expect(svg).not.toMatch(/NaN|undefined/);
  }
  expect(charts.get("time")).toContain(">lock</text>");
  expect(charts.get("time")).toContain(">p-limit</text>");
});
