/** Large files over HTTP/1.1, one connection for each: the network and the disk at once. A turn is a MiB of a file. */
import type { Row } from "../harness/row.ts";

const shared = {
  group: "http-download",
  measure: "own-rate",
  unit: "MiB/s",
  better: "higher",
  load: { tasks: 8, turns: 64 },
} as const;

export const httpDownload: readonly Row[] = [
  {
    ...shared,
    name: "http-download",
    title: "8 files of 64 MiB at once, to the file system",
    peers: ["brio", "undici", "curl", "aria2", "aiohttp"],
  },
  {
    ...shared,
    name: "http-download-durable",
    title: "the same, and wait until they would survive a loss of power (`fsync`)",
    peers: ["brio", "undici", "aiohttp"],
  },
];
