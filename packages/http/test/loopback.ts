// Servers on this machine, for a test: what they hear and what they answer.
import { once } from "node:events";
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import net, { type AddressInfo, type Socket } from "node:net";
import { Event, interruptible } from "brio";

/** A server, and what has come in. Disposed of, it is gone with all its connections. */
export class Loopback implements AsyncDisposable {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  readonly port: number;
  /** `GET /path`, in the order in which they came. */
  readonly asked: string[] = [];
  /** The connections that are open. */
  readonly sockets: Set<Socket> = new Set();
  /** How many connections there have been. */
  connections = 0;
  private readonly server: net.Server;
  private readonly changed = new Event();

  constructor(server: net.Server) {
    this.server = server;
    this.port = (server.address() as AddressInfo).port;
    this.url = `http://127.0.0.1:${this.port}`;
    server.on("connection", (socket: Socket) => {
      this.connections++;
      this.sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        this.sockets.delete(socket);
        this.note();
      });
      this.note();
    });
  }

  /** Something has happened that somebody may wait for. */
  note(): void {
    this.changed.set();
  }

  /** Waits until something is so, looking at it whenever something has happened. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      this.changed.clear();
      await this.changed.wait();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.server, "close");
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
    await interruptible(closed);
  }
}

/** An HTTP server. */
export async function serveHttp(
  handler: (request: IncomingMessage, response: ServerResponse, server: Loopback) => unknown,
  options: { readonly create?: (listener: RequestListener) => Server } = {},
): Promise<Loopback> {
  let loopback: Loopback;
  const listener: RequestListener = (request, response) => {
    loopback.asked.push(`${request.method} ${request.url}`);
    loopback.note();
    request.on("error", () => {});
    Promise.resolve(handler(request, response, loopback)).catch((error: unknown) => {
      if (!request.destroyed) throw error; // otherwise: the client has left, as clients do
    });
  };
  const server = (options.create ?? createServer)(listener);
  server.listen(0, "127.0.0.1");
  await interruptible(once(server, "listening"));
  loopback = new Loopback(server);
  return loopback;
}

/** A server that does with its connections what it wants. */
export async function serveRaw(handler: (socket: Socket, server: Loopback) => unknown): Promise<Loopback> {
  const server = net.createServer((socket) => {
    void handler(socket, loopback);
    socket.resume(); // who does not read does not see that the other side is gone
  });
  server.listen(0, "127.0.0.1");
  await interruptible(once(server, "listening"));
  const loopback = new Loopback(server);
  return loopback;
}

/** All of a request's body. */
export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

/** Sets aside what was asked with, as JSON. */
export async function echo(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await bodyOf(request);
  response.setHeader("content-type", "application/json");
  const { method, url, headers } = request;
  response.end(JSON.stringify({ method, url, headers, body: body.toString("latin1") }));
}

/** What {@link echo} answers. */
export interface Echo {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}
