import { setInterval } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Piscina } from "piscina";
import { beats, calls, computations, Made, moves, records, WORKERS, work } from "../executors.ts";
import type { Peer } from "../peer.ts";

const how = { filename: fileURLToPath(work), idleTimeout: 60_000 };

const pools = new Made<Piscina>((pool) => pool.destroy());
const one = (): Piscina => pools.get("one", () => new Piscina({ ...how, maxThreads: 1 }));
const two = (): Piscina => pools.get("two", () => new Piscina({ ...how, maxThreads: WORKERS }));

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
    compute: computations((limit) => two().run(limit, { name: "primesBelow" })),
    "lag-compute": beats(setInterval, (limit) => two().run(limit, { name: "primesBelow" })),
  },
};

export default peer;
