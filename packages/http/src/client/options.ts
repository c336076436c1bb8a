import { inspect } from "node:util";
import { type Backoff, type Duration, milliseconds, RateLimiter, type RateLimiterOptions } from "brio";
import type { CookieJar } from "tough-cookie";
import type { Dispatcher } from "undici";
import type { BodyInput, FormFields } from "./body.ts";
import type { HttpListener } from "./events.ts";
import type { HeadersInput } from "./headers.ts";
import type { TlsSettings } from "./transport.ts";

/** A length of time in milliseconds. */
export type Milliseconds = number;

/** How long things may take. null: no limit. */
export interface HttpTimeouts {
  /** From the first hop to the end of the last body, with all attempts and pauses. Default null. */
  total?: Duration | null | undefined;
  /** Until there is a connection: name look-up, TCP and TLS. Default "10s". */
  connect?: Duration | null | undefined;
  /** From then until the answer's headers have come; it begins anew with each piece of a body that is sent. Default "30s". */
  headers?: Duration | null | undefined;
  /** Between two pieces of the answer's body, while somebody wants them. Default "30s". */
  idle?: Duration | null | undefined;
}

/** When a request is sent again. */
export interface HttpRetry {
  /** How often it is sent at most, an integer >= 1. Default 3. */
  attempts?: number | undefined;
  /** The pauses, where the server does not say how long (`Retry-After`). Default from 200 ms, twice as long each time, up to 30 s. */
  backoff?: Duration | Backoff | undefined;
  /** What part of each pause is left to chance, from 0 to 1. Default 1. What the server asks for is not shortened. */
  jitter?: number | undefined;
  /**
   * Methods that may be sent again though the server may have seen them. Default GET, HEAD, OPTIONS, TRACE, PUT and DELETE, which
   * are idempotent, and every request with an `Idempotency-Key` header. What was never sent is always sent again.
   */
  methods?: readonly string[] | undefined;
  /** Answers after which it is sent again. Default 408, 425, 429, 502, 503 and 504. */
  statuses?: readonly number[] | undefined;
  /** When the server asks to wait longer than this, its answer is final. Default "1m". */
  maxRetryAfter?: Duration | undefined;
}

/** How much may be under way at once. */
export interface HttpLimits {
  /** Exchanges with one origin, from connecting to the end of the body. With HTTP/1.1 each has a connection of its own. Default 64. */
  perHost?: number | undefined;
  /** Exchanges in all. Default 256. */
  total?: number | undefined;
  /** Connections to one origin; fewer than `perHost` make sense with HTTP/2. Default: `perHost`. */
  connections?: number | undefined;
}

/** Options of {@link HttpClient}. */
export interface HttpClientOptions {
  /** What URLs are relative to: `https://api.example.com/v1/`. Default headers with credentials go to its origin only. */
  baseUrl?: string | URL | undefined;
  /** Sent with every request. */
  headers?: HeadersInput | undefined;
  /** How long things may take; a duration: in all. */
  timeout?: Duration | HttpTimeouts | null | undefined;
  /** When a request is sent again; false: never. */
  retry?: HttpRetry | false | undefined;
  /** How much may be under way at once; further requests wait their turn. */
  limits?: HttpLimits | undefined;
  /** How many requests may begin in a time. Share a RateLimiter to limit several clients together. */
  rateLimit?: RateLimiter | RateLimiterOptions | undefined;
  /** How many redirects are followed; 0: none, the redirect is the response. Default 10. */
  maxRedirects?: number | undefined;
  /** Headers that, like Authorization and Cookie, are not sent on when a redirect leads to another origin: `x-api-key`. */
  credentialHeaders?: readonly string[] | undefined;
  /** Keep cookies: true, or a jar of tough-cookie. Default false. */
  cookies?: boolean | CookieJar | undefined;
  /** Ask for compressed bodies, and decompress them. Default true. */
  decompress?: boolean | undefined;
  /** The most bytes of a body that is read as a whole, after decompression. Default 64 MiB. */
  maxBodyBytes?: number | undefined;
  /** The most bytes of an answer's headers. Default 16 KiB. */
  maxHeaderBytes?: number | undefined;
  /** Throw HttpStatusError for a status of 400 or more. Default false. */
  raiseForStatus?: boolean | undefined;
  /** A proxy: `http://user:password@host:8080`, or `"environment"` for HTTP_PROXY, HTTPS_PROXY and NO_PROXY. */
  proxy?: string | URL | undefined;
  /** Use HTTP/2 where the server offers it (TLS only). Default false. */
  http2?: boolean | undefined;
  /** Options for TLS, as `tls.connect` takes them: `ca`, `cert`, `key`, `rejectUnauthorized`, `servername` ... */
  tls?: TlsSettings | undefined;
  /** A Unix socket that all requests go to. */
  socketPath?: string | undefined;
  /** undici's interceptors, `dns()` or `cache()` say: the first is the outermost. */
  interceptors?: readonly Dispatcher.DispatcherComposeInterceptor[] | undefined;
  /** A dispatcher of your own instead: then connections, proxy, TLS and closing are your business. */
  dispatcher?: Dispatcher | undefined;
  /** Told of what happens. */
  onEvent?: HttpListener | undefined;
}

