import { connect, type IpcNetConnectOpts, isIP, type Socket, type TcpNetConnectOpts } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { inspect } from "node:util";
import { interruptible } from "../cancel/foreign.ts";
import { ExceptionGroup } from "../compose/exception-group.ts";
import { timeout } from "../compose/timeout.ts";
import type { Duration } from "../loop/duration.ts";
import { checkPort, getaddrinfo, type SocketAddress } from "./dns.ts";
import { staggeredRace } from "./staggered-race.ts";
import { checkClientTls, checkNamelessTls, handshakeLimit } from "./tls-options.ts";

/** TLS of a connection: Node's own options, and how long the handshake may take. */
export interface TlsOptions extends Omit<ConnectionOptions, "host" | "port" | "path" | "socket" | "signal"> {
  /** Default "60s". */
  handshakeTimeout?: Duration | undefined;
}

/** How a connection is made. */
export interface ConnectOptions {
  /**
   * Encrypt it: `true`, or Node's options (`ca`, `cert`, `key`, `ALPNProtocols`, ...). Over a Unix socket, `servername`
   * must be among them: the name that the server's certificate is for. Default false.
   */
  tls?: boolean | TlsOptions | undefined;
  /** Only addresses of this family. Default: both. */
  family?: 4 | 6 | undefined;
  /** How a name becomes addresses. Default: `getaddrinfo`. */
  lookup?: typeof getaddrinfo | undefined;
  /** The address and port of this side. Default: the system chooses. */
  localAddress?: string | undefined;
  localPort?: number | undefined;
  /**
   * When a host has several addresses: how long to try one before the next is tried as well (happy eyeballs); null: only
   * when one has failed. Default "250ms".
   */
  happyEyeballsDelay?: Duration | null | undefined;
  /** Throw all errors, as an ExceptionGroup, when every address has failed. Default false: the first. */
  allErrors?: boolean | undefined;
  /** Send small writes at once. Default true. */
  noDelay?: boolean | undefined;
  /** Probe an idle connection. Default false. */
  keepAlive?: boolean | undefined;
}

/** Connects to a host: its addresses in turn, those of both families alternating. */
export async function connectTcp(host: string, port: number, options: ConnectOptions): Promise<Socket> {
  if (typeof host !== "string" || host === "") {
    throw new TypeError(`host must be a name or an address, such as "127.0.0.1"; got ${inspect(host)}`);
  }
  checkPort(port);
  checkClientTls(options.tls);
  const addresses = interleave(await addressesOf(host, port, options));
  if (addresses.length === 0) throw Object.assign(new Error(`${host} has no address`), { code: "ENOTFOUND" });
  const {
    happyEyeballsDelay = "250ms",
    localAddress,
    localPort,
    noDelay = true,
    keepAlive = false,
  } = options;
  const outcome = await staggeredRace(
    addresses.map(({ address, family, port }) => () => {
      const local = localAddress === undefined ? {} : { localAddress };
      const bound = localPort === undefined ? local : { ...local, localPort };
      return open({ host: address, port, family, noDelay, keepAlive, ...bound });
    }),
    happyEyeballsDelay,
    (socket) => socket.destroy(),
  );
  const socket =
    "value" in outcome ? outcome.value : fail(host, port, outcome.errors, options.allErrors ?? false);
  return options.tls ? await encrypt(socket, host, options.tls) : socket;
}

export async function connectUnix(path: string, options: ConnectOptions): Promise<Socket> {
  if (typeof path !== "string" || path === "") {
    throw new TypeError(`path must be that of a Unix socket; got ${inspect(path)}`);
  }
  checkNamelessTls(options.tls);
  const socket = await openUnix(path);
  return options.tls ? await encrypt(socket, "", options.tls) : socket;
}

async function addressesOf(
  host: string,
  port: number,
  { family, lookup = getaddrinfo }: ConnectOptions,
): Promise<SocketAddress[]> {
  if (family !== undefined && family !== 4 && family !== 6) {
    throw new RangeError(`family must be 4, 6 or undefined; got ${inspect(family)}`);
  }
  const kind = isIP(host);
  if (kind === 0) return await lookup(host, port, { family });
  if (family !== undefined && kind !== family) {
    throw new RangeError(`host is an address of family ${kind}, and only ${family} is wanted: ${host}`);
  }
  return [{ address: host, family: kind === 6 ? 6 : 4, port }];
}

