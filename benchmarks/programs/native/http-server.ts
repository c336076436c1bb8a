import { endServers, onExpress, onFastify, onHono } from "../http-apps.ts";
import { endClients, paced } from "../http-pace.ts";
import { answering } from "../http-wrk.ts";
import type { Peer } from "../peer.ts";

const nothing = (): void => {};

const fastify = (): Promise<number> => onFastify(nothing);

const peer: Peer = {
  main: async (measurement) => {
    await measurement();
    endClients();
    endServers();
  },
  programs: {
    "http-fastify": answering(fastify),
    "http-fastify-latency": paced(fastify),
    "http-express": answering(() => onExpress(nothing)),
    "http-hono": answering(() => onHono(nothing)),
  },
};

export default peer;
