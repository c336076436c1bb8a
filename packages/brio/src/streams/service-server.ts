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
  private readonly server: NetServer;
  private readonly sockets = new Set<Socket>();
  private readonly closed = new Event();

  constructor(server: NetServer) {
    this.server = server;
    server.on("connection", (socket: Socket) => {
      this.sockets.add(socket);
      socket.once("close", () => this.sockets.delete(socket));
    });
    server.once("close", () => this.closed.set());
  }

  close(): void {
    const { server } = this;
    if (!server.listening) {
      if (this.sockets.size === 0) this.closed.set();
      return;
    }
    // Of HTTP: a connection that has answered its last request is closed, and not kept for more.
    if ("keepAliveTimeout" in server) server.keepAliveTimeout = 1;
    server.close();
    if ("closeIdleConnections" in server) (server.closeIdleConnections as () => void)(); // as it is named
  }

  async waitClosed(): Promise<void> {
    await this.closed.wait();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
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