/** What one request may have of its own. */
export interface RequestOptions {
  /** Added to the client's; undefined or null takes one of those away. */
  headers?: HeadersInput | undefined;
  /** Added to the URL's query; an array: several times; undefined: not at all. */
  query?: Readonly<Record<string, QueryValue | readonly QueryValue[]>> | URLSearchParams | undefined;
  /** Sent as JSON. */
  json?: unknown;
  /** Sent as a form (`application/x-www-form-urlencoded`). For multipart: `body: new FormData()`. */
  form?: FormFields | undefined;
  /** Sent as it is. */
  body?: BodyInput | undefined;
  /** Name and password for HTTP's Basic scheme. */
  auth?: { readonly username: string; readonly password: string } | undefined;
  /** As for the client: what is not given is the client's. */
  timeout?: Duration | HttpTimeouts | null | undefined;
  /** As for the client: what is not given is the client's. */
  retry?: HttpRetry | false | undefined;
  maxRedirects?: number | undefined;
  raiseForStatus?: boolean | undefined;
  maxBodyBytes?: number | undefined;
  decompress?: boolean | undefined;
  /** The longest line of the answer; and about twice as many bytes may wait to be read. Default 65,536. */
  bufferBytes?: number | undefined;
}

/** What stands for a value in a query. */
export type QueryValue = string | number | boolean | undefined | null;

/** {@link HttpTimeouts}, checked. */
export interface CheckedTimeouts {
  readonly total: Milliseconds | null;
  readonly connect: Milliseconds | null;
  readonly headers: Milliseconds | null;
  readonly idle: Milliseconds | null;
}

const DEFAULT_TIMEOUTS: CheckedTimeouts = { total: null, connect: 10_000, headers: 30_000, idle: 30_000 };

/** Has the given time-outs take the place of others. */
export function checkedTimeouts(
  given: Duration | HttpTimeouts | null | undefined,
  others: CheckedTimeouts = DEFAULT_TIMEOUTS,
): CheckedTimeouts {
  if (given === undefined) return others;
  if (given === null) return { total: null, connect: null, headers: null, idle: null };
  if (typeof given !== "object") return { ...others, total: milliseconds(given, "timeout") };
  checkKeys(given, "timeout", others);
  const time = (name: keyof CheckedTimeouts): Milliseconds | null => {
    const value = given[name];
    if (value === undefined) return others[name];
    return value === null ? null : milliseconds(value, `timeout.${name}`);
  };
  return { total: time("total"), connect: time("connect"), headers: time("headers"), idle: time("idle") };
}

export function checkedLimiter(given: RateLimiter | RateLimiterOptions | undefined): RateLimiter | null {
  if (given === undefined) return null;
  return given instanceof RateLimiter ? given : new RateLimiter(given);
}

/** @throws RangeError that names the option. */
export function checkedCount(
  name: string,
  value: number | undefined,
  least: number,
  otherwise: number,
): number {
  if (value === undefined) return otherwise;
  if (value === Number.POSITIVE_INFINITY || (Number.isInteger(value) && value >= least)) return value;
  throw new RangeError(`${name} must be an integer >= ${least}, or Infinity; got ${inspect(value)}`);
}

/** A misspelt option would otherwise be no option at all. */
export function checkKeys(given: object, argument: string, known: object): void {
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(known, name));
  if (unknown === undefined) return;
  throw new TypeError(`${argument} has no option "${unknown}": there are ${Object.keys(known).join(", ")}`);
}
