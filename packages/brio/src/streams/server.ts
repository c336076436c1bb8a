import { type AddressInfo, createServer, type Server as NetServer, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions as NodeTlsOptions } from "node:tls";
import { inspect } from "node:util";
import { moveOnAfter } from "../cancel/cancel-scope.ts";
import { interruptible } from "../cancel/foreign.ts";
import { ParkingLot } from "../cancel/parking-lot.ts";
import { ambientScope, outsideTask } from "../cancel/scope.ts";
import { uncancellable } from "../cancel/uncancellable.ts";
import { Wait, type WaitSource } from "../cancel/wait.ts";
import { wait } from "../compose/wait.ts";
import { type Duration, milliseconds } from "../loop/duration.ts";
import { RuntimeError } from "../loop/errors.ts";
import type { Loop, Resource } from "../loop/loop.ts";
import { Watcher } from "../tasks/listeners.ts";
import type { Task } from "../tasks/task.ts";
import { checkPort } from "./dns.ts";
import type { Transport } from "./transport.ts";

/** How long the last of what was written to a client may take, when a server is disposed of. */
const PATIENCE = "5s";

/** TLS of a server: Node's own options, and how long a handshake may take. */
export interface ServerTlsOptions extends Omit<NodeTlsOptions, "handshakeTimeout"> {
  /** Default "60s". */
  handshakeTimeout?: Duration | undefined;
}

/** How a server listens. */
export interface ServerOptions {
  /** Encrypt: Node's options (`key` and `cert`, `ca` and `requestCert`, `ALPNProtocols`, ...). Default: no TLS. */
  tls?: ServerTlsOptions | undefined;
  /** How many connections may wait to be accepted. Default 100. */
  backlog?: number | undefined;
  /** How many connections there may be at once; further ones are closed at once. Default: any number. */
  maxConnections?: number | undefined;
  /** Let several processes listen on the same port. Default false. */
  reusePort?: boolean | undefined;
  /** Begin to listen at once. Default true; otherwise `startServing` or `serveForever` does. */
  startServing?: boolean | undefined;
  /** Send small writes at once. Default true. */
  noDelay?: boolean | undefined;
  /** Probe idle connections. Default false. */
  keepAlive?: boolean | undefined;
}

/** The state of a {@link Server}. */
export interface ServerStatistics {
  readonly connections: number;
  /** How many there have been. */
  readonly accepted: number;
  /** How many were closed at once, because there were too many. */
  readonly refused: number;
  /** How many did not get through the TLS handshake. */
  readonly failedHandshakes: number;
}

/** Where to listen. */
export type Endpoint =
  | { readonly host: string | undefined; readonly port: number }
  | { readonly path: string };

/** What is done with a connection: gives its transport. */
export type Accept = (socket: Socket, server: Server) => Transport;

/*
 * A server's states
 *
 *   created ── startServing ──> serving ── close ──> closed
 *      └──────────────── close ──────────────────────^
 *
 * It has ended when it is closed and all its connections are gone, in whatever order.
 */
type State = "created" | "serving" | "closed";

/**
 * Listens for connections. It takes no new one once it is closed; those that it has go on, until they end or are closed.
 *
 * `await using server = await startServer(...)` leaves nothing behind: it cancels what runs for the connections, and waits
 * until all of that has ended.
 */
export class Server implements AsyncDisposable, Resource, WaitSource<void> {
  /** @internal */ readonly kind = "server.waitClosed";
  private readonly loop: Loop;
  private readonly endpoints: readonly Endpoint[];
  private readonly options: ServerOptions;
  private readonly accept: Accept;
  private readonly lot = new ParkingLot<void>();
  private readonly transports = new Set<Transport>();
  private readonly handlers = new Set<Task<unknown>>();
  /** Connections whose TLS handshake is under way. */
  private readonly unready = new Set<Socket>();
  private listeners: NetServer[] = [];
  private state: State = "created";
  private awaited = false;
  private accepted = 0;
  private refused = 0;
  private failedHandshakes = 0;

