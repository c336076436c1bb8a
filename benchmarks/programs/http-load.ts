/**
 * Clients of an HTTP server, in a process of their own: they cost as little as may be, so that it is the server that is measured.
 * With arguments it is that process: it sends as many GETs as each line of stdin says over each connection, one after the
 * other, and prints a line when all are answered.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createInterface, type Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { Program } from "./peer.ts";

export const BODY = { hello: "world" };

const GET = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
/** What each response ends with: it comes with the last of its bytes. */
const END = JSON.stringify(BODY);

class Connection {
  private readonly socket: Socket;
  private left = 0;
  private done: () => void = () => {};

  constructor(port: number) {
    this.socket = connect(port, "127.0.0.1").setNoDelay().setEncoding("latin1");
    this.socket.on("data", (text: string) => {
      if (!text.endsWith(END)) return;
      if (!text.startsWith("HTTP/1.1 200") && text.length > END.length) throw new Error(`it answers ${text}`);
      this.next();
    });
    this.socket.on("close", () => process.exit(1));
  }

  run(requests: number): Promise<void> {
    this.left = requests;
    return new Promise((resolve) => {
      this.done = resolve;
      this.next();
    });
  }

  private next(): void {
    if (this.left-- > 0) this.socket.write(GET);
    else this.done();
  }
}

const [, script, port, count] = process.argv;
if (script === fileURLToPath(import.meta.url)) {
  const connections = Array.from({ length: Number(count) }, () => new Connection(Number(port)));
  for await (const requests of createInterface({ input: process.stdin })) {
    await Promise.all(connections.map((connection) => connection.run(Number(requests))));
    console.log("done");
  }
  process.exit();
}

class Clients {
  private readonly child: ChildProcessByStdio<Writable, Readable, null>;
  private readonly lines: Interface;

  constructor(port: number, connections: number) {
    const args = [fileURLToPath(import.meta.url), String(port), String(connections)];
    this.child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
    this.lines = createInterface({ input: this.child.stdout });
  }

  async run(requests: number): Promise<void> {
    this.child.stdin.write(`${requests}\n`);
    const ended = new AbortController();
    const exited = (code: number | null): void => ended.abort(new Error(`the clients ended with ${code}`));
    this.child.once("exit", exited);
    await once(this.lines, "line", { signal: ended.signal });
    this.child.removeListener("exit", exited);
  }

  end(): void {
    this.child.removeAllListeners("exit");
    this.child.kill();
  }
}

const all = new Set<Clients>();

/** A program whose operation is a request and its response. `listen` starts the server, and gives its port. */
export const answering = (listen: () => Promise<number>): Program => {
  let clients: Clients | undefined;
  return async (connections, requests) => {
    if (clients === undefined) {
      clients = new Clients(await listen(), connections);
      all.add(clients);
    }
    await clients.run(requests);
  };
};

/** Ends all clients. */
export function endLoad(): void {
  for (const clients of all) clients.end();
  all.clear();
}
