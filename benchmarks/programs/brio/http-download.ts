import { downloadAll } from "@brio/http/download";
import { run } from "brio";
import { downloads, endServer } from "../http-download.ts";
import type { Peer, Program } from "../peer.ts";

const download = (durable: boolean): Program =>
  downloads(async (urls, directory) => {
    const outcomes = await downloadAll(urls, { directory, durable, perHost: urls.length });
    for (const outcome of outcomes) if (!outcome.ok) throw outcome.error;
  });

const peer: Peer = {
  main: (measurement) =>
    run(async () => {
      await measurement();
      endServer();
    }),
  programs: { "http-download": download(false), "http-download-durable": download(true) },
};

export default peer;