  /** @internal Use `startServer`. */
  constructor(loop: Loop, endpoints: readonly Endpoint[], options: ServerOptions, accept: Accept) {
    this.loop = loop;
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
    this.state = "serving";
    try {
      for (const endpoint of this.endpoints) {
        const listener = this.listener();
        this.listeners.push(listener);
        await interruptible((signal) => listen(listener, endpoint, this.options, signal));
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  private listener(): NetServer {
    const { tls, noDelay = true, keepAlive = false, maxConnections } = this.options;
    const accepting = { noDelay, keepAlive, allowHalfOpen: true };
    let listener: NetServer;
    if (tls === undefined) {
      listener = createServer(accepting, (socket) => this.connected(socket));
    } else {
      const { handshakeTimeout = "60s", ...options } = tls;
      const limit = milliseconds(handshakeTimeout, "handshakeTimeout");
      const secure = createTlsServer({ ...accepting, ...options, handshakeTimeout: limit });
      secure.on("connection", (socket: Socket) => {
        this.unready.add(socket);
        socket.once("close", () => this.unready.delete(socket));
      });
      secure.on("secureConnection", (socket) => this.connected(socket));
      secure.on("tlsClientError", (_error, socket) => {
        this.failedHandshakes++;
        socket.destroy();
      });
      listener = secure;
    }
    if (maxConnections !== undefined) listener.maxConnections = maxConnections;
    listener.on("drop", () => this.refused++);
    listener.on("error", (exception) => {
      this.loop.callExceptionHandler({ message: `${this} could not accept a connection`, exception });
    });
    return listener;
  }

  private connected(socket: Socket): void {
    this.accepted++;
    this.transports.add(this.accept(socket, this));
  }

  /** @internal A connection is gone. */
  detach(transport: Transport): void {
    this.transports.delete(transport);
    this.maybeEnded();
  }

  /** @internal A task has begun that belongs to a connection: this is closed when the task has ended. */
  adopt(task: Task<unknown>, transport: Transport): void {
    this.handlers.add(task);
    const ended = (): void => {
      this.handlers.delete(task);
      transport.close();
      this.maybeEnded();
    };
    task.observe(new Watcher(ended, null));
  }

  private maybeEnded(): void {
    if (this.hasEnded) this.lot.grantAll();
  }

  // -- its end -------------------------------------------------------------------------------------------

  /** Takes no new connections. Those that there are go on. */
  close(): void {
    if (this.state === "closed") return;
    this.state = "closed";
    this.loop.resources.delete(this);
    for (const listener of this.listeners) listener.close();
    this.maybeEnded();
  }

  /** Closes every connection, when what was written to it has been sent. */
  closeClients(): void {
    for (const transport of [...this.transports]) transport.close();
  }

  /** Closes every connection at once. */
  abortClients(): void {
    for (const transport of [...this.transports]) transport.abort();
    for (const socket of this.unready) socket.destroy();
  }

  /**
   * Waits until the server is closed and all its connections are gone, and what ran for them has ended.
   *
   * *Cancel safety*: nothing is lost.
   */
  waitClosed(): Promise<void> {
    const scope = ambientScope();
    if (scope === undefined) return outsideTask("server.waitClosed()");
    const wait = new Wait<void>(scope, this);
    this.lot.add(wait);
    if (this.hasEnded) wait.grant();
    return wait.begin();
  }

  /**
   * Listens until it is closed, or the task is cancelled: then it is closed, what runs for the connections is cancelled,
   * and waited for.
   *
   * *Cancel safety*: as said.
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
    this.close();
    for (const task of this.handlers) task.cancel("its server is closed");
    for (const socket of this.unready) socket.destroy();
    await uncancellable(
      async () => {
        while (this.handlers.size > 0) await wait([...this.handlers]);
        this.closeClients();
        await moveOnAfter(PATIENCE, () => this.waitClosed());
        this.abortClients();
        await this.waitClosed();
      },
      { grace: null },
    );
  }

  /** @internal */
  loopCloses(): void {
    this.close();
    this.abortClients();
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
    return this.listeners.map((listener) => listener.address()).filter((address) => address !== null);
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
    const { accepted, refused, failedHandshakes } = this;
    return { connections: this.transports.size, accepted, refused, failedHandshakes };
  }

  toString(): string {
    const where = this.endpoints.map((endpoint) =>
      "path" in endpoint ? endpoint.path : `${endpoint.host ?? "*"}:${endpoint.port}`,
    );
    return `<Server at ${where.join(", ")}, ${this.state}>`;
  }
}

function listen(
  listener: NetServer,
  endpoint: Endpoint,
  { backlog = 100, reusePort = false }: ServerOptions,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => {
      listener.close();
      reject(signal.reason);
    };
    const failed = (error: Error): void => {
      signal.removeEventListener("abort", aborted);
      reject(error);
    };
    signal.addEventListener("abort", aborted);
    listener.once("error", failed);
    const where = "path" in endpoint ? endpoint : { ...endpoint, reusePort };
    listener.listen({ ...where, backlog } as never, () => {
      signal.removeEventListener("abort", aborted);
      listener.removeListener("error", failed);
      resolve();
    });
  });
}

/** The places that `host` and `port` stand for. */
export function endpointsOf(host: string | readonly string[] | null, port: number): Endpoint[] {
  checkPort(port);
  const hosts = typeof host === "string" ? [host] : (host ?? [""]);
  for (const one of hosts) {
    if (typeof one !== "string")
      throw new TypeError(`host must be a name, an address, several, or null; got ${inspect(host)}`);
  }
  return hosts.map((one) => ({ host: one === "" ? undefined : one, port }));
}
