import type { Http2Session } from "node:http2";
import { Server as NetServer, Socket } from "node:net";
import { Event } from "brio";

/**
 * For how long, in milliseconds, an idle connection is kept at the end: a request that was sent before the client could
 * know is answered, and not cut off.
 */
const LINGER = 250;

/*
 * A connection at the end of its server
 *
 *   answering   a request of it is under way: it is closed after the response, which says so (Connection: close)
 *   idle        for LINGER it may still send a request, which is answered; then it is closed. So is one whose request is
 *               incomplete: that is not accepted yet.
 */
/** A connection over which requests come. */
export class Connection {
  readonly socket: Socket;
  readonly owner: Connections;
  /** How many requests of it are under way. */
  requests: number;

  constructor(socket: Socket, owner: Connections, requests: number) {
    this.socket = socket;
    this.owner = owner;
    this.requests = requests;
  }
}

/** Where a socket has its connection: looking it up costs less than in a map. */
const CONNECTION: unique symbol = Symbol("brio connection");

/** The listening servers and open connections of a server, and how they end. */
export class Connections {
  private readonly servers = new Set<NetServer>();
  private readonly listening = new Set<NetServer>();
  private readonly open = new Set<Connection>();
  private readonly sessions = new Set<Http2Session>();
  private readonly ended = new Event();
  private closing = false;
  private lingered = false;

  /** Takes a server's connections under its care. Twice is fine. */
  attach(server: NetServer): void {
    if (this.servers.has(server)) return;
    this.servers.add(server);
    this.listening.add(server);
    // HTTP/2 says itself that it ends, and ends when its requests have: their connections count as busy until then.
    const multiplexed = typeof (server as { updateSettings?: unknown }).updateSettings === "function";
    server.on("connection", (socket: Socket) => this.opened(socket, multiplexed ? 1 : 0));
    server.on("session", (session: Http2Session) => {
      this.sessions.add(session);
      session.once("close", () => this.sessions.delete(session));
      if (this.lingered) session.close();
    });
    server.once("close", () => {
      this.listening.delete(server);
      this.look();
    });
    if (this.closing) this.closeServer(server);
  }

  private opened(socket: Socket, requests: number): Connection {
    const connection = new Connection(socket, this, requests);
    (socket as { [CONNECTION]?: Connection })[CONNECTION] = connection;
    this.open.add(connection);
    socket.once("close", () => {
      this.open.delete(connection);
      this.look();
    });
    return connection;
  }

  /** A request has come in on the connection. Null if it is none: what injects requests makes up its sockets. */
  take(socket: Socket): Connection | null {
    let connection = (socket as { [CONNECTION]?: Connection })[CONNECTION];
    if (connection?.owner !== this) {
      if (socket.destroyed || !(socket instanceof Socket)) return null;
      const { server } = socket as Socket & { server?: NetServer | null };
      if (server instanceof NetServer && !this.servers.has(server)) this.attach(server);
      connection = this.opened(socket, 0); // it is older than the attachment
    }
    connection.requests++;
    return connection;
  }

  /** A request of the connection is over. */
  release(connection: Connection): void {
    connection.requests--;
    if (this.lingered && connection.requests === 0) setTimeout(() => this.dismiss(connection), LINGER);
  }

  /** How many there are. */
  get size(): number {
    return this.open.size;
  }

  /** Accepts no further connections, and lets go of idle ones. */
  close(): void {
    if (this.closing) return;
    this.closing = true;
    for (const server of this.listening) this.closeServer(server);
    setTimeout(() => {
      this.lingered = true;
      for (const connection of [...this.open]) this.dismiss(connection);
      for (const session of this.sessions) session.close();
    }, LINGER);
    this.look();
  }

  private closeServer(server: NetServer): void {
    // Not close() of node:http: that cuts off idle connections at once, and with them what is on its way to us.
    if (server.listening) NetServer.prototype.close.call(server);
    else this.listening.delete(server);
  }

  private dismiss({ socket, requests }: Connection): void {
    if (requests === 0) socket.destroy();
  }

  private look(): void {
    if (this.closing && this.listening.size === 0 && this.open.size === 0) this.ended.set();
  }

  /** Waits until there is none left. */
  async waitClosed(): Promise<void> {
    await this.ended.wait();
  }

  /** Ends them all at once. */
  destroy(): void {
    this.close();
    for (const { socket } of [...this.open]) socket.destroy();
  }
}
