/**
 * Files to download, from a process of its own. With an argument it is that process: it prints its port, and ends when its stdin does.
 * `/64/name` has 64 MiB: all of one buffer, so that it costs the server nothing but what the system does.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { check, type Program, range } from "./peer.ts";

const SERVE = "--serve";
const MEBIBYTE = 1024 * 1024;
const LARGEST = 64 * MEBIBYTE;

if (process.argv[2] === SERVE) {
  const content = Buffer.alloc(LARGEST, "what is in the files ");
  const server = createServer((request, response) => {
    const size = Number(request.url?.split("/")[1]) * MEBIBYTE;
    response.writeHead(200, { "content-length": size, etag: '"the same"' }).end(content.subarray(0, size));
  });
  server.listen(0, "127.0.0.1", () => console.log((server.address() as AddressInfo).port)); // it listens at a port
  process.stdin.resume().on("end", () => process.exit());
}

let child: ChildProcess | undefined;
let base: string | undefined;

async function serve(): Promise<string> {
  const script = fileURLToPath(import.meta.url);
  const started = spawn(process.execPath, [script, SERVE], { stdio: ["pipe", "pipe", "inherit"] });
  child = started;
  const [port] = (await once(createInterface({ input: started.stdout }), "line")) as [string];
  return `http://127.0.0.1:${port}`;
}

/** The end of a URL is the file's name. */
export const nameOf = (url: string): string => url.slice(url.lastIndexOf("/") + 1);

/**
 * A program whose operation is a MiB; it gives how long they took. The files go to a folder that is new each time: removing it is not
 * what is measured, nor what it costs to replace files.
 */
export const downloads =
  (download: (urls: readonly string[], directory: string) => Promise<unknown>): Program =>
  async (files, mebibytes) => {
    base ??= await serve();
    const urls = range(files).map((file) => `${base}/${mebibytes}/${file}.bin`);
    const directory = await mkdtemp(join(tmpdir(), "brio-bench-"));
    try {
      const start = performance.now();
      await download(urls, directory);
      const duration = performance.now() - start;
      for (const url of urls) {
        const { size } = await stat(join(directory, nameOf(url)));
        check(`the size of ${url}`, size, mebibytes * MEBIBYTE);
      }
      return duration;
    } finally {
      await rm(directory, { recursive: true });
    }
  };

/** A download by a command: from its start to its end. */
export async function command(name: string, args: readonly string[]): Promise<void> {
  const started = spawn(name, args, { stdio: ["ignore", "ignore", "inherit"] });
  const [code] = (await once(started, "close")) as [number | null];
  check(`the exit code of ${name}`, code, 0);
}

export function endServer(): void {
  child?.stdin?.end();
  child = undefined;
  base = undefined;
}
