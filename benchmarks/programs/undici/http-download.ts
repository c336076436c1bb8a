import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { Agent } from "undici";
import { downloads, endServer, nameOf } from "../http-download.ts";
import type { Peer, Program } from "../peer.ts";

const download = (flush: boolean): Program =>
  downloads(async (urls, directory) => {
    const agent = new Agent();
    await Promise.all(
      urls.map((url) => {
        const { origin, pathname } = new URL(url);
        const write = () => createWriteStream(join(directory, nameOf(url)), { flush });
        return agent.stream({ origin, path: pathname, method: "GET" }, write);
      }),
    );
    await agent.close();
  });

const peer: Peer = {
  main: async (measurement) => {
    await measurement();
    endServer();
  },
  programs: { "http-download": download(false), "http-download-durable": download(true) },
};

export default peer;
