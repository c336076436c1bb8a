/** The tables in the documents. */
import { figure, spread, times } from "./format.ts";
import { growthLimit } from "./growth.ts";
import { isPython, type PeerName, peerNames, smallPackages, titleIn, titles } from "./peers.ts";
import { type GrowthResults, growth, type ResultRow, type Results, ratio } from "./results.ts";
import type { Row } from "./row.ts";
import type { Cell } from "./statistics.ts";

export type VersionOf = (peer: PeerName) => string | undefined;

const DASH = "–";
const isSmall = (peer: PeerName): boolean => (smallPackages as readonly string[]).includes(peer);

/** Tables are of one group. */
const groupOf = (results: Results, rows: readonly Row[]): string | undefined =>
  rows.find(({ name }) => name === results.rows[0]?.row)?.group;

/** brio's figures, and how many times as much the others need. */
export function shortTable(results: Results, rows: readonly Row[]): string {
  const present = presentPeers(results);
  const peers = present.filter((peer) => peer !== "brio" && !isSmall(peer));
  const small = present.filter(isSmall);
  const heading = ["", "brio", ...peers.map((peer) => titleIn(groupOf(results, rows), peer))];
  if (small.length > 0) heading.push("small packages");
  const body = results.rows.map((row) => {
    const to = (peer: PeerName): string | undefined => {
      const found = ratio(row, peer);
      return found === undefined ? undefined : times(found);
    };
    const cells = [titleOf(row.row, rows), bold(row), ...peers.map((peer) => to(peer) ?? DASH)];
    const others = small.flatMap((peer) => (to(peer) === undefined ? [] : `${peer} ${to(peer)}`));
    if (small.length > 0) cells.push(others.join(", ") || DASH);
    return cells;
  });
  return table(heading, body);
}

const bold = ({ cells: { brio }, unit }: ResultRow): string =>
  brio === undefined ? DASH : `**${figure(brio.median, unit)}**`;

/** All figures: median, and min–max below. */
export function fullTable(results: Results, rows: readonly Row[]): string {
  const peers = presentPeers(results);
  const heading = ["row", "", ...peers.map((peer) => titleIn(groupOf(results, rows), peer))];
  const body = results.rows.map((row) => [
    `\`${row.row}\``,
    titleOf(row.row, rows),
    ...peers.map((peer) => measured(row, peer)),
  ]);
  return table(heading, body);
}

function measured({ cells, unit }: ResultRow, peer: PeerName): string {
  const cell: Cell | undefined = cells[peer];
  if (cell === undefined) return DASH;
  const value = figure(cell.median, unit);
  const range = spread(cell, unit);
  return range === value ? value : `${value}<br><sub>${range}</sub>`;
}

/** Whose figures they are. */
export function caption(results: Results, versionOf: VersionOf): string {
  const named = presentPeers(results).filter((peer) => peer !== "native");
  const versions = named.map((peer) => {
    const python = isPython(peer) && peer === "asyncio" ? "CPython" : titles[peer];
    return `${python} ${versionOf(peer) ?? "?"}`;
  });
  return `Node ${results.node.slice(1)} on ${results.cpu}, ${results.date.slice(0, 10)}; ${versions.join(", ")}.`;
}

/** A line for each row and peer: what an operation costs at each size. */
export function growthTable(results: GrowthResults, rows: readonly Row[]): string {
  const sizes = [...new Set(results.rows.flatMap((row) => row.steps.map((step) => step.size)))];
  const heading = ["row", "", ...sizes.map((size) => size.toLocaleString("en-US")), "grows"];
  const body = results.rows.map((row) => {
    const costs = sizes.map((size) => {
      const step = row.steps.find((each) => each.size === size);
      return step === undefined ? DASH : figure(step.median, row.unit);
    });
    const factor = growth(row);
    const verdict = factor > growthLimit ? `**${times(factor)}**` : times(factor);
    const peer = row.peer === "brio" ? "" : ` (${row.peer})`;
    return [`\`${row.row}\`${peer}`, titleOf(row.row, rows), ...costs, verdict];
  });
  return table(heading, body);
}

/** The text with what stands between the markers of `name` replaced; undefined if it has no such markers. */
export function between(page: string, name: string, text: string): string | undefined {
  const [open, close] = [`<!-- bench ${name} -->`, `<!-- /bench ${name} -->`];
  const start = page.indexOf(open);
  const end = page.indexOf(close);
  if (start === -1 || end < start) return undefined;
  return `${page.slice(0, start + open.length)}\n${text}\n${page.slice(end)}`;
}

const presentPeers = (results: Results): PeerName[] =>
  peerNames.filter((peer) => results.rows.some((row) => row.cells[peer] !== undefined));

const titleOf = (name: string, rows: readonly Row[]): string =>
  rows.find((row) => row.name === name)?.title ?? name;

/** The first column holds words, all others figures. */
function table(heading: readonly string[], body: readonly (readonly string[])[]): string {
  const words = heading.indexOf("");
  const rule = heading.map((_, column) => (column <= words ? "---" : "---:"));
  return [heading, rule, ...body].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
