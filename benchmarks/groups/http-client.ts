/** Small GETs over many connections to one server: what a request costs in the client. */
import type { Row } from "../harness/row.ts";

export const httpClient: readonly Row[] = [
  {
    name: "http-get-64",
    group: "http-client",
    title: "small GET over HTTP/1.1, 64 connections, each in lock-step (uvloop: aiohttp on it)",
    measure: "rate",
    unit: "req/s",
    better: "higher",
    load: { tasks: 64, turns: 78 },
    peers: ["brio", "native", "undici", "aiohttp", "uvloop"],
  },
];
