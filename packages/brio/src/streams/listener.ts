import { linkSync, lstatSync, renameSync } from "node:fs";
import { lstat, unlink } from "node:fs/promises";
import { isIP, type Server as NetServer } from "node:net";
import { inspect } from "node:util";
import { interruptible } from "../cancel/foreign.ts";
import { RuntimeError } from "../loop/errors.ts";
import { openUnix } from "./connect.ts";
import { checkPort, getaddrinfo } from "./dns.ts";

/** Where to listen. */
export type Endpoint = TcpEndpoint | UnixEndpoint;

/** Without a host: at all addresses of the machine. */
interface TcpEndpoint {
  readonly host: string | undefined;
  readonly port: number;
}

interface UnixEndpoint {
  readonly path: string;
}

/** How to listen. */
export interface ListenOptions {
  readonly backlog?: number | undefined;
  readonly reusePort?: boolean | undefined;
}

/** The places that `host` and `port` stand for. */
export function tcpEndpoints(host: string | readonly string[] | null, port: number): Endpoint[] {
  checkPort(port);
  const hosts = typeof host === "string" ? [host] : (host ?? [""]);
  if (!Array.isArray(hosts) || hosts.length === 0 || hosts.some((one) => typeof one !== "string")) {
    throw new TypeError(`host must be a name, an address, several, or null; got ${inspect(host)}`);
  }
  return hosts.map((one: string) => ({ host: one === "" ? undefined : one, port }));
}

/** The place that `path` stands for. */
export function unixEndpoints(path: string): Endpoint[] {
  if (typeof path !== "string" || path === "") {
    throw new TypeError(`path must be where the socket's file is to be; got ${inspect(path)}`);
  }
  return [{ path }];
}

/** Names become addresses, each once. Node would take the first of a name, and could not be cancelled meanwhile. */
export async function resolved(endpoints: readonly Endpoint[]): Promise<Endpoint[]> {
  const found = new Map<string, Endpoint>();
  for (const endpoint of endpoints) {
    if ("path" in endpoint || endpoint.host === undefined || isIP(endpoint.host) !== 0) {
      found.set("path" in endpoint ? endpoint.path : (endpoint.host ?? ""), endpoint);
      continue;
    }
    for (const { address, port } of await getaddrinfo(endpoint.host, endpoint.port)) {
      found.set(address, { host: address, port });
    }
  }
  return [...found.values()];
}

/** Begins to listen. Cancelled or failed, the listener is closed. */
export async function listen(
  listener: NetServer,
  endpoint: Endpoint,
  options: ListenOptions,
  alone: boolean,
): Promise<void> {
  if (!("path" in endpoint)) {
    // Beside others, "::" must not take the port of IPv4 as well.
    await begin(listener, { ...endpoint, ipv6Only: !alone }, options);
    return;
  }
  try {
    await begin(listener, endpoint, options);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE" || !(await isStale(endpoint.path)))
      throw error;
    await interruptible(unlink(endpoint.path));
    await begin(listener, endpoint, options);
  }
}

function begin(
  listener: NetServer,
  endpoint: object,
  { backlog = 100, reusePort = false }: ListenOptions,
): Promise<void> {
  return interruptible(
    (signal) =>
      new Promise<void>((resolve, reject) => {
        const aborted = (): void => failed(signal.reason);
        const closed = (): void => failed(new RuntimeError("the server was closed before it listened"));
        const forget = (): void => {
          signal.removeEventListener("abort", aborted);
          listener.removeListener("error", failed);
          listener.removeListener("close", closed);
          listener.removeListener("listening", listening);
        };
        const failed = (error: unknown): void => {
          forget();
          listener.close();
          reject(error);
        };
        const listening = (): void => {
          forget();
          resolve();
        };
        signal.addEventListener("abort", aborted);
        listener.on("error", failed);
        listener.on("close", closed);
        listener.on("listening", listening);
        listener.listen({ ...endpoint, reusePort, backlog } as never); // Node's types know no common form of both
      }),
  );
}

/** Is it a socket's file whose server is gone? */
async function isStale(path: string): Promise<boolean> {
  if (isAbstract(path) || !(await interruptible(lstat(path))).isSocket()) return false;
  try {
    (await openUnix(path)).destroy();
    return false;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ECONNREFUSED") return true;
    throw error;
  }
}

/** Linux has sockets that have a name and no file: the name begins with a zero. */
function isAbstract(path: string): boolean {
  return path.startsWith("\0");
}

/** Which file is at the path: null if there is none. */
export function inodeOf(path: string): bigint | null {
  if (isAbstract(path)) return null;
  return lstatSync(path, { bigint: true, throwIfNoEntry: false })?.ino ?? null;
}

/**
 * Closes the listener of a Unix socket. Node removes whatever file is at the path then: if that is another's by now, it is
 * put aside meanwhile.
 *
 * @param inode the listener's own file
 */
export function closeUnix(listener: NetServer, path: string, inode: bigint | null): void {
  const there = inodeOf(path);
  if (there === null || there === inode) {
    listener.close();
    return;
  }
  const aside = `${path}.${process.pid}`;
  linkSync(path, aside);
  listener.close();
  renameSync(aside, path);
}
