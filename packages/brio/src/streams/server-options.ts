import type { TlsOptions as NodeTlsOptions } from "node:tls";
import { inspect } from "node:util";
import type { Duration } from "../loop/duration.ts";

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
  /** Let several processes listen on the same port: from Node 22.12 on. Default false. */
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
  /** How many were lost under their handlers, which let the error through: clients that went away. */
  readonly lost: number;
}

/** Refuses an option that is no number of connections. */
export function checkCount(option: string, value: number | undefined): void {
  if (value === undefined || (Number.isInteger(value) && value > 0)) return;
  throw new RangeError(`${option} must be a whole number > 0; got ${inspect(value)}`);
}
