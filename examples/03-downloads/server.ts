// An HTTP server of this program's own. Each answer is a task in a group: when the group is left, no answer is left.
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { interruptible, sleep, sleepForever, taskGroup } from "brio";
import type { SiteFile } from "./site.ts";

const CHUNK = 64 * 1024;
const PAUSE_BETWEEN_CHUNKS = "4ms";

/**
 * Serves `files` on a free port of this machine while `body` runs: as `/<anything>/<name>`, so that each `<anything>` sees
 * the same faults.
 */
export async function serving<T>(
  files: readonly SiteFile[],
  body: (origin: string) => Promise<T>,
): Promise<T> {
  const byName = new Map(files.map((file) => [file.name, file]));
  const askedFor = new Set<string>();

  return await taskGroup(async (group) => {
    const server = createServer((request, response) => {
      const path = request.url ?? "";
      const file = byName.get(path.slice(path.lastIndexOf("/") + 1));
      if (file === undefined) {
        response.writeHead(404).end("no such file\n");
        return;
      }
      const first = !askedFor.has(path);
      askedFor.add(path);
      const task = group.createTask(() => answer(file, first, response), { name: `GET ${path}` });
      response.once("close", () => task.cancel("the client has hung up"));
    });
    server.listen(0, "127.0.0.1");
    await interruptible((signal) => once(server, "listening", { signal }));
    try {
      const { port } = server.address() as AddressInfo; // it listens on a port, not on a pipe
      return await body(`http://127.0.0.1:${port}`);
    } finally {
      server.close();
      server.closeAllConnections(); // which cancels the answers that are under way
    }
  });
}

async function answer(file: SiteFile, first: boolean, response: ServerResponse): Promise<void> {
  const { content, fault } = file;
  await sleep(file.latency);
  if (fault === "always unavailable" || (fault === "unavailable once" && first)) {
    response.writeHead(503).end("try again later\n");
    return;
  }
  const failing = first && fault !== "none";
  const end = failing ? content.length * 0.6 : content.length;
  response.writeHead(200, { "content-type": "application/octet-stream", "content-length": content.length });
  for (let at = 0; at < end; at += CHUNK) {
    if (!response.write(content.subarray(at, Math.min(at + CHUNK, end)))) {
      await interruptible((signal) => once(response, "drain", { signal }));
    }
    await sleep(PAUSE_BETWEEN_CHUNKS);
  }
  if (!failing) response.end();
  else if (fault === "cut once") response.destroy();
  else await sleepForever(); // until the client loses patience
}