/** Those of the first one's family and the others by turns. */
function interleave(addresses: readonly SocketAddress[]): SocketAddress[] {
  const first = addresses.filter(({ family }) => family === addresses[0]?.family);
  const others = addresses.filter(({ family }) => family !== addresses[0]?.family);
  const mixed: SocketAddress[] = [];
  for (let i = 0; i < Math.max(first.length, others.length); i++) {
    mixed.push(...first.slice(i, i + 1), ...others.slice(i, i + 1));
  }
  return mixed;
}

/** Connects to a Unix socket. Cancelled, no connection is left. */
export function openUnix(path: string): Promise<Socket> {
  return open({ path });
}

function open(options: TcpNetConnectOpts | IpcNetConnectOpts): Promise<Socket> {
  return interruptible(
    (signal) =>
      new Promise((resolve, reject) => {
        // Node's types don't have allowHalfOpen for Unix sockets, where it means the same.
        const socket = connect({
          ...options,
          autoSelectFamily: false,
          allowHalfOpen: true,
        } as TcpNetConnectOpts);
        untilReady(socket, "connect", signal, resolve, reject);
      }),
  );
}

/** TLS over a connection that stands: what `tls.connect` does, with a limit in time. */
export async function encrypt(socket: Socket, host: string, options: true | TlsOptions): Promise<Socket> {
  try {
    const { handshakeTimeout, ...tls } = options === true ? {} : options;
    socket.allowHalfOpen = false; // or Node would not see that the other side goes away before it has shaken hands
    const servername = tls.servername ?? (isIP(host) === 0 ? host : "");
    const secured = connectTls({ ...tls, servername, socket });
    return await timeout(handshakeLimit(handshakeTimeout), () =>
      interruptible(
        (signal) =>
          new Promise<Socket>((resolve, reject) =>
            untilReady(secured, "secureConnect", signal, resolve, reject),
          ),
      ),
    );
  } catch (error) {
    socket.destroy(); // also when the options are bad, or the task was cancelled before it could begin
    throw error;
  }
}

/** The socket when it has come to the `event`; what it fails with before, or its end, destroys it. */
function untilReady(
  socket: Socket,
  event: string,
  signal: AbortSignal,
  resolve: (socket: Socket) => void,
  reject: (error: unknown) => void,
): void {
  const ready = (): void => {
    forget();
    socket.on("error", (error) => socket.destroy(error)); // before anybody has taken it up: `socket.errored` tells
    resolve(socket);
  };
  const failed = (error: unknown): void => {
    forget();
    socket.on("error", ignore); // one that comes after the first has nothing to tell
    socket.destroy();
    reject(error);
  };
  const closed = (): void => failed(new Error("the connection was closed before it was ready"));
  const aborted = (): void => failed(signal.reason);
  const forget = (): void => {
    socket.removeListener(event, ready);
    socket.removeListener("error", failed);
    socket.removeListener("close", closed);
    signal.removeEventListener("abort", aborted);
  };
  socket.once(event, ready);
  socket.once("error", failed);
  socket.once("close", closed);
  signal.addEventListener("abort", aborted);
}

/** asyncio's choice: one error as it is, or all of them in one. */
function fail(host: string, port: number, errors: readonly unknown[], all: boolean): never {
  if (all) throw new ExceptionGroup(`could not connect to ${host}:${port}`, errors);
  const [first] = errors;
  if (errors.length === 1 || errors.every((error) => String(error) === String(first))) throw first;
  const cause = new AggregateError(errors, "all attempts");
  const { code } = first as NodeJS.ErrnoException;
  throw Object.assign(
    new Error(
      `could not connect to ${host}:${port}: ${errors.map((error) => (error as Error).message).join("; ")}`,
      {
        cause,
      },
    ),
    { code },
  );
}

function ignore(): void {}
