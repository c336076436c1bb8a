/** A TCP server that sends back what it gets: what brio's streams cost. */
import type { Load, Row } from "../harness/row.ts";

const load: Load = { tasks: 10, turns: 100 };

const sizes = { "echo-1k": "1 KiB", "echo-10k": "10 KiB", "echo-100k": "100 KiB" };

const group = "echo";
const peers = ["brio", "native", "asyncio", "uvloop"] as const;

export const echo: readonly Row[] = [
  ...Object.entries(sizes).map(
    ([name, size]): Row => ({
      name,
      group,
      title: `TCP server that echoes messages of ${size}, 10 connections in lock-step`,
      measure: "rate",
      unit: "msg/s",
      better: "higher",
      load,
      peers,
    }),
  ),
  {
    name: "connections-10k",
    group,
    title: "memory of a connection: 9,500 are open, and a tenth of them has sent 20 messages of 1 KiB",
    measure: "resident",
    unit: "B",
    better: "lower",
    load: { tasks: 9_500, turns: 20 },
    peers,
  },
];
