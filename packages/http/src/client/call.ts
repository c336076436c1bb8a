import { inspect } from "node:util";
import { getRunningLoop } from "brio";
import { requestBody } from "./body.ts";
import { ACCEPTED } from "./decoder.ts";
import { type HeaderRecord, headerRecord, withoutCredentials } from "./headers.ts";
import { basic, type Hop, targetOf } from "./hop.ts";
import {
  type CheckedTimeouts,
  checkedCount,
  checkedTimeouts,
  type HttpClientOptions,
  type RequestOptions,
} from "./options.ts";
import { RetryPolicy } from "./retry-policy.ts";

/** One call of `request`, checked. */
export interface Call {
  /** For putting events together. */
  readonly id: number;
  readonly hop: Hop;
  /** Has it a key by which the server knows it again? */
  readonly keyed: boolean;
  readonly timeouts: CheckedTimeouts;
  readonly retry: RetryPolicy;
  readonly maxRedirects: number;
  readonly maxBodyBytes: number;
  readonly decompress: boolean;
  readonly bufferBytes: number | undefined;
  readonly raiseForStatus: boolean;
  /** The loop time at which it must have ended, or null. */
  readonly deadline: number | null;
  /** Which attempt is under way, and why there is more than one. */
  attempt: number;
  lastFailure: unknown;
}

const MEBIBYTE = 1024 * 1024;

let calls = 0;

/** What all calls of a client have, unless they say otherwise. */
export class CallDefaults {
  readonly base: URL | null;
  readonly timeouts: CheckedTimeouts;
  /** Headers that say who asks, besides those that everybody knows. */
  readonly credentials: readonly string[];
  private readonly headers: HeaderRecord;
  private readonly retry: RetryPolicy;
  private readonly maxRedirects: number;
  private readonly maxBodyBytes: number;
  private readonly decompress: boolean;
  private readonly raiseForStatus: boolean;

  /** @throws TypeError or RangeError that names the option. */
  constructor(options: HttpClientOptions) {
    this.base = options.baseUrl === undefined ? null : baseOf(options.baseUrl);
    this.headers = headerRecord(options.headers, "headers");
    this.timeouts = checkedTimeouts(options.timeout);
    this.retry = new RetryPolicy(options.retry);
    this.credentials = (options.credentialHeaders ?? []).map((name) => name.toLowerCase());
    this.maxRedirects = checkedCount("maxRedirects", options.maxRedirects, 0, 10);
    this.maxBodyBytes = checkedCount("maxBodyBytes", options.maxBodyBytes, 0, 64 * MEBIBYTE);
    this.decompress = options.decompress ?? true;
    this.raiseForStatus = options.raiseForStatus ?? false;
  }

  /** @throws TypeError or RangeError that names the argument; RuntimeError outside a task. */
  call(method: string, given: string | URL, options: RequestOptions): Call {
    if (typeof method !== "string" || method === "")
      throw new TypeError(`method must be one of HTTP, such as "GET"; got ${inspect(method)}`);
    if (typeof options !== "object" || options === null)
      throw new TypeError(`options must be an object, such as { json: value }; got ${inspect(options)}`);
    const { url, auth } = targetOf(given, this.base, options.query);
    const headers = this.headersFor(url, auth, options);
    const decompress = options.decompress ?? this.decompress;
    if (decompress) headers["accept-encoding"] ??= ACCEPTED;
    const timeouts = checkedTimeouts(options.timeout, this.timeouts);
    const { total } = timeouts;
    return {
      id: ++calls,
      hop: { method: method.toUpperCase(), url, headers, body: requestBody(options) },
      keyed: headers["idempotency-key"] !== undefined,
      timeouts,
      retry: options.retry === undefined ? this.retry : new RetryPolicy(options.retry),
      maxRedirects: checkedCount("maxRedirects", options.maxRedirects, 0, this.maxRedirects),
      maxBodyBytes: checkedCount("maxBodyBytes", options.maxBodyBytes, 0, this.maxBodyBytes),
      decompress,
      bufferBytes: options.bufferBytes,
      raiseForStatus: options.raiseForStatus ?? this.raiseForStatus,
      deadline: total === null || total === Number.POSITIVE_INFINITY ? null : getRunningLoop().time() + total,
      attempt: 1,
      lastFailure: undefined,
    };
  }

  private headersFor(url: URL, auth: string | null, options: RequestOptions): HeaderRecord {
    const foreign = this.base !== null && url.origin !== this.base.origin;
    const headers = foreign ? withoutCredentials(this.headers, this.credentials) : { ...this.headers };
    if (auth !== null) headers.authorization = auth;
    if (options.auth !== undefined)
      headers.authorization = basic(options.auth.username, options.auth.password);
    if (options.headers === undefined) return headers;
    Object.assign(headers, headerRecord(options.headers, "headers"));
    for (const name of removed(options.headers)) delete headers[name];
    return headers;
  }
}

function baseOf(given: string | URL): URL {
  let base: URL;
  try {
    base = new URL(given);
  } catch {
    throw new TypeError(`baseUrl must be a URL such as "https://api.example.com/v1/"; got ${inspect(given)}`);
  }
  if (base.protocol === "http:" || base.protocol === "https:") return base;
  throw new TypeError(`baseUrl must begin with http:// or https://; got ${inspect(String(given))}`);
}

/** The headers that a request is to have no more. */
function removed(headers: NonNullable<RequestOptions["headers"]>): string[] {
  if (Symbol.iterator in headers) return [];
  return Object.entries(headers)
    .filter(([, value]) => value === undefined || value === null)
    .map(([name]) => name.toLowerCase());
}
