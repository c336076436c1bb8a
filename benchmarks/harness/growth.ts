/** What an operation costs when there are a thousand, and when there are a million. */
import { freemem } from "node:os";
import type { Effort, Task } from "./cell.ts";
import { type Failure, interleave } from "./compare.ts";
import type { PeerName } from "./peers.ts";
import type { GrowthRow, GrowthStep } from "./results.ts";
import type { Load, Measure, Row, Unit } from "./row.ts";
import { rounded, summarize } from "./statistics.ts";
import type { Python } from "./system.ts";

export const growthSizes = [1000, 10_000, 100_000, 1_000_000];

/** How many times the smallest size's cost any other may be. */
export const growthLimit = 1.5;

/** Bytes that a task may take, with what measures it. */
const ROOM_PER_TASK = 4000;

export interface Grown {
  readonly rows: readonly GrowthRow[];
  readonly failures: readonly Failure[];
}

/** All sizes of a row, taking turns. */
export async function growRow(
  row: Row,
  peers: readonly PeerName[],
  effort: Effort,
  python: Python | undefined,
): Promise<Grown> {
  const { grown } = row;
  if (grown === undefined) return { rows: [], failures: [] };
  const sizes = growthSizes.filter((size) => size * ROOM_PER_TASK < freemem());
  const warmUp = grown(growthSizes[0] ?? 1);
  const steps = peers
    .filter((peer) => row.peers.includes(peer) && !row.quadratic?.includes(peer))
    .flatMap((peer) => sizes.map((size) => ({ size, task: { row, peer, load: grown(size), warmUp } })));
  const { runs, failures } = await interleave(
    steps.map(({ task }): Task => task),
    effort,
    python,
  );
  const measured = (peer: PeerName): GrowthStep[] =>
    steps.flatMap(({ size, task }) => {
      const samples = task.peer === peer ? runs.get(task) : undefined;
      if (samples === undefined) return [];
      const costs = samples.map((run) => run.map((value) => perOperation(row.measure, value, task.load)));
      return [{ size, ...rounded(summarize(costs)) }];
    });
  const rows = peers.flatMap((peer): GrowthRow[] => {
    const steps = measured(peer);
    const { name, group, unit } = row;
    return steps.length === 0
      ? []
      : [{ row: name, group, unit: unitOfOperation(row.measure, unit), peer, steps }];
  });
  return { rows, failures };
}

/** The CPU time of a row is that of all its operations, in milliseconds; the rest is per operation already. */
const perOperation = (measure: Measure, value: number, { tasks, turns }: Load): number =>
  measure === "cpu" ? (value * 1e6) / (tasks * turns) : value;

const unitOfOperation = (measure: Measure, unit: Unit): Unit => (measure === "cpu" ? "ns" : unit);
