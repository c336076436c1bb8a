import type { Socket } from "node:net";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import { Agent, buildConnector, Client, type Dispatcher, EnvHttpProxyAgent, ProxyAgent } from "undici";
import { Connections } from "./connections.ts";
import type { Exchange } from "./exchange.ts";
import { type CheckedTimeouts, checkedCount, type HttpClientOptions, type Milliseconds } from "./options.ts";
import { Permits } from "./permits.ts";

/** Options for TLS, as Node's `tls.connect` takes them. */
export type TlsSettings = Omit<ConnectionOptions, "host" | "port" | "path" | "socket" | "timeout">;

/** How long an idle connection is kept, unless the server says otherwise. */
const KEEP_ALIVE = 4000;

/** How many requests are under way at once over a connection of HTTP/2; the server may allow fewer. */
const STREAMS = 100;

/** From so many on, hosts that nobody talks to are forgotten. */
const MANY_HOSTS = 1000;

/** What there is for one origin. */
export interface Host {
  /** For the exchanges that are under way with it. */
  readonly permits: Permits;
  /** Null if a dispatcher of undici's has them. */
  readonly connections: Connections | null;
}

/**
 * Carries exchanges: limits how many are under way, and hands them to undici, each to a connection of its own, or to a dispatcher
 * that has the connections: where several share one, go through a proxy, or are the business of others.
 *
 * Who waits for a permit waits here, in a queue of brio's: undici's own can't be left before a connection is free.
 */
export class Transport {
  /** Does code of others see the requests, which may change them? */
  readonly foreign: boolean;
  /** Is what comes in handed on to nobody but the exchanges, in buffers that nobody uses any more? */
  readonly exclusive: boolean;
  private readonly own: boolean;
  /** Null if each exchange has a connection of its own. */
  private readonly dispatcher: Dispatcher | null;
  /** What those are made with. */
  private readonly settings: Client.Options;
  private readonly perHost: number;
  private readonly total: Permits | null;
  private readonly hosts = new Map<string, Host>();
  /** Whose request undici is looking for a connection for: a new one is made then and there. */
  private dispatching: Exchange | null = null;
  /** The connection that undici is just being given. */
  private connected: TLSSocket | null = null;

  constructor(options: HttpClientOptions, { connect }: CheckedTimeouts) {
    const { limits = {}, dispatcher, interceptors = [], http2 = false, proxy } = options;
    const { tls = {}, socketPath, maxHeaderBytes } = options;
    // undici wants a number.
    this.perHost = Math.min(checkedCount("limits.perHost", limits.perHost, 1, 64), Number.MAX_SAFE_INTEGER);
    const total = checkedCount("limits.total", limits.total, 1, 256);
    this.total = total === Number.POSITIVE_INFINITY ? null : new Permits(total);
    const connections = Math.min(limits.connections ?? this.perHost, this.perHost);
    this.own = dispatcher === undefined;
    this.foreign = !this.own || interceptors.length > 0;
    this.exclusive = !this.foreign && !http2; // there, several streams share a buffer
    const secure = { ...tls, allowH2: http2, timeout: connect ?? 0 };
    this.settings = {
      allowH2: http2,
      // The exchange has clocks of its own.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE,
      connect: this.watched(
        buildConnector({ ...secure, ...(socketPath === undefined ? {} : { socketPath }) }),
      ),
      ...(maxHeaderBytes === undefined ? {} : { maxHeaderSize: maxHeaderBytes }),
    };
    if (!this.foreign && proxy === undefined && !http2 && connections === this.perHost) {
      this.dispatcher = null;
      return;
    }
    const base = dispatcher ?? this.dispatcherFor(proxy, secure, connections);
    // compose() calls the last one first.
    this.dispatcher = interceptors.length === 0 ? base : base.compose([...interceptors].reverse());
  }

