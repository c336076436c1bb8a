/** What a run of the harness found, as `--json` writes it and as it is committed. */
import type { PeerName } from "./peers.ts";
import type { Row, Unit } from "./row.ts";
import type { Cell } from "./statistics.ts";

export interface ResultRow {
  readonly row: string;
  readonly group: string;
  readonly unit: Unit;
  readonly better: Row["better"];
  readonly cells: Readonly<Partial<Record<PeerName, Cell>>>;
}

interface Header {
  /** The version of Node, as `process.version`. */
  readonly node: string;
  readonly cpu: string;
  /** When the run began, in ISO 8601. */
  readonly date: string;
}

export interface Results extends Header {
  readonly rows: readonly ResultRow[];
}

/** What one size of a growing row costs per operation. */
export interface GrowthStep extends Cell {
  readonly size: number;
}

export interface GrowthRow {
  readonly row: string;
  readonly group: string;
  /** Of one operation, whatever the row's own unit is. */
  readonly unit: Unit;
  readonly peer: PeerName;
  readonly steps: readonly GrowthStep[];
}

export interface GrowthResults extends Header {
  readonly rows: readonly GrowthRow[];
}

/** How many times as much the peer needs: 2 is twice as slow, or twice as large, or half as many in a second. */
export function ratio(row: ResultRow, peer: PeerName): number | undefined {
  const [brio, cell] = [row.cells.brio, row.cells[peer]];
  if (brio === undefined || cell === undefined || brio.median === 0) return undefined;
  return row.better === "higher" ? brio.median / cell.median : cell.median / brio.median;
}

/** The largest size's cost, over the smallest's. */
export function growth(row: GrowthRow): number {
  const [first] = row.steps;
  if (first === undefined) return 1;
  return Math.max(...row.steps.map((step) => step.median)) / first.median;
}
