/** Writes what is committed: results, tables, charts. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { comparisonCharts, growthCharts } from "./charts.ts";
import { between, caption, fullTable, growthTable, shortTable, type VersionOf } from "./markdown.ts";
import type { GrowthResults, Results } from "./results.ts";
import type { Row } from "./row.ts";
import { benchmarks, root } from "./system.ts";

const README = join(root, "README.md");
const PERFORMANCE = join(root, "docs/performance.md");
const CHARTS = join(root, "docs/charts");

export function writeComparison(results: Results, rows: readonly Row[], versionOf: VersionOf): void {
  // One file for each group: groups are measured, and grow, apart.
  for (const group of new Set(results.rows.map((row) => row.group))) {
    const own = { ...results, rows: results.rows.filter((row) => row.group === group) };
    write(join(benchmarks, "results", `${group}.json`), json(own));
    for (const [name, svg] of comparisonCharts(own, rows)) write(join(CHARTS, `${group}-${name}.svg`), svg);
    replace(README, group, shortTable(own, rows));
    replace(PERFORMANCE, group, `${fullTable(own, rows)}\n\n${caption(own, versionOf)}`);
  }
}

export function writeGrowth(results: GrowthResults, rows: readonly Row[]): void {
  for (const group of new Set(results.rows.map((row) => row.group))) {
    const own = { ...results, rows: results.rows.filter((row) => row.group === group) };
    write(join(benchmarks, "results", `${group}-growth.json`), json(own));
    for (const [name, svg] of growthCharts(own)) write(join(CHARTS, `${group}-${name}.svg`), svg);
    replace(PERFORMANCE, `${group}-growth`, growthTable(own, rows));
  }
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** Replaces what stands between a page's markers `<!-- bench NAME -->` and `<!-- /bench NAME -->`. */
function replace(page: string, name: string, text: string): void {
  const replaced = between(readFileSync(page, "utf8"), name, text);
  if (replaced === undefined) {
    throw new Error(
      `${relative(root, page)} has no place for it: add <!-- bench ${name} --> and <!-- /bench ${name} -->`,
    );
  }
  write(page, replaced);
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  console.log(`wrote ${relative(root, file)}`);
}
