import { inspect } from "node:util";
import { type Duration, milliseconds } from "../loop/duration.ts";

/** Each of these gives a TLS server what it proves itself with. */
const IDENTITIES = ["cert", "pfx", "secureContext", "SNICallback", "pskCallback"];

/** How long a TLS handshake may take, in ms. @throws RangeError if that is no time at all. */
export function handshakeLimit(handshakeTimeout: Duration = "60s"): number {
  const limit = milliseconds(handshakeTimeout, "handshakeTimeout");
  if (limit > 0) return limit;
  throw new RangeError(
    `handshakeTimeout must be some time, such as "10s" (the default is "60s"); got ${inspect(handshakeTimeout)}`,
  );
}

/** Refuses, before anything is done, what can't be the TLS options of a client. `undefined` and `false`: no TLS. */
export function checkClientTls(tls: unknown): void {
  if (tls === undefined || typeof tls === "boolean") return;
  if (!isOptions(tls)) {
    throw new TypeError(`tls must be true, or options such as { ca, servername }; got ${inspect(tls)}`);
  }
  handshakeLimit(tls.handshakeTimeout);
}

/** The same where no name is known that the certificate must be for: it has to be given. Node would take "localhost". */
export function checkNamelessTls(tls: unknown): void {
  checkClientTls(tls);
  if (tls === undefined || tls === false) return;
  const { servername, rejectUnauthorized, checkServerIdentity } = isOptions(tls) ? tls : ({} as Options);
  if (servername || rejectUnauthorized === false || checkServerIdentity !== undefined) return;
  throw new TypeError(
    `tls needs the name that the server's certificate is for: { servername: "example.com" }; got ${inspect(tls, { depth: 0 })}`,
  );
}

/** Refuses what can't be the TLS options of a server. `undefined`: no TLS. */
export function checkServerTls(tls: unknown): void {
  if (tls === undefined) return;
  if (!isOptions(tls)) {
    throw new TypeError(`tls of a server must be its options, such as { key, cert }; got ${inspect(tls)}`);
  }
  handshakeLimit(tls.handshakeTimeout);
  if (IDENTITIES.some((name) => tls[name] !== undefined)) return;
  throw new TypeError(
    `tls of a server needs what it proves itself with: { key, cert }; got ${inspect(Object.keys(tls))}`,
  );
}

interface Options {
  readonly handshakeTimeout?: Duration | undefined;
  readonly [name: string]: unknown;
}

function isOptions(tls: unknown): tls is Options {
  return typeof tls === "object" && tls !== null;
}
