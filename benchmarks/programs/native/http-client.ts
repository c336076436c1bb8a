import { endServer, gets } from "../http-server.ts";
import type { Peer } from "../peer.ts";

const peer: Peer = {
  main: async (measurement) => {
    await measurement();
    endServer();
  },
  programs: {
    "http-get-64": gets(
      async (url) => (await fetch(url)).text(),
      (work) => Promise.all(work.map((one) => one())),
    ),
  },
};

export default peer;
