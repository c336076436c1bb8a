import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { checkDescriptors } from "./descriptors.ts";

/** Of the server, and both ends of its connection. */
const MOST_DESCRIPTORS = 3;

/**
 * Two sockets that are connected with each other: Node has no other way to give a child one pipe as both its stdout and
 * its stderr. Whatever happens, no file is left.
 */
export async function socketPair(signal: AbortSignal): Promise<[ours: Socket, childs: Socket]> {
  checkDescriptors(MOST_DESCRIPTORS);
  // Only the user can reach it. (A named pipe of Windows is no file.)
  const folder = process.platform === "win32" ? null : mkdtempSync(join(tmpdir(), "brio-pipe-"));
  const path = folder === null ? `\\\\.\\pipe\\brio-${randomUUID()}` : join(folder, "pipe");
  const server = createServer();
  const made: Socket[] = [];
  try {
    return await new Promise((resolve, reject) => {
      const stop = (): void => reject(signal.reason);
      signal.addEventListener("abort", stop, { once: true });
      server.once("error", reject);
      server.listen(path, () => {
        if (signal.aborted) return;
        const childs = connect(path);
        made.push(childs);
        childs.once("error", reject);
        childs.once("close", () => reject(new Error("a pipe was closed before it was connected")));
        server.once("connection", (ours) => {
          made.push(ours);
          const connected = (): void => resolve([ours, childs]);
          if (childs.connecting) childs.once("connect", connected);
          else connected();
        });
      });
    });
  } catch (error) {
    for (const socket of made) socket.destroy();
    throw error;
  } finally {
    server.close();
    if (folder !== null) rmSync(folder, { recursive: true, force: true });
  }
}
