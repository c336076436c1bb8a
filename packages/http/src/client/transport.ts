import type { Socket } from "node:net";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import { Semaphore } from "brio";
import { Agent, buildConnector, Client, type Dispatcher, EnvHttpProxyAgent, ProxyAgent } from "undici";
import type { Exchange } from "./exchange.ts";
import { type CheckedTimeouts, checkedCount, type HttpClientOptions } from "./options.ts";

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
  /** Is what comes in handed on to nobody but the exchanges, in buffers that nobody uses any more? */
  readonly exclusive: boolean;
  private readonly dispatcher: Dispatcher;
  private readonly own: boolean;
  private readonly perHost: number;
  private readonly total: Semaphore | null;
  private readonly hosts = new Map<string, Semaphore>();
  /** Whose request undici is looking for a connection for: a new one is made then and there. */
  private dispatching: Exchange | null = null;
  /** The connection that undici is just being given. */
  private connected: TLSSocket | null = null;

  constructor(options: HttpClientOptions, timeouts: CheckedTimeouts) {
    const { limits = {}, dispatcher, interceptors = [] } = options;
    // undici wants a number, and so does a semaphore.
    this.perHost = Math.min(checkedCount("limits.perHost", limits.perHost, 1, 64), Number.MAX_SAFE_INTEGER);
    const total = checkedCount("limits.total", limits.total, 1, 256);
    this.total = total === Number.POSITIVE_INFINITY ? null : new Semaphore(total);
    this.own = dispatcher === undefined;
    // With HTTP/2, several streams share a buffer.
    this.exclusive = this.own && interceptors.length === 0 && options.http2 !== true;
    const base = dispatcher ?? this.dispatcherFor(options, timeouts);
    // compose() calls the last one first.
    this.dispatcher = interceptors.length === 0 ? base : base.compose([...interceptors].reverse());
  }

  /**
   * Waits until an exchange with `origin` may begin; resolves with what ends its turn.
   *
   * *Cancel safety*: cancelled, it has taken no turn.
   */
  async admit(origin: string): Promise<() => void> {
    let host = this.hosts.get(origin);
    if (host === undefined) {
      host = new Semaphore(this.perHost);
      this.hosts.set(origin, host);
    }
    const permits = host;
    await permits.acquire();
    try {
      await this.total?.acquire();
    } catch (error) {
      this.release(permits);
      throw error;
    }
    return () => {
      this.total?.release();
      this.release(permits);
    };
  }

  private release(permits: Semaphore): void {
    permits.release();
    if (this.hosts.size > MANY_HOSTS) this.forgetIdleHosts();
  }

  /** A program that visits ever more hosts must not collect them. */
  private forgetIdleHosts(): void {
    for (const [origin, permits] of this.hosts) {
      const { value, waiting } = permits.statistics();
      if (waiting === 0 && value >= this.perHost) this.hosts.delete(origin);
    }
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
