/** What can be measured inside a cell's process: each gives the samples of one run. */
import { setImmediate as turnOfLoop } from "node:timers/promises";
import type { Request } from "../harness/cell.ts";
import type { Load } from "../harness/row.ts";
import type { Program } from "./peer.ts";

/** About how long a round is, in milliseconds: so short that many are over before the processor is taken away. */
const ROUND = 2;
/** How many samples a process gives. Each covers many rounds, so that it has its share of garbage collections. */
const BATCHES = 5;

interface Round {
  readonly duration: number;
  /** How many times the system ran something else meanwhile. */
  readonly disturbed: number;
}

/**
 * Nanoseconds per operation. What other programs do to this one is not what is measured: only the rounds count in which
 * the system took the processor away least often. When nothing else runs, those are nearly all.
 */
async function timeRounds(program: Program, { load, warmUp, warmUpTime, time }: Request): Promise<number[]> {
  const perOperation = await warm(program, warmUp, warmUpTime);
  const operations = load.tasks * load.turns;
  const calls = Math.max(1, Math.round(ROUND / (perOperation * operations)));
  const rounds: Round[] = [];
  const begin = performance.now();
  let undisturbed = 0;
  while (undisturbed < time && (rounds.length < 3 || performance.now() - begin < 4 * time)) {
    const switches = timesDisturbed();
    const start = performance.now();
    for (let call = 0; call < calls; call++) await program(load.tasks, load.turns);
    const duration = performance.now() - start;
    const disturbed = timesDisturbed() - switches;
    rounds.push({ duration, disturbed });
    if (disturbed === 0) undisturbed += duration;
  }
  const used = leastDisturbed(rounds).map(({ duration }) => duration);
  return batches(used, BATCHES).map((mean) => (mean * 1e6) / (calls * operations));
}

/** As many as are as quiet as the quietest few. */
export function leastDisturbed(rounds: readonly Round[]): Round[] {
  const counts = rounds.map(({ disturbed }) => disturbed).sort((a, b) => a - b);
  const limit = counts[BATCHES - 1] ?? Number.POSITIVE_INFINITY;
  return rounds.filter(({ disturbed }) => disturbed <= limit);
}

/** Runs the program for some CPU time, and says how long an operation takes by then, in milliseconds. */
async function warm(program: Program, { tasks, turns }: Load, time: number): Promise<number> {
  const begin = process.cpuUsage();
  let duration: number;
  do {
    const start = performance.now();
    await program(tasks, turns);
    duration = performance.now() - start;
  } while (cpuSince(begin) < time);
  return duration / (tasks * turns);
}

const timesDisturbed = (): number => process.resourceUsage().involuntaryContextSwitches;

function cpuSince(begin: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(begin);
  return (user + system) / 1000;
}

/** The means of up to `count` parts of the values, of the same length. */
export function batches(values: readonly number[], count: number): number[] {
  const length = Math.max(1, Math.floor(values.length / count));
  const parts = Array.from({ length: Math.min(count, values.length) }, (_, i) =>
    values.slice(i * length, (i + 1) * length),
  );
  return parts.map((part) => part.reduce((a, b) => a + b) / part.length);
}

/** Milliseconds of CPU time, of all threads, that each call takes. */
async function cpuTime(program: Program, { load, warmUp, warmUpTime, time }: Request): Promise<number[]> {
  await warm(program, warmUp, warmUpTime);
  const samples: number[] = [];
  const begin = performance.now();
  do {
    const before = process.cpuUsage();
    await program(load.tasks, load.turns);
    samples.push(cpuSince(before));
  } while (performance.now() - begin < time);
  return samples;
}

/** How late the beats of a program come that beats while others compute, in milliseconds: all but one in a hundred. */
async function lag(program: Program, { load, warmUp, warmUpTime, time }: Request): Promise<number[]> {
  await warm(program, warmUp, warmUpTime);
  const samples: number[] = [];
  const begin = performance.now();
  do {
    const late = (await program(load.tasks, load.turns)) as number[]; // such a program gives that
    late.sort((a, b) => a - b);
    samples.push(late[Math.floor(late.length * 0.99)] ?? 0);
  } while (performance.now() - begin < time);
  return samples;
}

/** Bytes that each task keeps on V8's heap, and what that holds outside of it. */
async function heap(program: Program, { load }: Request): Promise<number[]> {
  await program(1000, load.turns);
  const before = await used();
  await program(load.tasks, load.turns);
  return [((await used()) - before) / load.tasks];
}

async function used(): Promise<number> {
  if (globalThis.gc === undefined) throw new Error("heap sizes need node --expose-gc");
  // Twice, and with a turn between: what finalizers and weak references held is garbage only then.
  globalThis.gc();
  await turnOfLoop();
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Bytes of physical memory that each task (a connection, say) adds to the process, garbage that was not given back included. */
async function resident(program: Program, { load }: Request): Promise<number[]> {
  await used();
  const before = process.memoryUsage.rss();
  await program(load.tasks, load.turns);
  await used();
  return [(process.memoryUsage.rss() - before) / load.tasks];
}

/** Operations per second. */
async function rate(program: Program, request: Request): Promise<number[]> {
  return (await timeRounds(program, request)).map((nanoseconds) => 1e9 / nanoseconds);
}

/** Operations per second, by the programs' own clocks: each time, they tidy up afterwards. */
async function ownRate(program: Program, { load, warmUp, warmUpTime, time }: Request): Promise<number[]> {
  await warm(program, warmUp, warmUpTime);
  const samples: number[] = [];
  const begin = performance.now();
  do {
    const duration = (await program(load.tasks, load.turns)) as number; // such a program gives that
    samples.push((load.tasks * load.turns * 1000) / duration);
  } while (samples.length < BATCHES || performance.now() - begin < time);
  return samples;
}

export const measures = {
  time: timeRounds,
  rate,
  "own-rate": ownRate,
  cpu: cpuTime,
  lag,
  heap,
  resident,
};
