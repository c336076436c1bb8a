import { inspect } from "node:util";
import { currentTask, RuntimeError, type Task } from "brio";
import { NO_BODY, requestBody } from "./body.ts";
import { ACCEPTED } from "./decoder.ts";
import { type HeaderRecord, headerRecord, withoutCredentials } from "./headers.ts";
import { basic, type Hop, type Target, targetOf } from "./hop.ts";
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
  /** Whose call it is. */
  readonly task: Task<unknown>;
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

/** The options of a request that has none of its own. */
export const NO_OPTIONS: RequestOptions = {};

let calls = 0;

/** What all calls of a client have, unless they say otherwise. */
export class CallDefaults {
  readonly base: URL | null;
  private readonly baseOrigin: string | null;
  readonly timeouts: CheckedTimeouts;
  /** Headers that say who asks, besides those that everybody knows. */
  readonly credentials: readonly string[];
  private readonly headers: HeaderRecord;
  /** The headers of requests that have no options: to the base URL's origin, and to others. */
  private readonly ownHeaders: Readonly<HeaderRecord>;
  private readonly foreignHeaders: Readonly<HeaderRecord>;
  /** The last request without options, and what it was asked for with: many ask for the same again and again. */
  private lastHop: Hop | null = null;
  private lastUrl: string | null = null;
  private readonly retry: RetryPolicy;
  private readonly maxRedirects: number;
  private readonly maxBodyBytes: number;
  private readonly decompress: boolean;
  private readonly raiseForStatus: boolean;

  /** @throws TypeError or RangeError that names the option. */
  constructor(options: HttpClientOptions) {
    this.base = options.baseUrl === undefined ? null : baseOf(options.baseUrl);
    this.baseOrigin = this.base === null ? null : this.base.origin;
    this.headers = headerRecord(options.headers, "headers");
    this.timeouts = checkedTimeouts(options.timeout);
    this.retry = new RetryPolicy(options.retry);
    this.credentials = (options.credentialHeaders ?? []).map((name) => name.toLowerCase());
    this.maxRedirects = checkedCount("maxRedirects", options.maxRedirects, 0, 10);
    this.maxBodyBytes = checkedCount("maxBodyBytes", options.maxBodyBytes, 0, 64 * MEBIBYTE);
    this.decompress = options.decompress ?? true;
    this.raiseForStatus = options.raiseForStatus ?? false;
    this.ownHeaders = this.accepting({ ...this.headers }, this.decompress);
    this.foreignHeaders = this.accepting(withoutCredentials(this.headers, this.credentials), this.decompress);
  }

  /** @throws TypeError or RangeError that names the argument; RuntimeError outside a task. */
  call(method: string, given: string | URL, options: RequestOptions): Call {
    if (typeof method !== "string" || method === "")
      throw new TypeError(`method must be one of HTTP, such as "GET"; got ${inspect(method)}`);
    if (typeof options !== "object" || options === null)
      throw new TypeError(`options must be an object, such as { json: value }; got ${inspect(options)}`);
    const task = currentTask();
    if (task === null)
      throw new RuntimeError("client.request() needs a task: call it inside run(async () => { ... })");
    const decompress = options.decompress ?? this.decompress;
    const hop =
      options === NO_OPTIONS ? this.plainHop(method, given) : this.hop(method, given, options, decompress);
    const timeouts = checkedTimeouts(options.timeout, this.timeouts);
    const { total } = timeouts;
    return {
      id: ++calls,
      task,
      hop,
      keyed: hop.headers["idempotency-key"] !== undefined,
      timeouts,
      retry: options.retry === undefined ? this.retry : new RetryPolicy(options.retry),
      maxRedirects: checkedCount("maxRedirects", options.maxRedirects, 0, this.maxRedirects),
      maxBodyBytes: checkedCount("maxBodyBytes", options.maxBodyBytes, 0, this.maxBodyBytes),
      decompress,
      bufferBytes: options.bufferBytes,
      raiseForStatus: options.raiseForStatus ?? this.raiseForStatus,
      deadline: total === null || total === Number.POSITIVE_INFINITY ? null : task.getLoop().time() + total,
      attempt: 1,
      lastFailure: undefined,
    };
  }

  private hop(method: string, given: string | URL, options: RequestOptions, decompress: boolean): Hop {
    const { target, auth } = targetOf(given, this.base, options.query);
    const headers = this.accepting(this.headersFor(target, auth, options), decompress);
    return { method: method.toUpperCase(), target, headers, body: requestBody(options) };
  }

  private plainHop(method: string, given: string | URL): Hop {
    const { lastHop } = this;
    if (lastHop !== null && given === this.lastUrl && method === lastHop.method) return lastHop;
    const { target, auth } = targetOf(given, this.base, undefined);
    const shared = this.foreign(target) ? this.foreignHeaders : this.ownHeaders;
    const headers = auth === null ? shared : { ...shared, authorization: auth };
    const hop: Hop = { method: method.toUpperCase(), target, headers, body: NO_BODY };
    if (typeof given === "string") {
      this.lastHop = hop;
      this.lastUrl = given;
    }
    return hop;
  }

  private accepting(headers: HeaderRecord, decompress: boolean): HeaderRecord {
    if (decompress) headers["accept-encoding"] ??= ACCEPTED;
    return headers;
  }

  private foreign(target: Target): boolean {
    return this.baseOrigin !== null && target.origin !== this.baseOrigin;
  }

  private headersFor(target: Target, auth: string | null, options: RequestOptions): HeaderRecord {
    const headers = this.foreign(target)
      ? withoutCredentials(this.headers, this.credentials)
      : { ...this.headers };
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
