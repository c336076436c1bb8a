import { brio as brioOnExpress } from "@brio/http/express";
import { brio } from "@brio/http/fastify";
import { brio as brioOnHono } from "@brio/http/hono";
import { run } from "brio";
import { endServers, onExpress, onFastify, onHono } from "../http-apps.ts";
import { answering, endLoad } from "../http-load.ts";
import type { Peer } from "../peer.ts";

const options = { timeout: "30s" } as const;

const peer: Peer = {
  main: (measurement) =>
    run(async () => {
      await measurement();
      endLoad();
      endServers();
    }),
  programs: {
    "http-fastify": answering(() => onFastify((app) => app.register(brio, options))),
    "http-express": answering(() => onExpress((app) => brioOnExpress(app, options))),
    "http-hono": answering(() => onHono((app) => brioOnHono(app, options))),
  },
};

export default peer;
