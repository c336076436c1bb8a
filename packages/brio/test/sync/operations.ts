import { Session } from "node:inspector";
import { fileURLToPath } from "node:url";

const SOURCES = fileURLToPath(new URL("../../src/", import.meta.url));

/**
 * How many blocks of brio's own code `work` runs: calls, branches and rounds of loops, as V8 counts them for coverage.
 * Unlike time it is the same in each run, so that "linear" can be told from "quadratic" without a margin for luck.
 */
export async function operations(work: () => Promise<unknown>): Promise<number> {
  const session = new Session();
  session.connect();
  try {
    session.post("Profiler.enable");
    session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
    await work();
    let sum = 0;
    session.post("Profiler.takePreciseCoverage", (error, { result }) => {
      if (error !== null) throw error;
      for (const { url, functions } of result) {
        if (!url.includes(SOURCES)) continue;
        for (const { ranges } of functions) for (const { count } of ranges) sum += count;
      }
    });
    session.post("Profiler.stopPreciseCoverage");
    return sum;
  } finally {
    session.disconnect();
  }
}
