/** What one row of the comparison is. The rows themselves are in ../groups. */

import type { Need } from "./needs.ts";
import type { PeerName } from "./peers.ts";

export type Unit = "ns" | "ms" | "B" | "msg/s" | "jobs/s" | "req/s" | "MiB/s";

/** How much a program does: `turns` operations in each of `tasks` tasks. */
export interface Load {
  readonly tasks: number;
  readonly turns: number;
}

/** How a cell is measured. The first seven run a program of the peer's. */
export type Measure =
  | "time"
  | "rate"
  | "own-rate"
  | "cpu"
  | "lag"
  | "heap"
  | "resident"
  | "import"
  | "packed"
  | "installed";

export interface Row {
  readonly name: string;
  readonly group: string;
  /** What is measured, for a reader who sees only the table. */
  readonly title: string;
  readonly measure: Measure;
  readonly unit: Unit;
  readonly better: "lower" | "higher";
  readonly load: Load;
  /** The load of one size of `--growth`; absent when a row has nothing that grows. */
  readonly grown?: (size: number) => Load;
  /** What must be there; without it, the row is left out. */
  readonly needs?: Need;
  /** Who takes part. Everyone else gets a dash. */
  readonly peers: readonly PeerName[];
  /** Who takes several seconds, and is left out of a quick run. */
  readonly slow?: readonly PeerName[];
  /** Who takes four times as long for twice as many, and is left out of `--growth`: a million would take hours. */
  readonly quadratic?: readonly PeerName[];
}
