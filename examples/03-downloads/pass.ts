// One pass over all the files: with progress on the screen, a clock, and a look at what has arrived.
import { mkdir } from "node:fs/promises";
import { createTask, getRunningLoop } from "brio";
import { Connections, type Job, type Outcome } from "./download.ts";
import { seconds } from "./format.ts";
import { type Progress, progressOf } from "./progress.ts";
import { type Expected, type Verdict, verify } from "./verify.ts";

export interface Pass {
  readonly label: string;
  readonly outcomes: readonly Outcome[];
  /** Milliseconds. */
  readonly time: number;
  readonly verdict: Verdict;
}

export interface Plan {
  readonly label: string;
  readonly files: readonly Expected[];
  readonly url: string;
  readonly directory: string;
}

/** @param rows how many downloads run at once */
export async function makePass(
  plan: Plan,
  rows: number,
  work: (job: Job) => Promise<Outcome[]>,
): Promise<Pass> {
  const { label, files, url, directory } = plan;
  await mkdir(directory, { recursive: true });
  const loop = getRunningLoop();
  const began = loop.time();
  const progress = progressOf(label, files, rows);
  await using connections = new Connections();
  const outcomes = await watched(progress, () => work({ url, directory, observer: progress, connections }));
  const time = loop.time() - began;
  const verdict = await verify(directory, files);
  console.log(`${label}: ${verdict.files} of ${files.length} files in ${seconds(time)}\n`);
  return { label, outcomes, time, verdict };
}

async function watched<T>(progress: Progress, work: () => Promise<T>): Promise<T> {
  await using _ = createTask(() => progress.show(), { name: "progress" }); // cancelled when the work has ended
  return await work();
}
