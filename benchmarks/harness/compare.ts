/** Measures rows, the peers of a row taking turns, and gathers what each found. */
import { type Effort, measure, type Task } from "./cell.ts";
import type { PeerName } from "./peers.ts";
import type { ResultRow } from "./results.ts";
import type { Row } from "./row.ts";
import { rounded, summarize } from "./statistics.ts";
import type { Python } from "./system.ts";

export interface Failure {
  readonly row: string;
  readonly peer: PeerName;
  readonly message: string;
}

export interface Compared {
  readonly result: ResultRow;
  readonly failures: readonly Failure[];
}

/**
 * A B C A B C: whatever slows the machine down for a while meets all peers alike. A peer that failed once is not tried
 * again, and has no cell.
 */
export async function compareRow(
  row: Row,
  peers: readonly PeerName[],
  effort: Effort,
  python: Python | undefined,
): Promise<Compared> {
  const tasks = peers
    .filter((peer) => row.peers.includes(peer))
    .map((peer): Task => ({ row, peer, load: row.load, warmUp: warmUpOf(row) }));
  const { runs, failures } = await interleave(tasks, effortFor(row, effort), python);
  const cells = tasks.flatMap((task) => {
    const samples = runs.get(task);
    return samples === undefined ? [] : [[task.peer, rounded(summarize(samples))] as const];
  });
  const { name, group, unit, better } = row;
  return { result: { row: name, group, unit, better, cells: Object.fromEntries(cells) }, failures };
}

/** An import can be timed only once in a process: more processes, then. */
const effortFor = ({ measure }: Row, effort: Effort): Effort =>
  measure === "import" ? { ...effort, runs: effort.runs * 3 } : effort;

/** A timer row is measured once, and takes a second: a tenth of it will do to warm up. */
function warmUpOf({ measure, load }: Row): Task["load"] {
  return measure === "cpu" ? { ...load, tasks: load.tasks / 10 } : load;
}

/** The samples of each run of each task; tasks that failed are left out. */
export async function interleave(
  tasks: readonly Task[],
  effort: Effort,
  python: Python | undefined,
): Promise<{ runs: Map<Task, (readonly number[])[]>; failures: Failure[] }> {
  const runs = new Map<Task, (readonly number[])[]>(tasks.map((task) => [task, []]));
  const failures: Failure[] = [];
  for (let run = 0; run < effort.runs; run++) {
    for (const task of tasks) {
      try {
        await runs.get(task)?.push(await measure(task, effort, python));
      } catch (error) {
        runs.delete(task);
        const message = error instanceof Error ? error.message : String(error);
        failures.push({ row: task.row.name, peer: task.peer, message });
      }
    }
  }
  return { runs, failures };
}
