import type { LookupAddress } from "node:dns";
import { lookup, lookupService } from "node:dns/promises";
import { isIP } from "node:net";
import { inspect } from "node:util";
import { interruptible } from "../cancel/foreign.ts";
import { immediate } from "../cancel/immediate.ts";
import { requireScope } from "../cancel/scope.ts";

/** An address that a connection can be made to. */
export interface SocketAddress {
  /** An IP address. That of a link may have a zone: `fe80::1%eth0`. */
  readonly address: string;
  readonly family: 4 | 6;
  readonly port: number;
}

/** How {@link getaddrinfo} looks. */
export interface AddressOptions {
  /** Only addresses of this family. Default: both. */
  family?: 4 | 6 | undefined;
}

/**
 * The addresses of a host, in the order in which the system gives them. What is an address already needs no resolver: it is
 * given back as it is, an IPv6 address with its zone.
 *
 * *Cancel safety*: cancelling ends the waiting; the system's resolver can't be stopped, and its answer is dropped.
 *
 * @param port a number, which is put beside each address; names of services are not looked up
 *
 * @throws the resolver's error, with `code` such as `ENOTFOUND`; TypeError or RangeError for bad arguments; RuntimeError
 * outside a task.
 *
 * @example
 * ```ts
 * import { run } from "brio";
 * import { getaddrinfo } from "brio/streams";
 *
 * await run(async () => {
 *   console.log(await getaddrinfo("127.0.0.1", 80)); // [ { address: '127.0.0.1', family: 4, port: 80 } ]
 * });
 * ```
 */
export async function getaddrinfo(
  host: string,
  port: number,
  options: AddressOptions = {},
): Promise<SocketAddress[]> {
  const scope = requireScope("getaddrinfo()");
  if (typeof host !== "string" || host === "") {
    throw new TypeError(`host must be a name or an address, such as "localhost"; got ${inspect(host)}`);
  }
  checkPort(port);
  const { family } = options;
  if (family !== undefined && family !== 4 && family !== 6)
    throw new RangeError(`family must be 4 or 6; got ${inspect(family)}`);
  const kind = isIP(host);
  if (kind !== 0) {
    if (family !== undefined && family !== kind) throw notFound(host, family);
    return await immediate(scope, [{ address: host, family: kind === 6 ? 6 : 4, port }]);
  }
  const looking = lookup(host, { all: true, order: "verbatim", family: family ?? 0 });
  const found: LookupAddress[] = await interruptible(looking);
  return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4, port }));
}

/** As the system's resolver says it of an address that is not of the family. */
function notFound(hostname: string, family: 4 | 6): Error {
  const message = `getaddrinfo ENOTFOUND ${hostname}: it is no IPv${family} address, which family: ${family} asks for`;
  return Object.assign(new Error(message), { code: "ENOTFOUND", syscall: "getaddrinfo", hostname });
}

/**
 * The name of the host with an address, and of the service that has a port: the reverse of {@link getaddrinfo}. Where there
 * is no name, it is the address or the port itself.
 *
 * *Cancel safety*: as {@link getaddrinfo}'s.
 *
 * @throws the resolver's error, with `code` such as `ENOTFOUND`; TypeError if `address` is none; RangeError if the port is
 * none; RuntimeError outside a task.
 *
 * @example
 * ```ts
 * import { run } from "brio";
 * import { getnameinfo } from "brio/streams";
 *
 * await run(async () => {
 *   const { hostname, service } = await getnameinfo("127.0.0.1", 443);
 *   console.log(hostname, service); // such as localhost https
 * });
 * ```
 */
export async function getnameinfo(
  address: string,
  port: number,
): Promise<{ readonly hostname: string; readonly service: string }> {
  requireScope("getnameinfo()");
  if (typeof address !== "string" || isIP(address) === 0) {
    throw new TypeError(
      `address must be an IP address, such as "127.0.0.1" (getaddrinfo() gives those of a name); got ${inspect(address)}`,
    );
  }
  checkPort(port);
  return await interruptible(lookupService(address, port));
}

/** @internal */
export function checkPort(port: number, argument = "port"): void {
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new RangeError(`${argument} must be a whole number from 0 to 65535; got ${inspect(port)}`);
  }
}
