/** What the echo programs in JavaScript share: a client in a process of its own, which is told how much to send. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createInterface, type Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { Program } from "./peer.ts";

const script = fileURLToPath(new URL("echo-client.ts", import.meta.url));

class Client {
  private readonly child: ChildProcessByStdio<Writable, Readable, null>;
  private readonly lines: Interface;

  constructor(port: number, size: number, connections: number, active = connections) {
    const args = [script, port, size, connections, active].map(String);
    this.child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
    this.lines = createInterface({ input: this.child.stdout });
  }

  /** Waits until the client has done what it was told. */
  answer(): Promise<void> {
    return new Promise((resolve, reject) => {
      const exited = (code: number | null) => reject(new Error(`the client ended with ${code}`));
      this.child.once("exit", exited);
      this.lines.once("line", (line) => {
        this.child.removeListener("exit", exited);
        if (line === "ready" || line === "done") resolve();
        else reject(new Error(line));
      });
    });
  }

  async run(messages: number): Promise<void> {
    this.child.stdin.write(`${messages}\n`);
    await this.answer();
  }

  /** It ends when this process does. */
  release(): void {
    this.child.stdin.end();
  }
}

const clients = new Set<Client>();

/** A program whose operation is a message there and back. `listen` starts the server, and gives its port. */
export const echo =
  (listen: () => Promise<number>) =>
  (size: number): Program => {
    let client: Client | undefined;
    return async (connections, messages) => {
      if (client === undefined) {
        client = new Client(await listen(), size, connections);
        clients.add(client);
        await client.answer(); // it is connected
      }
      await client.run(messages);
    };
  };

/** A program after which `connections` are open, of which a tenth has sent messages. */
export const held =
  (listen: () => Promise<number>, size: number): Program =>
  async (connections, messages) => {
    const client = new Client(await listen(), size, connections, connections / 10);
    clients.add(client);
    await client.answer(); // it is connected
    await client.run(messages);
  };

/** Ends all clients. */
export function endClients(): void {
  for (const client of clients) client.release();
  clients.clear();
}
