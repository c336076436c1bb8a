import { endServers, onExpress, onFastify, onHono } from "../http-apps.ts";
import { answering, endLoad } from "../http-load.ts";
import type { Peer } from "../peer.ts";

const nothing = (): void => {};

const peer: Peer = {
  main: async (measurement) => {
    await measurement();
    endLoad();
    endServers();
  },
  programs: {
    "http-fastify": answering(() => onFastify(nothing)),
    "http-express": answering(() => onExpress(nothing)),
    "http-hono": answering(() => onHono(nothing)),
  },
};

export default peer;
