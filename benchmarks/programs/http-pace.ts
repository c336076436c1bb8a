/**
 * Clients of an HTTP server that ask at a steady pace, whether it answers or not, in a process of their own. With arguments it
 * is that process: for each line of its standard input it prints a line, as JSON.
 *
 *   NUMBER          so many requests over each connection, each when the one before is answered; the rate, in requests/ms
 *   NUMBER RATE     so many requests over each connection, begun at this rate; the latency of each, in ms, from the moment at
 *                   which it should have begun
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createInterface, type Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { BODY } from "./http-apps.ts";
import type { Program } from "./peer.ts";

const GET = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
/** What each response ends with: it comes with the last of its bytes. */
const END = JSON.stringify(BODY);
/** How much of what a server can do is asked of it. */
const SHARE = 0.8;

class Connection {
  private readonly socket: Socket;
  /** When each request that is not answered yet was due. */
  private readonly due: number[] = [];
  private readonly answered: (due: number) => void;

  constructor(port: number, answered: (due: number) => void) {
    this.answered = answered;
    this.socket = connect(port, "127.0.0.1").setNoDelay().setEncoding("latin1");
    this.socket.on("data", (text: string) => {
      if (!text.endsWith(END)) return;
      if (!text.startsWith("HTTP/1.1 200") && text.length > END.length) throw new Error(`it answers ${text}`);
      const due = this.due.shift() as number; // nothing is answered that was not asked
      if (this.due.length > 0) this.socket.write(GET);
      this.answered(due);
    });
    this.socket.on("close", () => process.exit(1));
  }

  ask(due: number): void {
    this.due.push(due);
    if (this.due.length === 1) this.socket.write(GET);
  }
}

class Clients {
  private readonly connections: Connection[];
  private answered: (due: number, connection: number) => void = () => {};

  constructor(port: number, count: number) {
    this.connections = Array.from(
      { length: count },
      (_, index) => new Connection(port, (due) => this.answered(due, index)),
    );
  }

  /** Requests per millisecond. */
  async capacity(requests: number): Promise<number> {
    const { connections } = this;
    const begin = performance.now();
    await new Promise<void>((resolve) => {
      let left = connections.length * requests;
      const asked = connections.map(() => 1);
      this.answered = (_due, index) => {
        if (--left === 0) resolve();
        const so = asked[index] ?? 0;
        asked[index] = so + 1;
        if (so < requests) connections[index]?.ask(0);
      };
      for (const connection of connections) connection.ask(0);
    });
    return (connections.length * requests) / (performance.now() - begin);
  }

  /** The latencies, at so many requests per millisecond. */
  async latencies(requests: number, rate: number): Promise<number[]> {
    const { connections } = this;
    const count = connections.length * requests;
    const found: number[] = [];
    const begin = performance.now();
    await new Promise<void>((resolve) => {
      this.answered = (due) => {
        found.push(performance.now() - due);
        if (found.length === count) resolve();
      };
      let begun = 0;
      const turn = (): void => {
        const now = performance.now();
        for (let due = begin + begun / rate; due <= now && begun < count; due = begin + begun / rate) {
          connections[begun % connections.length]?.ask(due);
          begun++;
        }
        if (begun < count) setImmediate(turn);
      };
      turn();
    });
    return found;
  }
}

const [, script, port, count] = process.argv;
if (script === fileURLToPath(import.meta.url)) {
  const clients = new Clients(Number(port), Number(count));
  for await (const line of createInterface({ input: process.stdin })) {
    const [requests = 0, rate] = line.split(" ").map(Number);
    const answer = rate === undefined ? clients.capacity(requests) : clients.latencies(requests, rate);
    console.log(JSON.stringify(await answer));
  }
  process.exit();
}

class ClientProcess {
  private readonly child: ChildProcessByStdio<Writable, Readable, null>;
  private readonly lines: Interface;

  constructor(port: number, connections: number) {
    const args = [fileURLToPath(import.meta.url), String(port), String(connections)];
    this.child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
    this.lines = createInterface({ input: this.child.stdout });
  }

  async ask(line: string): Promise<unknown> {
    this.child.stdin.write(`${line}\n`);
    const ended = new AbortController();
    const exited = (code: number | null): void => ended.abort(new Error(`the clients ended with ${code}`));
    this.child.once("exit", exited);
    const [answer] = (await once(this.lines, "line", { signal: ended.signal })) as [string];
    this.child.removeListener("exit", exited);
    return JSON.parse(answer);
  }

  end(): void {
    this.child.kill();
  }
}

const all = new Set<ClientProcess>();

/** A program that gives how long each request takes while the server has four fifths of what it can do. */
export const paced = (listen: () => Promise<number>): Program => {
  let clients: ClientProcess | undefined;
  return async (connections, requests) => {
    if (clients === undefined) {
      clients = new ClientProcess(await listen(), connections);
      all.add(clients);
    }
    const capacity = (await clients.ask(`${requests}`)) as number; // what the process prints
    return await clients.ask(`${requests} ${capacity * SHARE}`);
  };
};

/** Ends all clients. */
export function endClients(): void {
  for (const clients of all) clients.end();
  all.clear();
}
