import type { LookupAddress } from "node:dns";
import { lookup, lookupService } from "node:dns/promises";
import { inspect } from "node:util";
import { interruptible } from "../cancel/foreign.ts";

/** An address that a connection can be made to. */
export interface SocketAddress {
  /** An IP address. */
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
 * The addresses of a host, in the order in which the system gives them.
 *
 * *Cancel safety*: cancelling ends the waiting; the system's resolver can't be stopped, and its answer is dropped.
 *
 * @throws the resolver's error, with `code` such as `ENOTFOUND`; RangeError if the port is none.
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
  checkPort(port);
  const { family = 0 } = options;
  const found: LookupAddress[] = await interruptible(lookup(host, { all: true, order: "verbatim", family }));
  return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4, port }));
}

/**
 * The names of an address and a port: the reverse of {@link getaddrinfo}.
 *
 * *Cancel safety*: as {@link getaddrinfo}'s.
 *
 * @throws the resolver's error, with `code` such as `ENOTFOUND`; RangeError if the port is none.
 *
 * @example
 * ```ts
 * import { run } from "brio";
 * import { getnameinfo } from "brio/streams";
 *
 * await run(async () => {
 *   console.log((await getnameinfo("127.0.0.1", 22)).service); // ssh
 * });
 * ```
 */
export async function getnameinfo(
  address: string,
  port: number,
): Promise<{ readonly hostname: string; readonly service: string }> {
  checkPort(port);
  return await interruptible(lookupService(address, port));
}

/** @internal */
export function checkPort(port: number): void {
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new RangeError(`port must be a whole number from 0 to 65535; got ${inspect(port)}`);
  }
}
