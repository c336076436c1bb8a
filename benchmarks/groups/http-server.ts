/** Small GETs to a server of each framework: what a task for each request costs. "native" is the framework alone. */
import type { Load, Row } from "../harness/row.ts";

const load: Load = { tasks: 64, turns: 20 };

export const httpServer: readonly Row[] = ["Fastify", "Express", "Hono"].map((framework) => ({
  name: `http-${framework.toLowerCase()}`,
  group: "http-server",
  title: `${framework} answers GETs with a small JSON, 64 connections in lock-step`,
  measure: "rate",
  unit: "req/s",
  better: "higher",
  load,
  peers: ["brio", "native"],
}));
