import { type AddressInfo, createServer, type Server as NetServer, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { moveOnAfter } from "../cancel/cancel-scope.ts";
import { ParkingLot } from "../cancel/parking-lot.ts";
import { ambientScope, outsideTask } from "../cancel/scope.ts";
import { uncancellable } from "../cancel/uncancellable.ts";
import { Wait, type WaitSource } from "../cancel/wait.ts";
import { wait } from "../compose/wait.ts";
import { RuntimeError } from "../loop/errors.ts";
import type { Loop, Resource } from "../loop/loop.ts";
import type { Task } from "../tasks/task.ts";
import { closeUnix, type Endpoint, inodeOf, listen, resolved } from "./listener.ts";
import { checkReusePort } from "./reuse-port.ts";
import { checkCount, type ServerOptions, type ServerStatistics } from "./server-options.ts";
import { checkServerTls, handshakeLimit } from "./tls-options.ts";
import type { Transport, TransportOwner } from "./transport.ts";

/** How long the last of what was written to a client may take, when a server is disposed of. */
const PATIENCE = "5s";

/** What is done with a connection: gives its transport. */
export type Accept = (socket: Socket, server: Server) => Transport;

/*
 * A server's states
 *
 *   created ── startServing ──> starting ──> serving ── close ──> closed
 *      └────────────────────────── close ──────────────────────────^
 *
 * It has ended when it is closed and all its connections are gone, in whatever order.
 */
type State = "created" | "starting" | "serving" | "closed";

/**
 * Listens for connections. It takes no new one once it is closed; those that it has go on, until they end or are closed.
 *
 * `await using server = await startServer(...)` leaves nothing behind: it cancels what runs for the connections, and waits
 * until all of that has ended.
 *
 * @example
 * ```ts
 * import { createTask, run } from "brio";
 * import { openConnection, startServer } from "brio/streams";
 *
 * await run(async () => {
 *   const server = await startServer((_, writer) => writer.write("welcome\n"), "127.0.0.1", 0);
 *   const serving = createTask(() => server.serveForever()); // what a program awaits that does nothing else
 *   const [reader, writer] = await openConnection("127.0.0.1", server.port);
 *   console.log((await reader.readLine()).toString().trim()); // welcome
 *   writer.close();
 *   server.close(); // takes no new connections
 *   await serving; // and those that there were have ended
 *   console.log(server.statistics().accepted); // 1
 * });
 * ```
 */
export class Server implements AsyncDisposable, Resource, TransportOwner, WaitSource<void> {
  /** @internal */ readonly kind = "server.waitClosed";
  private readonly loop: Loop;
  private readonly endpoints: readonly Endpoint[];
  private readonly options: ServerOptions;
  private readonly accept: Accept;
  private readonly lot = new ParkingLot<void>();
  private readonly transports = new Set<Transport>();
  private readonly handlers = new Set<Task<unknown>>();
  /** What is below TLS: there from before the handshake, until it is closed. */
  private readonly encrypted = new Set<Socket>();
  /** What listens, and how it is closed. */
  private readonly listeners = new Map<NetServer, () => void>();
  private state: State = "created";
  private awaited = false;
  private disposed = false;
  private accepted = 0;
  private refused = 0;
  private failedHandshakes = 0;
  /** @internal */ lost = 0;

  /** @internal Use `startServer`. */
  constructor(loop: Loop, endpoints: readonly Endpoint[], options: ServerOptions, accept: Accept) {
    this.loop = loop;
    const { maxConnections, backlog, reusePort, tls } = options;
    checkReusePort(reusePort);
    checkServerTls(tls);
    checkCount("maxConnections", maxConnections);
    checkCount("backlog", backlog);
    this.endpoints = endpoints;
    this.options = options;
    this.accept = accept;
    loop.resources.add(this);
  }

  // -- listening -----------------------------------------------------------------------------------------

  /**
   * Begins to listen.
   *
   * *Cancel safety*: cancelled, it listens nowhere.
   *
   * @throws what the system refuses it with, such as `EADDRINUSE`; RuntimeError if it was closed.
   */
  async startServing(): Promise<void> {
    if (this.state === "serving") return;
    if (this.state === "closed") throw new RuntimeError(`${this} is closed: start a new one`);
    if (this.state === "starting") throw new RuntimeError(`${this} is being started by another task already`);
    this.state = "starting";
    try {
      const endpoints = await resolved(this.endpoints);
      let unavailable: unknown;
      for (const endpoint of endpoints) {
        try {
          await this.listenAt(endpoint, endpoints.length === 1);
        } catch (error) {
          // A name may have addresses of a family that the machine does not have.
          if ((error as NodeJS.ErrnoException).code !== "EADDRNOTAVAIL") throw error;
          unavailable ??= error;
        }
      }
      if (this.listeners.size === 0) throw unavailable;
      this.state = "serving";
    } catch (error) {
      this.close();
      throw error;
    }
  }

  private async listenAt(endpoint: Endpoint, alone: boolean): Promise<void> {
    if (this.isClosed) throw new RuntimeError(`${this} was closed before it listened`);
    const listener = this.listener();
    this.listeners.set(listener, () => listener.close());
    try {
      await listen(listener, endpoint, this.options, alone);
    } catch (error) {
      this.listeners.delete(listener);
      throw error;
    }
    listener.on("error", (exception) => {
      this.loop.callExceptionHandler({ message: `${this} could not accept a connection`, exception });
    });
    if (!("path" in endpoint)) return;
    const inode = inodeOf(endpoint.path);
    this.listeners.set(listener, () => closeUnix(listener, endpoint.path, inode));
  }

  private listener(): NetServer {
    const { tls, noDelay = true, keepAlive = false, maxConnections } = this.options;
    const accepting = { noDelay, keepAlive, allowHalfOpen: true };
    let listener: NetServer;
    if (tls === undefined) {
      listener = createServer(accepting, (socket) => this.connected(socket));
    } else {
      const { handshakeTimeout, ...options } = tls;
      // TLS has no half of a connection. (And Node would not see that a client goes away before it has shaken hands.)
      const whole = { ...accepting, allowHalfOpen: false };
      const secure = createTlsServer({
        ...whole,
        ...options,
        handshakeTimeout: handshakeLimit(handshakeTimeout),
      });
      secure.on("connection", (socket: Socket) => {
        this.encrypted.add(socket);
        socket.once("close", () => {
          this.encrypted.delete(socket);
          this.maybeForgotten();
        });
      });
      secure.on("secureConnection", (socket) => this.connected(socket));
      secure.on("tlsClientError", (_error, socket) => {
        this.failedHandshakes++;
        socket.destroy();
      });
      listener = secure;
    }
    if (maxConnections !== undefined) {
      // Node compares the number of one listener's connections with this as each one comes: the limit is for all of them.
      // (-1 and not 0, which was no limit before Node 21.)
      const limit = (): number | undefined => (this.connections >= maxConnections ? -1 : undefined);
      Object.defineProperty(listener, "maxConnections", { get: limit });
      listener.on("drop", () => this.refused++);
    }
    return listener;
  }

  private get connections(): number {
    return Math.max(this.transports.size, this.encrypted.size);
  }

  private connected(socket: Socket): void {
    if (this.disposed) {
      socket.destroy(); // its handshake ends too late
      return;
    }
    this.accepted++;
    try {
      const transport = this.accept(socket, this);
      this.transports.add(transport);
      transport.owner = this;
    } catch (exception) {
      socket.destroy();
      this.loop.callExceptionHandler({ message: `${this} could not take a connection`, exception });
    }
  }

  /** @internal */
  connectionGone(transport: Transport): void {
    this.transports.delete(transport);
    this.maybeEnded();
  }

  /** @internal A task has begun that belongs to a connection. */
  adopt(task: Task<unknown>): void {
    this.handlers.add(task);
  }

  /** @internal It has ended. */
  release(task: Task<unknown>): void {
    this.handlers.delete(task);
    this.maybeEnded();
  }

  private maybeEnded(): void {
    if (this.hasEnded) this.lot.grantAll();
  }

  // -- its end -------------------------------------------------------------------------------------------

  /** Takes no new connections. Those that there are go on. */
  close(): void {
    if (this.state === "closed") return;
    this.state = "closed";
    for (const close of this.listeners.values()) close();
    this.listeners.clear();
    this.maybeForgotten();
    this.maybeEnded();
  }

  /** The loop need not see to it any more: connections see to themselves, from the handshake on. */
  private maybeForgotten(): void {
    if (this.isClosed && this.encrypted.size === 0) this.loop.resources.delete(this);
  }

  /** Closes every connection, when what was written to it has been sent. */
  closeClients(): void {
    for (const transport of [...this.transports]) transport.close();
  }

  /** Closes every connection at once. */
  abortClients(): void {
    for (const transport of [...this.transports]) transport.abort();
    for (const socket of this.encrypted) socket.destroy();
  }

  /**
   * Waits until the server is closed and all its connections are gone, and what ran for them has ended.
   *
   * *Cancel safety*: nothing is lost.
   *
   * @throws RuntimeError in a handler of this server, which would wait for itself.
   */
  waitClosed(): Promise<void> {
    const scope = ambientScope();
    if (scope === undefined) return outsideTask("server.waitClosed()");
    if (this.isHandler(scope.owner)) return Promise.reject(this.circle());
    const wait = new Wait<void>(scope, this);
    this.lot.add(wait);
    if (this.hasEnded) wait.grant();
    return wait.begin();
  }

  /**
   * Listens until it is closed, and waits until its connections have ended then.
   *
   * *Cancel safety*: cancelled, it closes the server, cancels what runs for the connections, and waits until that has ended.
   *
   * @throws RuntimeError if another task does the same, or the server was closed; what {@link startServing} throws.
   */
  async serveForever(): Promise<void> {
    if (this.awaited) throw new RuntimeError(`${this} is being served by another task already`);
    this.awaited = true;
    try {
      await this.startServing();
      await this.waitClosed();
    } finally {
      this.awaited = false;
      await this[Symbol.asyncDispose]();
    }
  }

  /** Closes it, cancels what runs for the connections, closes these, and waits until all of that has ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    const owner = ambientScope()?.owner;
    if (owner !== undefined && this.isHandler(owner)) throw this.circle();
    this.close();
    this.disposed = true;
    for (const task of this.handlers) task.cancel("its server is closed");
    await uncancellable(
      async () => {
        while (this.handlers.size > 0) await wait([...this.handlers]);
        this.closeClients();
        await moveOnAfter(PATIENCE, () => this.waitClosed());
        this.abortClients(); // and those whose handshake is under way
        await this.waitClosed();
      },
      { grace: null },
    );
  }

  /** @internal Connections may come, and with them handlers; also those whose handshake is under way. */
  get callsIn(): boolean {
    return !this.isClosed || this.encrypted.size > 0;
  }

  /** @internal That the last connection goes, whom nobody else need wait for, ends the wait. */
  get outside(): boolean {
    return this.callsIn || this.transports.size > 0;
  }

  /** @internal Or connections would still be accepted while those who serve them end. */
  runEnds(): void {
    if (this.state === "serving") this.close();
  }

  /** @internal */
  loopCloses(): void {
    this.close();
    this.abortClients();
  }

  private isHandler(owner: object): boolean {
    return this.handlers.has(owner as Task<unknown>); // or what else owns a scope, which is not in the set
  }

  private circle(): RuntimeError {
    return new RuntimeError(
      `a handler of ${this} can't wait for its end, which would wait for the handler: server.close() is enough`,
    );
  }

  private get isClosed(): boolean {
    return this.state === "closed";
  }

  private get hasEnded(): boolean {
    return this.state === "closed" && this.transports.size === 0 && this.handlers.size === 0;
  }

  /** @internal */
  take(wait: Wait<void>): undefined {
    this.lot.remove(wait);
  }

  /** @internal */
  withdraw(wait: Wait<void>): undefined {
    this.lot.remove(wait);
  }

  // -- about it ------------------------------------------------------------------------------------------

  /** Does it listen? */
  isServing(): boolean {
    return this.state === "serving";
  }

  /** Where it listens: addresses, or paths of Unix sockets. Empty if it doesn't. */
  get sockets(): readonly (AddressInfo | string)[] {
    return [...this.listeners.keys()]
      .map((listener) => listener.address())
      .filter((address) => address !== null);
  }

  /** The port of the first address that it listens at. @throws RuntimeError if it listens at none. */
  get port(): number {
    for (const address of this.sockets) if (typeof address === "object") return address.port;
    throw new RuntimeError(`${this} has no port: it does not listen, or at a Unix socket`);
  }

  /** Its loop. */
  getLoop(): Loop {
    return this.loop;
  }

  /** Its state. */
  statistics(): ServerStatistics {
    const { accepted, refused, failedHandshakes, lost } = this;
    return { connections: this.transports.size, accepted, refused, failedHandshakes, lost };
  }

  toString(): string {
    const where = this.endpoints.map((endpoint) =>
      "path" in endpoint ? endpoint.path : `${endpoint.host ?? "*"}:${endpoint.port}`,
    );
    return `<Server at ${where.join(", ")}, ${this.state}>`;
  }
}
