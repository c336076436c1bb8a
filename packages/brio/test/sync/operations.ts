import { Session } from "node:inspector";
import { fileURLToPath } from "node:url";

const SOURCES = fileURLToPath(new URL("../../src/", import.meta.url));

// From the start: V8 counts blocks only in functions that it compiles, at their first call, while this is on.
const session = new Session();
session.connect();
session.post("Profiler.enable");
session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });

/** How many blocks of brio's own code have run since the last look: calls, branches, and rounds of loops. */
function count(): number {
  let sum = 0;
  session.post("Profiler.takePreciseCoverage", (error, { result }) => {
    if (error !== null) throw error;
    for (const { url, functions } of result) {
      if (!url.includes(SOURCES)) continue;
      for (const { ranges } of functions) for (const range of ranges) sum += range.count;
    }
  });
  return sum;
}

/**
 * How many blocks of brio's own code `work` runs. Unlike time it hardly differs from run to run, so that "linear" can be
 * told from "quadratic" with no luck needed.
 */
export async function operations(work: () => Promise<unknown>): Promise<number> {
  count();
  await work();
  return count();
}
