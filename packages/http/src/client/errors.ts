import type { Milliseconds } from "./options.ts";

/** What is known of a request that failed. */
export interface HttpErrorDetails {
  /** The method of the request that was under way: after a redirect it may be another than the one asked for. */
  readonly method: string;
  /** The URL of the request that was under way, without credentials. */
  readonly url: string;
  /** Which attempt it was: 1 is the first. */
  readonly attempt: number;
  /** The status of the response, or null if none had come. */
  readonly status?: number | null | undefined;
  /** The start of the response's body as text, at most about 1,000 characters; null if none was read. */
  readonly bodyStart?: string | null | undefined;
  readonly cause?: unknown;
}

/**
 * A request failed: what all errors of the client have in common. Its message says method, URL, status and attempt.
 *
 * @example
 * ```ts
 * import { HttpClient, HttpError } from "@brio/http";
 * import { run } from "brio";
 *
 * await run(async () => {
 *   await using client = new HttpClient({ retry: false });
 *   try {
 *     await client.get("http://127.0.0.1:1/"); // nobody listens there
 *   } catch (error) {
 *     if (!(error instanceof HttpError)) throw error;
 *     console.log(error.name, error.method, error.attempt); // HttpConnectionError GET 1
 *   }
 * });
 * ```
 */
export class HttpError extends Error {
  override name = "HttpError";
  /** The method of the request that was under way. */
  readonly method: string;
  /** The URL of the request that was under way, without credentials. */
  readonly url: string;
  /** Which attempt it was: 1 is the first. */
  readonly attempt: number;
  /** The status of the response, or null if none had come. */
  readonly status: number | null;
  /** The start of the response's body, as text; null if none was read. */
  readonly bodyStart: string | null;

  constructor(what: string, details: HttpErrorDetails) {
    const { method, url, attempt, status = null, bodyStart = null, cause } = details;
    const after = attempt > 1 ? ` (attempt ${attempt})` : "";
    const body = bodyStart === null || bodyStart === "" ? "" : `; its body begins with:\n${bodyStart}`;
    super(`${method} ${url} ${what}${after}${body}`, cause === undefined ? undefined : { cause });
    this.method = method;
    this.url = url;
    this.attempt = attempt;
    this.status = status;
    this.bodyStart = bodyStart;
  }
}

/** No connection could be made, or it was lost. */
export class HttpConnectionError extends HttpError {
  override name = "HttpConnectionError";
  /** The system's or undici's name for it, such as `ECONNREFUSED`, `ENOTFOUND` or `UND_ERR_SOCKET`. */
  readonly code: string;
  /** May the server have seen the request? If not, even one that is not idempotent can be sent again. */
  readonly sent: boolean;

  constructor(code: string, sent: boolean, details: HttpErrorDetails) {
    const { cause, status } = details;
    const reason = cause instanceof Error && cause.message !== "" ? `: ${cause.message}` : "";
    super(
      status !== undefined && status !== null
        ? `answered with ${status}, and the connection was lost before the end of the body (${code})${reason}`
        : sent
          ? `lost its connection before an answer had come (${code})${reason}`
          : `could not connect (${code})${reason}`,
      details,
    );
    this.code = code;
    this.sent = sent;
  }
}

/** What a request waited for when its time was over. */
export type HttpPhase = "connect" | "headers" | "body" | "total";

const WAITED_FOR: Readonly<Record<HttpPhase, string>> = {
  connect: "had no connection",
  headers: "had no answer",
  body: "got no more of the body",
  total: "had not ended",
};

/** One of the client's time-outs was over: which one, says `phase`. */
export class HttpTimeoutError extends HttpError {
  override name = "HttpTimeoutError";
  /** What it waited for: `timeout.connect`, `.headers`, `.idle` (of the body) or `.total`. */
  readonly phase: HttpPhase;
  /** The time that was set, in milliseconds. */
  readonly limit: Milliseconds;
  /** May the server have seen the request? */
  readonly sent: boolean;

  constructor(phase: HttpPhase, limit: Milliseconds, sent: boolean, details: HttpErrorDetails) {
    super(`${WAITED_FOR[phase]} after ${limit} ms`, details);
    this.phase = phase;
    this.limit = limit;
    this.sent = sent;
  }
}

