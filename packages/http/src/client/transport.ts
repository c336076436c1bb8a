import type { Socket } from "node:net";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import { Agent, buildConnector, Client, type Dispatcher, EnvHttpProxyAgent, ProxyAgent } from "undici";
import type { Exchange } from "./exchange.ts";
import { type CheckedTimeouts, checkedCount, type HttpClientOptions } from "./options.ts";
import { Permits } from "./permits.ts";

/** Options for TLS, as Node's `tls.connect` takes them. */
export type TlsSettings = Omit<ConnectionOptions, "host" | "port" | "path" | "socket" | "timeout">;

/** How long an idle connection is kept, unless the server says otherwise. */
const KEEP_ALIVE = 4000;

/** How many requests are under way at once over a connection of HTTP/2; the server may allow fewer. */
const STREAMS = 100;

/** From so many on, hosts that nobody talks to are forgotten. */
const MANY_HOSTS = 1000;

/**
 * Carries exchanges: limits how many are under way, and hands them to undici, which has the connections.
 *
 * Who waits for a permit waits here, in a queue of brio's: undici's own can't be left before a connection is free.
 */
export class Transport {
  private readonly dispatcher: Dispatcher;
  private readonly own: boolean;
  /** Does code of others see the requests, which may change them? */
  readonly foreign: boolean;
  private readonly perHost: number;
  private readonly total: Permits | null;
  private readonly hosts = new Map<string, Permits>();
  /** Whose request undici is looking for a connection for: a new one is made then and there. */
  private dispatching: Exchange | null = null;
  /** The connection that undici is just being given. */
  private connected: TLSSocket | null = null;

  constructor(options: HttpClientOptions, timeouts: CheckedTimeouts) {
    const { limits = {}, dispatcher, interceptors = [] } = options;
    // undici wants a number.
    this.perHost = Math.min(checkedCount("limits.perHost", limits.perHost, 1, 64), Number.MAX_SAFE_INTEGER);
    const total = checkedCount("limits.total", limits.total, 1, 256);
    this.total = total === Number.POSITIVE_INFINITY ? null : new Permits(total);
    this.own = dispatcher === undefined;
    this.foreign = !this.own || interceptors.length > 0;
    const base = dispatcher ?? this.dispatcherFor(options, timeouts);
    // compose() calls the last one first.
    this.dispatcher = interceptors.length === 0 ? base : base.compose([...interceptors].reverse());
  }

  /** Lets an exchange with `origin` begin, if it may begin at once; gives what is to {@link leave} at its end. */
  tryAdmit(origin: string): Permits | null {
    const host = this.hostOf(origin);
    if (!host.tryTake()) return null;
    if (this.total === null || this.total.tryTake()) return host;
    host.release();
    return null;
  }

  /**
   * Waits until an exchange with `origin` may begin.
   *
   * *Cancel safety*: cancelled, it has taken no turn.
   */
  async admit(origin: string): Promise<Permits> {
    const host = this.hostOf(origin);
    await host.take();
    try {
      await this.total?.take();
    } catch (error) {
      this.release(host);
      throw error;
    }
    return host;
  }

  /** An exchange is over. */
  leave(host: Permits): void {
    this.total?.release();
    this.release(host);
  }

  private hostOf(origin: string): Permits {
    let host = this.hosts.get(origin);
    if (host === undefined) {
      host = new Permits(this.perHost);
      this.hosts.set(origin, host);
    }
    return host;
  }

  private release(host: Permits): void {
    host.release();
    if (this.hosts.size > MANY_HOSTS) this.forgetIdleHosts();
  }

  /** A program that visits ever more hosts must not collect them. */
  private forgetIdleHosts(): void {
    for (const [origin, host] of this.hosts) if (host.idle) this.hosts.delete(origin);
  }

  dispatch(exchange: Exchange, options: Dispatcher.DispatchOptions): void {
    this.dispatching = exchange;
    try {
      this.dispatcher.dispatch(options, exchange);
    } finally {
      this.dispatching = null;
    }
  }

  /** Closes all connections. Whoever uses one gets an error. */
  async destroy(): Promise<void> {
    if (this.own) await this.dispatcher.destroy();
  }

  private dispatcherFor(options: HttpClientOptions, { connect }: CheckedTimeouts): Dispatcher {
    const { tls = {}, socketPath, http2 = false, proxy, limits = {}, maxHeaderBytes } = options;
    const shared = {
      allowH2: http2,
      // The exchange has clocks of its own.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE,
      // No more than may be used at once: one whose exchange has just ended is free a moment later, and worth that wait.
      connections: Math.min(limits.connections ?? this.perHost, this.perHost),
      ...(maxHeaderBytes === undefined ? {} : { maxHeaderSize: maxHeaderBytes }),
    };
    const secure = { ...tls, allowH2: http2, timeout: connect ?? 0 };
    if (proxy === undefined) {
      const settings = { ...secure, ...(socketPath === undefined ? {} : { socketPath }) };
      const agent = new Agent({ ...shared, connect: this.watched(buildConnector(settings)) });
      return agent.on("connect", (_origin, targets) => {
        const client = targets.at(-1);
        // undici does not send a request before the one before is answered, unless told to. With HTTP/2 that is what it is for.
        if (this.connected?.alpnProtocol === "h2" && client instanceof Client) client.pipelining = STREAMS;
      });
    }
    const through = { ...shared, requestTls: secure, proxyTls: { timeout: connect ?? 0 } };
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
