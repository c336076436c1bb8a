import type { EventEmitter } from "node:events";
import { Server as NetServer, type Socket } from "node:net";
import { inspect } from "node:util";
import { Event } from "../sync/event.ts";

/** What a service needs of a server: a `Server` of brio's has it; others can be wrapped. */
export interface ServiceServer extends AsyncDisposable {
  /** Accepts nothing more. What was accepted goes on. Does not wait. */
  close(): unknown;
  /** Waits until all that was accepted has ended. */
  waitClosed(): PromiseLike<unknown>;
}

/** A server of Node's own (`node:net`, `node:http`, `node:https`, ...), as a service needs it. */
class NodeServiceServer implements ServiceServer {
  private readonly server: NetServer & {
    closeIdleConnections?: () => void;
    closeAllConnections?: () => void;
  };
  private readonly sockets = new Set<Socket>();
  private readonly ended = new Event();
  private closing = false;

  constructor(server: NetServer) {
    this.server = server;
    server.on("connection", (socket: Socket) => {
      this.sockets.add(socket);
      socket.once("close", () => this.sockets.delete(socket));
    });
    // Of HTTP: a connection that has answered its last request is closed, and not kept for more.
    server.on("request", (_request: unknown, response: EventEmitter) => {
      response.once("close", () => {
        if (this.closing) this.closeIdle();
      });
    });
    server.once("close", () => this.ended.set());
  }

  close(): void {
    if (this.closing) return;
    this.closing = true;
    if (this.server.listening) {
      this.server.close();
      this.closeIdle();
    } else if (this.sockets.size === 0) {
      this.ended.set();
    }
  }

  /** Of HTTP: closes what has nothing to answer. */
  private closeIdle(): void {
    if (this.server.closeIdleConnections === undefined) return;
    this.server.closeIdleConnections();
    // Node leaves alone those that have never asked anything.
    for (const socket of this.sockets) if (socket.bytesRead === 0) socket.destroy();
  }

  async waitClosed(): Promise<void> {
    await this.ended.wait();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    this.server.closeAllConnections?.(); // also those from before it was added
    for (const socket of this.sockets) socket.destroy();
    await this.waitClosed();
  }
}

/** The server as a service needs it. */
export function serviceServer(server: ServiceServer | NetServer): ServiceServer {
  if (server instanceof NetServer) return new NodeServiceServer(server);
  const { close, waitClosed } = (server ?? {}) as Partial<ServiceServer>;
  if (
    typeof close !== "function" ||
    typeof waitClosed !== "function" ||
    typeof server[Symbol.asyncDispose] !== "function"
  ) {
    throw new TypeError(
      `service.add() takes a server: of startServer(), of Node's, or with close(), waitClosed() and [Symbol.asyncDispose](); got ${inspect(server, { depth: 0 })}`,
    );
  }
  return server;
}