/** What the server sent is not HTTP, is not as long as it said, or has larger headers than allowed. */
export class HttpProtocolError extends HttpError {
  override name = "HttpProtocolError";
  /** undici's or the parser's name for it, such as `UND_ERR_HEADERS_OVERFLOW` or `HPE_INVALID_CONSTANT`. */
  readonly code: string;

  constructor(code: string, details: HttpErrorDetails) {
    const { cause } = details;
    const reason = cause instanceof Error && cause.message !== "" ? `: ${cause.message}` : "";
    super(`got an answer that breaks the protocol (${code})${reason}`, details);
    this.code = code;
  }
}

/** The server answered with a status of 400 or more: thrown by `raiseForStatus`. */
export class HttpStatusError extends HttpError {
  override name = "HttpStatusError";
  /** The status: 400 or more. */
  declare readonly status: number;
  /** What stands beside the status: `Not Found`. */
  readonly statusText: string;
  /** The headers of the response. */
  readonly headers: Headers;

  constructor(statusText: string, headers: Headers, details: HttpErrorDetails & { readonly status: number }) {
    super(`answered with ${details.status}${statusText === "" ? "" : ` ${statusText}`}`, details);
    this.statusText = statusText;
    this.headers = headers;
  }
}

/** A redirect that is not followed: too many, in a circle, to no URL or to another scheme than http and https. */
export class HttpRedirectError extends HttpError {
  override name = "HttpRedirectError";
  /** Where the redirect led, as the server wrote it. */
  readonly location: string | null;

  constructor(what: string, location: string | null, details: HttpErrorDetails) {
    super(what, details);
    this.location = location;
  }
}

/** A body that was to be read as a whole is larger than allowed. */
export class HttpBodyTooLargeError extends HttpError {
  override name = "HttpBodyTooLargeError";
  /** How many bytes were allowed. */
  readonly limit: number;

  constructor(limit: number, details: HttpErrorDetails) {
    super(
      `has a body of more than ${limit} bytes: read it with response.chunks(), or allow more with { maxBodyBytes }`,
      details,
    );
    this.limit = limit;
  }
}

/** The body is not what was asked for: not JSON, not what a schema says, or not compressed as the server said. */
export class HttpBodyError extends HttpError {
  override name = "HttpBodyError";
  /** What a schema found: empty if it was something else. */
  readonly issues: readonly SchemaIssue[];

  constructor(what: string, issues: readonly SchemaIssue[], details: HttpErrorDetails) {
    super(what, details);
    this.issues = issues;
  }
}

/** Something that a schema found wrong. */
export interface SchemaIssue {
  readonly message: string;
  /** Where: keys and indexes, joined with dots; empty for the value as a whole. */
  readonly path: string;
}

/** Codes of what the server sent, rather than of the connection. */
const PROTOCOL: ReadonlySet<string> = new Set([
  "UND_ERR_HEADERS_OVERFLOW",
  "UND_ERR_RES_CONTENT_LENGTH_MISMATCH",
  "UND_ERR_RES_EXCEEDED_MAX_SIZE",
  "UND_ERR_NOT_SUPPORTED",
]);

/** The error for what undici, the parser or the system reports. */
export function httpErrorOf(cause: unknown, sent: boolean, details: HttpErrorDetails): Error {
  if (cause instanceof HttpError) return cause;
  const error = causeWithCode(cause);
  const code = error.code ?? (error.name === "HTTPParserError" ? "HPE_ERROR" : "UNKNOWN");
  if (code === "UND_ERR_INVALID_ARG") {
    return new TypeError(`${details.method} ${details.url} can't be sent: ${error.message}`, { cause });
  }
  if (PROTOCOL.has(code) || code.startsWith("HPE_"))
    return new HttpProtocolError(code, { ...details, cause: error });
  return new HttpConnectionError(code, sent, { ...details, cause: error });
}

/** Of several addresses that were tried, the first one's error says it as well as any. */
function causeWithCode(cause: unknown): Error & { code?: string } {
  const error = cause instanceof Error ? cause : new Error(String(cause));
  if (error instanceof AggregateError && error.message === "" && error.errors[0] instanceof Error)
    return error.errors[0];
  return error;
}
