import { command, downloads, endServer } from "../http-download.ts";
import type { Peer } from "../peer.ts";

const peer: Peer = {
  main: async (measurement) => {
    await measurement();
    endServer();
  },
  programs: {
    "http-download": downloads((urls, directory) => {
      const oneConnectionEach = ["-x1", "-s1", `-j${urls.length}`, "--force-sequential"];
      return command("aria2c", ["--quiet", "--no-conf", ...oneConnectionEach, "-d", directory, ...urls]);
    }),
  },
};

export default peer;
