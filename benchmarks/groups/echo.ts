/** A TCP server that sends back what it gets: what brio's streams cost. */
import type { Load, Row } from "../harness/row.ts";

const load: Load = { tasks: 10, turns: 100 };

const sizes = { "echo-1k": "1 KiB", "echo-10k": "10 KiB", "echo-100k": "100 KiB" };

export const echo: readonly Row[] = Object.entries(sizes).map(([name, size]) => ({
  name,
  group: "echo",
  title: `TCP server that echoes messages of ${size}, 10 connections in lock-step`,
  measure: "rate",
  unit: "msg/s",
  better: "higher",
  load,
  peers: ["brio", "native", "asyncio", "uvloop"],
}));
