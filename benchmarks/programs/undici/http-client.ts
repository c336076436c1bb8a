import { Agent } from "undici";
import { endServer, gets } from "../http-server.ts";
import type { Peer } from "../peer.ts";

const agent = new Agent({ connections: 64 });

const peer: Peer = {
  main: async (measurement) => {
    await measurement();
    await agent.destroy();
    endServer();
  },
  programs: {
    "http-get-64": gets(
      async (url) => {
        const { pathname, origin } = new URL(url);
        const { body } = await agent.request({ origin, path: pathname, method: "GET" });
        return await body.text();
      },
      (work) => Promise.all(work.map((one) => one())),
    ),
  },
};

export default peer;
