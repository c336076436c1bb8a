/** What the command prints as it goes: a block for each row. */
import type { Failure } from "./compare.ts";
import { figure, spread, times } from "./format.ts";
import { growthLimit } from "./growth.ts";
import { type PeerName, peerNames } from "./peers.ts";
import { type GrowthRow, growth, type ResultRow, ratio } from "./results.ts";
import type { Row, Unit } from "./row.ts";
import type { Cell } from "./statistics.ts";

const NAME = Math.max(...peerNames.map((name) => name.length)) + 2;

export function rowBlock(row: Row, result: ResultRow, failures: readonly Failure[]): string {
  const lines = [`${row.name}  ${row.title.replaceAll("`", "")}`];
  for (const [peer, cell] of Object.entries(result.cells) as [PeerName, ResultRow["cells"]["brio"]][]) {
    if (cell === undefined) continue;
    const to = peer === "brio" ? undefined : ratio(result, peer);
    lines.push(line(peer.padEnd(NAME), cell, row.unit, to === undefined ? "" : times(to)));
  }
  return [...lines, ...failures.map(failureLine), ""].join("\n");
}

export function growthBlock(row: GrowthRow): string {
  const lines = [`${row.row}  ${row.peer}, ${verdict(row)}`];
  for (const step of row.steps) {
    lines.push(line(step.size.toLocaleString("en-US").padStart(NAME), step, row.unit, ""));
  }
  return [...lines, ""].join("\n");
}

/** A figure, a ratio, and between which the runs were, if they were not alike. */
function line(name: string, cell: Cell, unit: Unit, ratio: string): string {
  const value = figure(cell.median, unit);
  const range = spread(cell, unit);
  const columns = [`  ${name}`, value.padStart(12), ratio.padStart(9), range === value ? "" : `   ${range}`];
  return columns.join("").trimEnd();
}

function verdict(row: GrowthRow): string {
  const factor = growth(row);
  const grows = `grows ${times(factor)}`;
  return factor <= growthLimit ? grows : `${grows}: MORE THAN ${times(growthLimit)}`;
}

export const failureLine = ({ row, peer, message }: Failure): string =>
  `  ${row}, ${peer} FAILED: ${message.replaceAll("\n", "\n    ")}`;
