import { HttpClient } from "@brio/http";
import { gather, run } from "brio";
import { endServer, gets } from "../http-server.ts";
import type { Peer } from "../peer.ts";

let client: HttpClient | null = null;

const peer: Peer = {
  main: (measurement) =>
    run(async () => {
      client = new HttpClient();
      await measurement();
      await client.close();
      endServer();
    }),
  programs: {
    "http-get-64": gets(
      async (url) => (await (client as HttpClient).get(url)).text(), // main has made it
      async (work) => gather(work),
    ),
  },
};

export default peer;
