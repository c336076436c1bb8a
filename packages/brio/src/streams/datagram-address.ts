import { createSocket, type Socket } from "node:dgram";
import type { AddressInfo } from "node:net";
import { isIP } from "node:net";
import { inspect } from "node:util";
import { CancelledError } from "../cancel/errors.ts";
import { interruptible } from "../cancel/foreign.ts";
import { checkPort, getaddrinfo, type SocketAddress } from "./dns.ts";
import { checkReusePort } from "./reuse-port.ts";

/** Where a datagram goes to: as {@link SocketAddress}, whose family is not needed for it. */
export type DatagramTarget = Pick<SocketAddress, "address" | "port">;

/** How a UDP socket is opened. */
export interface DatagramOptions {
  /** The address (or name) of this side. Default: all of the machine's. */
  localAddress?: string | undefined;
  /** Default 0: any port that is free. */
  localPort?: number | undefined;
  /** The address (or name) of the other side, with `remotePort`: the socket sends to it and receives from it alone. */
  remoteAddress?: string | undefined;
  remotePort?: number | undefined;
  /** 4 or 6. Default: that of the addresses; 4 if there are none. */
  family?: 4 | 6 | undefined;
  /** May it send to broadcast addresses? Default false. */
  broadcast?: boolean | undefined;
  /** Let several sockets have the same port, and spread what comes over them (Node 22.12 or later). Default false. */
  reusePort?: boolean | undefined;
  /** Let several sockets have the same port, each of which gets all multicast that comes. Default false. */
  reuseAddress?: boolean | undefined;
  /** An IPv6 socket: not for IPv4 as well. Default false. */
  ipv6Only?: boolean | undefined;
  /** The system's own buffers, in bytes. Default: the system's choice. */
  receiveBufferSize?: number | undefined;
  sendBufferSize?: number | undefined;
}

interface Ends {
  readonly family: 4 | 6;
  readonly local: DatagramTarget | null;
  readonly remote: DatagramTarget | null;
}

/**
 * Opens a socket for the first pair of addresses with which that works.
 *
 * @param ready called at once when the socket is bound and connected, so that nothing that comes is missed
 */
export async function openSocket<T>(
  caller: string,
  options: DatagramOptions,
  ready: (socket: Socket, family: 4 | 6) => T,
): Promise<T> {
  const ends = await endsOf(caller, options);
  let failure: unknown;
  for (const each of ends) {
    try {
      return await interruptible(
        (signal) => new Promise<T>((resolve, reject) => open(each, options, signal, ready, resolve, reject)),
      );
    } catch (error) {
      if (error instanceof CancelledError) throw error;
      failure ??= error;
    }
  }
  throw failure;
}

async function endsOf(caller: string, options: DatagramOptions): Promise<Ends[]> {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`${caller} takes options, such as { localPort: 5000 }; got ${inspect(options)}`);
  }
  const { localAddress, localPort = 0, remoteAddress, remotePort, family, reusePort } = options;
  checkReusePort(reusePort);
  if (family !== undefined && family !== 4 && family !== 6)
    throw new RangeError(`family must be 4 or 6; got ${inspect(family)}`);
  checkPort(localPort, "localPort");
  if ((remoteAddress === undefined) !== (remotePort === undefined)) {
    throw new TypeError(
      `remoteAddress and remotePort go together: { remoteAddress: "127.0.0.1", remotePort: 53 }; got ${inspect({ remoteAddress, remotePort })}`,
    );
  }
  if (remotePort !== undefined) checkPort(remotePort, "remotePort");
  const locals = await found(localAddress, localPort, family);
  const remotes = await found(remoteAddress, remotePort ?? 0, family);
  if (locals === null && remotes === null)
    return [{ family: family ?? 4, local: port(localPort, family ?? 4), remote: null }];
  if (remotes === null) return (locals ?? []).map((local) => ({ family: local.family, local, remote: null }));
  if (locals === null) {
    return remotes.map((remote) => ({
      family: remote.family,
      local: port(localPort, remote.family),
      remote,
    }));
  }
  const pairs = remotes.flatMap((remote) =>
    locals
      .filter((local) => local.family === remote.family)
      .map((local) => ({ family: local.family, local, remote })),
  );
  if (pairs.length === 0) {
    throw new RangeError(
      `localAddress ${inspect(localAddress)} and remoteAddress ${inspect(remoteAddress)} are of different families`,
    );
  }
  return pairs;
}

/** All of the machine's addresses. */
function port(localPort: number, family: 4 | 6): DatagramTarget {
  return { address: family === 6 ? "::" : "0.0.0.0", port: localPort };
}

async function found(
  host: string | undefined,
  port: number,
  family: 4 | 6 | undefined,
): Promise<SocketAddress[] | null> {
  return host === undefined ? null : await getaddrinfo(host, port, { family });
}

function open<T>(
  { family, local, remote }: Ends,
  options: DatagramOptions,
  signal: AbortSignal,
  ready: (socket: Socket, family: 4 | 6) => T,
  resolve: (value: T) => void,
  reject: (error: unknown) => void,
): void {
  const {
    broadcast = false,
    reusePort = false,
    reuseAddress = false,
    ipv6Only = false,
    receiveBufferSize,
    sendBufferSize,
  } = options;
  const socket = createSocket({
    type: family === 6 ? "udp6" : "udp4",
    reuseAddr: reuseAddress,
    reusePort,
    ipv6Only,
    lookup: numericOnly,
    ...(receiveBufferSize === undefined ? {} : { recvBufferSize: receiveBufferSize }),
    ...(sendBufferSize === undefined ? {} : { sendBufferSize }),
  });
  const forget = (): void => {
    signal.removeEventListener("abort", aborted);
    socket.removeAllListeners();
  };
  const failed = (error: unknown): void => {
    forget();
    socket.on("error", () => {}); // one that comes after the first has nothing to tell
    socket.close();
    reject(error);
  };
  const aborted = (): void => failed(signal.reason);
  const done = (): void => {
    try {
      if (broadcast) socket.setBroadcast(true);
      forget();
      resolve(ready(socket, family));
    } catch (error) {
      failed(error);
    }
  };
  signal.addEventListener("abort", aborted);
  socket.on("error", failed);
  socket.on("listening", () => {
    if (remote === null) done();
    else socket.connect(remote.port, remote.address);
  });
  socket.on("connect", done);
  try {
    socket.bind({ ...(local ?? {}) });
  } catch (error) {
    failed(error);
  }
}

/** Node asks for each datagram: there is nothing to look up, and so no need to wait a turn. */
function numericOnly(
  address: string,
  _options: unknown,
  callback: (error: null, address: string, family: number) => void,
): void {
  callback(null, address, isIP(address));
}

/** Checks where a datagram is to go to. */
export function checkTarget(target: DatagramTarget | undefined, caller: string): asserts target {
  if (typeof target !== "object" || target === null || typeof target.address !== "string") {
    throw new TypeError(
      `${caller} needs an address, as the socket is not connected: ${caller.replace("()", '(data, { address: "127.0.0.1", port: 5000 })')}; got ${inspect(target)}`,
    );
  }
  checkPort(target.port);
}

/** Node's way to name a family is a text. */
export function socketAddress({ address, family, port }: AddressInfo): SocketAddress {
  return { address, family: family === "IPv6" ? 6 : 4, port };
}
