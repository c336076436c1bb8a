/** Small GETs to a server of each framework: what a task for each request costs. "native" is the framework alone. */
import type { Row } from "../harness/row.ts";

const shared = { group: "http-server", load: { tasks: 64, turns: 200 } } as const;

const throughput = { ...shared, measure: "own-rate", unit: "req/s", better: "higher", needs: "wrk" } as const;

export const httpServer: readonly Row[] = [
  {
    ...throughput,
    name: "http-fastify",
    title: "Fastify answers GETs of wrk with a small JSON, over 64 connections",
    peers: ["brio", "native", "fastapi", "aiohttp"],
  },
  ...["Express", "Hono"].map(
    (framework): Row => ({
      ...throughput,
      name: `http-${framework.toLowerCase()}`,
      title: `${framework} answers GETs of wrk with a small JSON, over 64 connections`,
      peers: ["brio", "native"],
    }),
  ),
  {
    ...shared,
    name: "http-fastify-latency",
    title: "Fastify at 80 % of what it can do: all but one in a hundred of its answers come within",
    measure: "lag",
    unit: "ms",
    better: "lower",
    peers: ["brio", "native"],
  },
];
