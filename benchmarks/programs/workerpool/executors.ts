import { fileURLToPath } from "node:url";
import workerpool, { type Pool } from "workerpool";
import { calls, computations, Made, records, WORKERS } from "../executors.ts";
import type { Peer } from "../peer.ts";

const script = fileURLToPath(new URL("worker.ts", import.meta.url));
const pools = new Made<Pool>(async (pool) => void (await pool.terminate()));

function pool(maxWorkers: number, workerType: "thread" | "process"): Pool {
  return pools.get(`${maxWorkers} ${workerType}`, () => workerpool.pool(script, { maxWorkers, workerType }));
}

const one = (): Pool => pool(1, "thread");
const two = (): Pool => pool(WORKERS, "thread");
const processes = (): Pool => pool(WORKERS, "process");

const peer: Peer = {
  main: async (measurement) => {
    await measurement();
    await pools.endAll();
  },
  programs: {
    "thread-call": calls((n) => one().exec("double", [n])),
    "thread-calls": calls((n) => two().exec("double", [n])),
    "thread-records": records((entries) => two().exec("total", [entries])),
    "process-calls": calls((n) => processes().exec("double", [n])),
    compute: computations((limit) => two().exec("primesBelow", [limit])),
  },
};

export default peer;
