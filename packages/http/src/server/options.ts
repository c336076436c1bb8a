import { inspect } from "node:util";
import { type Duration, milliseconds } from "brio";
import type { Service } from "brio/streams";

/** How the requests of a server run as tasks. All of it can be left out. */
export interface RequestTasksOptions {
  /** The service that the server belongs to: see `serve` of brio/streams. When it stops, requests are drained in order. */
  service?: Service | undefined;
  /**
   * How long a request may take, from its headers to the last byte of the response; it is told up to 10 ms later. Default: as long
   * as it likes.
   */
  timeout?: Duration | null | undefined;
  /** The status for a request whose time is over before the response began: 503 or 504. Default 503. */
  timeoutStatus?: 503 | 504 | undefined;
  /** How many requests may be under way at once; further ones get 503. Default: any number. */
  maxRequests?: number | undefined;
  /** How late Node's event loop may be; while it is later, new requests get 503. Default: as late as it likes. */
  maxLag?: Duration | undefined;
  /** What a refused client is told to wait before it asks again: `Retry-After`, in whole seconds. Default "1s". */
  retryAfter?: Duration | undefined;
  /** Paths that are answered however much there is to do, such as those of health checks. Default: none. */
  exempt?: readonly string[] | undefined;
  /** Without a service: how long requests and background tasks get to end when the server is closed. Default "4s". */
  drain?: Duration | undefined;
  /** How long what was cancelled may take to clean up. Default "5s". */
  grace?: Duration | undefined;
  /** What background tasks and the release of resources fail with. Default: the loop's exception handler. */
  onError?: ((error: unknown) => void) | undefined;
}

/** The options, checked: times in milliseconds. */
export interface Settings {
  readonly service: Service | null;
  readonly timeout: number | null;
  readonly timeoutStatus: 503 | 504;
  readonly maxRequests: number;
  readonly maxLag: number;
  /** In seconds. */
  readonly retryAfter: number;
  readonly exempt: ReadonlySet<string>;
  readonly drain: number;
  readonly grace: number;
  readonly onError: ((error: unknown) => void) | null;
}

/** @throws TypeError or RangeError for what is no such option. */
export function checkOptions(options: RequestTasksOptions): Settings {
  const { service, timeout = null, timeoutStatus = 503, maxRequests, maxLag, retryAfter = "1s" } = options;
  const { exempt = [], drain = "4s", grace = "5s", onError } = options;
  if (service !== undefined && typeof service?.onReadiness !== "function") {
    throw new TypeError(
      `service must be what serve() gives its body: serve(async (service) => { ... { service } ... }); got ${inspect(service, { depth: 0 })}`,
    );
  }
  if (timeoutStatus !== 503 && timeoutStatus !== 504)
    throw new RangeError(`timeoutStatus must be 503 or 504; got ${inspect(timeoutStatus)}`);
  if (maxRequests !== undefined && !(Number.isInteger(maxRequests) && maxRequests > 0))
    throw new RangeError(`maxRequests must be a whole number > 0; got ${inspect(maxRequests)}`);
  if (!Array.isArray(exempt) || exempt.some((path) => typeof path !== "string" || !path.startsWith("/")))
    throw new TypeError(`exempt must be paths, such as ["/health", "/ready"]; got ${inspect(exempt)}`);
  if (onError !== undefined && typeof onError !== "function")
    throw new TypeError(`onError must be a function: (error) => log(error); got ${inspect(onError)}`);
  return {
    service: service ?? null,
    timeout: requestTimeout(timeout),
    timeoutStatus,
    maxRequests: maxRequests ?? Number.POSITIVE_INFINITY,
    maxLag: maxLag === undefined ? Number.POSITIVE_INFINITY : milliseconds(maxLag, "maxLag"),
    retryAfter: Math.ceil(milliseconds(retryAfter, "retryAfter") / 1000),
    exempt: new Set(exempt),
    drain: milliseconds(drain, "drain"),
    grace: milliseconds(grace, "grace"),
    onError: onError ?? null,
  };
}

/** In milliseconds; null: no limit. @throws RangeError for none at all. */
export function requestTimeout(timeout: Duration | null): number | null {
  if (timeout === null) return null;
  const length = milliseconds(timeout, "timeout");
  if (length === 0) throw new RangeError('timeout must be longer than 0: "30s", say, or null for no limit');
  return length === Number.POSITIVE_INFINITY ? null : length;
}