  /** Lets an exchange with `origin` begin, if it may begin at once. */
  tryAdmit(origin: string): Host | null {
    const host = this.hostOf(origin);
    if (!host.permits.tryTake()) return null;
    if (this.total === null || this.total.tryTake()) return host;
    host.permits.release();
    return null;
  }

  /**
   * Waits until an exchange with `origin` may begin.
   *
   * *Cancel safety*: cancelled, it has taken no turn.
   */
  async admit(origin: string): Promise<Host> {
    const host = this.hostOf(origin);
    await host.permits.take();
    try {
      await this.total?.take();
    } catch (error) {
      this.release(host);
      throw error;
    }
    return host;
  }

  /** Hands undici a request; its exchange must have been admitted. */
  dispatch(exchange: Exchange, options: Dispatcher.DispatchOptions): void {
    const { connections } = exchange.host;
    this.dispatching = exchange;
    try {
      if (connections === null) {
        this.dispatcher?.dispatch(options, exchange);
      } else {
        exchange.client = connections.take();
        exchange.client.dispatch(options, exchange);
      }
    } finally {
      this.dispatching = null;
    }
  }

  /** An exchange that was admitted is over. */
  leave({ host, client }: Exchange, complete: boolean): void {
    if (client !== null) {
      if (complete) host.connections?.giveBack(client);
      else host.connections?.drop(client);
    }
    this.total?.release();
    this.release(host);
  }

  /** Closes all connections. Whoever uses one gets an error. */
  async destroy(): Promise<void> {
    if (this.own) await this.dispatcher?.destroy();
    await Promise.all([...this.hosts.values()].map(({ connections }) => connections?.destroy()));
  }

  private hostOf(origin: string): Host {
    let host = this.hosts.get(origin);
    if (host === undefined) {
      const connections = this.dispatcher === null ? new Connections(origin, this.settings) : null;
      host = { permits: new Permits(this.perHost), connections };
      this.hosts.set(origin, host);
    }
    return host;
  }

  private release(host: Host): void {
    host.permits.release();
    if (this.hosts.size > MANY_HOSTS) this.forgetIdleHosts();
  }

  /** A program that visits ever more hosts must not collect them. */
  private forgetIdleHosts(): void {
    for (const [origin, { permits, connections }] of this.hosts) {
      if (!permits.idle) continue;
      connections?.endFree();
      this.hosts.delete(origin);
    }
  }

  private dispatcherFor(
    proxy: string | URL | undefined,
    secure: TlsSettings & { readonly allowH2: boolean; readonly timeout: Milliseconds },
    connections: number,
  ): Dispatcher {
    // No more than may be used at once: one whose exchange has just ended is free a moment later, and worth that wait.
    const settings = { ...this.settings, connections };
    if (proxy === undefined) {
      return new Agent(settings).on("connect", (_origin, targets) => {
        const client = targets.at(-1);
        // undici does not send a request before the one before is answered, unless told to. With HTTP/2 that is what it is for.
        if (this.connected?.alpnProtocol === "h2" && client instanceof Client) client.pipelining = STREAMS;
      });
    }
    const { connect: _, ...rest } = settings; // a proxy's agent has a way of its own
    const through = { ...rest, requestTls: secure, proxyTls: { timeout: secure.timeout } };
    if (proxy === "environment") return new EnvHttpProxyAgent({ ...through, connect: secure });
    return new ProxyAgent({ ...through, uri: String(proxy) });
  }

  /** Tells an exchange of the connection that is made for it: if it is cancelled before that is there, nobody wants it. */
  private watched(connect: ReturnType<typeof buildConnector>): ReturnType<typeof buildConnector> {
    return (options, callback) => {
      const connected: typeof callback = (...result) => {
        this.connected = result[1] as TLSSocket | null; // or a plain one, which has no protocol to choose
        callback(...result);
        this.connected = null;
      };
      // It returns the socket, though its type does not say so.
      const socket = connect(options, connected) as unknown as Socket;
      this.dispatching?.connectsWith(socket);
      return socket;
    };
  }
}
