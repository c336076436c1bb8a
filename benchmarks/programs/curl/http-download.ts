import { command, downloads, endServer } from "../http-download.ts";
import type { Peer } from "../peer.ts";

const peer: Peer = {
  main: async (measurement) => {
    await measurement();
    endServer();
  },
  programs: {
    "http-download": downloads((urls, directory) =>
      command("curl", ["--silent", "--parallel", "--remote-name-all", "--output-dir", directory, ...urls]),
    ),
  },
};

export default peer;
