import { fileURLToPath } from "node:url";
import { Tinypool } from "tinypool";
import { calls, computations, Made, moves, records, WORKERS, work } from "../executors.ts";
import type { Peer } from "../peer.ts";

const how = { filename: fileURLToPath(work), idleTimeout: 60_000 };

const pools = new Made<Tinypool>((pool) => pool.destroy());
const one = (): Tinypool => pools.get("one", () => new Tinypool({ ...how, maxThreads: 1 }));
const two = (): Tinypool => pools.get("two", () => new Tinypool({ ...how, maxThreads: WORKERS }));
const processes = (): Tinypool =>
  pools.get("processes", () => new Tinypool({ ...how, maxThreads: WORKERS, runtime: "child_process" }));

const peer: Peer = {
  main: async (measurement) => {
    await measurement();
    await pools.endAll();
  },
  programs: {
    "thread-call": calls((n) => one().run(n, { name: "double" })),
    "thread-calls": calls((n) => two().run(n, { name: "double" })),
    "thread-records": records((entries) => two().run(entries, { name: "total" })),
    "thread-move": moves((bytes) => one().run(bytes, { name: "lengthOf", transferList: [bytes.buffer] })),
    "process-calls": calls((n) => processes().run(n, { name: "double" })),
    compute: computations((limit) => two().run(limit, { name: "primesBelow" })),
  },
};

export default peer;
