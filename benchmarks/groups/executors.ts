/** Calls to threads and processes: what brio's pools cost, beside those that do only that. */
import { type PeerName, poolPackages } from "../harness/peers.ts";
import type { Load, Row } from "../harness/row.ts";

const pools: readonly PeerName[] = ["brio", ...poolPackages];
const time = { group: "executors", measure: "time", unit: "ns", better: "lower" } as const;

const row = (name: string, title: string, load: Load, peers: readonly PeerName[]): Row => ({
  name,
  title,
  load,
  peers,
  ...time,
});

export const executors: readonly Row[] = [
  row("thread-call", "call a function in a thread, one call after the other", { tasks: 1, turns: 100 }, [
    ...pools,
    "native",
    "asyncio",
  ]),
  row("thread-calls", "call a function in two threads, 16 calls at a time", { tasks: 16, turns: 100 }, [
    ...pools,
    "native",
    "asyncio",
  ]),
  row("thread-records", "send a thread 64 kB of records, 4 calls at a time", { tasks: 4, turns: 10 }, [
    ...pools,
    "native",
    "asyncio",
  ]),
  row("thread-move", "move 16 MB to a thread, one call after the other", { tasks: 1, turns: 10 }, [
    "brio",
    "piscina",
    "tinypool",
    "native",
  ]),
  row("process-calls", "call a function in two processes, 16 calls at a time", { tasks: 16, turns: 20 }, [
    "brio",
    "tinypool",
    "workerpool",
    "asyncio",
  ]),
  row(
    "compute",
    "eight equal computations, on two threads (asyncio: processes; native: one after the other)",
    { tasks: 8, turns: 1 },
    [...pools, "native", "asyncio"],
  ),
  {
    name: "lag-compute",
    group: "executors",
    title:
      "how late an interval of 10 ms comes in the main thread while two threads compute, all but one beat in a hundred",
    measure: "lag",
    unit: "ms",
    better: "lower",
    load: { tasks: 4, turns: 12 },
    peers: ["brio", "piscina", "asyncio"],
  },
];
