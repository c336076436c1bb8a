/**
 * What the HTTP clients ask, in a process of its own. With an argument it is that process: it prints its port, and ends when its
 * stdin does.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { check, type Program } from "./peer.ts";

const TEXT = "hello, world";
const SERVE = "--serve";

if (process.argv[2] === SERVE) {
  const server = createServer({ noDelay: true }, (_request, response) => response.end(TEXT));
  server.keepAliveTimeout = 600_000;
  server.listen(0, "127.0.0.1", () => console.log((server.address() as AddressInfo).port)); // it listens at a port
  process.stdin.resume().on("end", () => process.exit());
}

let child: ChildProcess | undefined;
let url: string | undefined;

async function serve(): Promise<string> {
  const script = fileURLToPath(import.meta.url);
  const started = spawn(process.execPath, [script, SERVE], { stdio: ["pipe", "pipe", "inherit"] });
  child = started;
  const [port] = (await once(createInterface({ input: started.stdout }), "line")) as [string];
  return `http://127.0.0.1:${port}/`;
}

/** A program whose operation is a GET, and reading what comes. */
export const gets =
  (
    get: (url: string) => Promise<string>,
    together: (work: (() => Promise<void>)[]) => Promise<unknown>,
  ): Program =>
  async (tasks, turns) => {
    url ??= await serve();
    const where = url;
    const one = async (): Promise<void> => {
      for (let turn = 0; turn < turns; turn++) check("the body", await get(where), TEXT);
    };
    await together(Array.from({ length: tasks }, () => one));
  };

export function endServer(): void {
  child?.stdin?.end();
  child = undefined;
  url = undefined;
}
