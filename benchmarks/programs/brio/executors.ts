import { interval, run } from "brio";
import { ProcessPool, references, ThreadPool } from "brio/threads";
import { beats, calls, computations, Made, moves, records, WORKERS, work } from "../executors.ts";
import type { Peer } from "../peer.ts";

const { double, total, lengthOf, primesBelow } = references<typeof import("../executor-work.ts")>(work);

const pools = new Made<ThreadPool | ProcessPool>((pool) => pool.close());
const one = (): ThreadPool => pools.get("one", () => new ThreadPool({ maxWorkers: 1 }));
const two = (): ThreadPool => pools.get("two", () => new ThreadPool({ maxWorkers: WORKERS }));
const processes = (): ProcessPool => pools.get("processes", () => new ProcessPool({ maxWorkers: WORKERS }));

const peer: Peer = {
  main: (measurement) =>
    run(async () => {
      await measurement();
      await pools.endAll();
    }),
  programs: {
    "thread-call": calls((n) => one().submit(double, n)),
    "thread-calls": calls((n) => two().submit(double, n)),
    "thread-records": records((entries) => two().submit(total, entries)),
    "thread-move": moves((bytes) =>
      one()
        .with({ transfer: [bytes.buffer] })
        .submit(lengthOf, bytes),
    ),
    "process-calls": calls((n) => processes().submit(double, n)),
    compute: computations((limit) => two().submit(primesBelow, limit)),
    "lag-compute": beats(interval, (limit) => two().submit(primesBelow, limit)),
  },
};

export default peer;
