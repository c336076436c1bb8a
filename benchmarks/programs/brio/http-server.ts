import { brio as brioOnExpress } from "@brio/http/express";
import { brio } from "@brio/http/fastify";
import { brio as brioOnHono } from "@brio/http/hono";
import { run } from "brio";
import { endServers, onExpress, onFastify, onHono } from "../http-apps.ts";
import { endClients, paced } from "../http-pace.ts";
import { answering } from "../http-wrk.ts";
import type { Peer } from "../peer.ts";

const options = { timeout: "30s" } as const;

const fastify = (): Promise<number> => onFastify((app) => app.register(brio, options));

const peer: Peer = {
  main: (measurement) =>
    run(async () => {
      await measurement();
      endClients();
      endServers();
    }),
  programs: {
    "http-fastify": answering(fastify),
    "http-fastify-latency": paced(fastify),
    "http-express": answering(() => onExpress((app) => brioOnExpress(app, options))),
    "http-hono": answering(() => onHono((app) => brioOnHono(app, options))),
  },
};

export default peer;
