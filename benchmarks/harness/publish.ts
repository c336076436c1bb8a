/** Writes what is committed: results, tables, charts. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { type Chart, comparisonCharts, growthCharts } from "./charts.ts";
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
    const charts = comparisonCharts(own, rows).map((chart) => writeChart(group, chart));
    const [first] = charts;
    const short = [
      "brio's own figures, and how many times as much the others need (below 1x: less):",
      shortTable(own, rows),
      caption(own, versionOf),
    ];
    replace(README, group, [...short, ...(first === undefined ? [] : [image(README, first)])]);
    const images = charts.map((chart) => image(PERFORMANCE, chart));
    replace(PERFORMANCE, group, [caption(own, versionOf), fullTable(own, rows), ...images]);
  }
}

export function writeGrowth(results: GrowthResults, rows: readonly Row[]): void {
  for (const group of new Set(results.rows.map((row) => row.group))) {
    const own = { ...results, rows: results.rows.filter((row) => row.group === group) };
    write(join(benchmarks, "results", `${group}-growth.json`), json(own));
    const charts = growthCharts(own).map((chart) => writeChart(group, chart));
    const images = charts.map((chart) => image(PERFORMANCE, chart));
    replace(PERFORMANCE, `${group}-growth`, [growthTable(own, rows), ...images]);
  }
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

interface Written {
  readonly file: string;
  readonly title: string;
}

function writeChart(group: string, { name, title, svg }: Chart): Written {
  const file = join(CHARTS, `${group}-${name}.svg`);
  write(file, svg);
  return { file, title };
}

const image = (page: string, { file, title }: Written): string =>
  `![${title}](${relative(dirname(page), file).replaceAll("\\", "/")})`;

/** Replaces what stands between a page's markers `<!-- bench NAME -->` and `<!-- /bench NAME -->`. */
function replace(page: string, name: string, paragraphs: readonly string[]): void {
  const replaced = between(readFileSync(page, "utf8"), name, paragraphs.join("\n\n"));
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
