/** What can be measured inside a cell's process: each gives the samples of one run. */
import { setImmediate as turnOfLoop } from "node:timers/promises";
import type { Request } from "../harness/cell.ts";
import type { Program } from "./peer.ts";

/** Nanoseconds per operation of each round. A round is as many calls as take about a twentieth of the time. */
async function timeRounds(program: Program, { load, warmUp, warmUpTime, time }: Request): Promise<number[]> {
  const operations = load.tasks * load.turns;
  let calls = 0;
  let begin = performance.now();
  do {
    await program(warmUp.tasks, warmUp.turns);
    calls++;
  } while (performance.now() - begin < warmUpTime);
  const perOperation = (performance.now() - begin) / (calls * warmUp.tasks * warmUp.turns);
  calls = Math.max(1, Math.round(time / 20 / (perOperation * operations)));
  const samples: number[] = [];
  begin = performance.now();
  while (samples.length < 3 || performance.now() - begin < time) {
    const start = performance.now();
    for (let call = 0; call < calls; call++) await program(load.tasks, load.turns);
    samples.push(((performance.now() - start) * 1e6) / (calls * operations));
  }
  return samples;
}

/** Milliseconds of CPU time, of all threads, that each call takes. */
async function cpuTime(program: Program, { load, warmUp, warmUpTime, time }: Request): Promise<number[]> {
  let begin = performance.now();
  do await program(warmUp.tasks, warmUp.turns);
  while (performance.now() - begin < warmUpTime);
  const samples: number[] = [];
  begin = performance.now();
  do {
    const before = process.cpuUsage();
    await program(load.tasks, load.turns);
    const { user, system } = process.cpuUsage(before);
    samples.push((user + system) / 1000);
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

export const measures = { time: timeRounds, cpu: cpuTime, heap };
