/** Clients of an HTTP server that cost as little as may be, so that it is the server that is measured: wrk. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Program } from "./peer.ts";

/** For how long it asks, in seconds: whole ones are all that it takes. */
const LENGTH = 1;

/** Requests per second that the server at this port answers, over so many connections. */
async function requestsPerSecond(port: number, connections: number): Promise<number> {
  const args = ["-t1", `-c${connections}`, `-d${LENGTH}s`, `http://127.0.0.1:${port}/`];
  const { stdout } = await promisify(execFile)("wrk", args);
  const errors = /Non-2xx.*|Socket errors.*/.exec(stdout)?.[0];
  if (errors !== undefined) throw new Error(errors);
  const rate = Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]);
  if (!(rate > 0)) throw new Error(`wrk prints ${stdout}`);
  return rate;
}

/** A program whose operation is a request and its response. `listen` starts the server, and gives its port. */
export const answering = (listen: () => Promise<number>): Program => {
  let port: number | undefined;
  return async (connections, requests) => {
    port ??= await listen();
    return (connections * requests * 1000) / (await requestsPerSecond(port, connections));
  };
};
