import { TimeoutError } from "brio";

/** What a framework reads of an error that a request ends with: Fastify and Express the fields, Hono `getResponse`. */
export interface HttpFailure extends Error {
  readonly status: number;
  readonly statusCode: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;
  getResponse(): Response;
}

function responseTo({ message, status, headers }: HttpFailure): Response {
  return new Response(message, { status, headers });
}

/** A request was not answered within its time. The framework's error handler gets it, and answers with its status. */
export class RequestTimeoutError extends TimeoutError implements HttpFailure {
  override name = "RequestTimeoutError";
  /** The status that it is answered with: 503 or 504. */
  readonly status: number;
  /** The same, where Fastify looks for it. */
  readonly statusCode: number;
  /** What logs and error handlers can go by. */
  readonly code: string = "BRIO_REQUEST_TIMEOUT";
  /** Headers of the response. */
  readonly headers: Readonly<Record<string, string>> = {};

  constructor(timeout: number, status: 503 | 504) {
    super(`the request was not answered within ${timeout} ms`);
    this.status = status;
    this.statusCode = status;
  }

  /** The response that Hono gives. */
  getResponse(): Response {
    return responseTo(this);
  }
}

/**
 * A request was refused, because the server has too much to do or is stopping: 503, with `Retry-After`. The framework's
 * error handler gets it.
 */
export class ServiceUnavailableError extends Error implements HttpFailure {
  override name = "ServiceUnavailableError";
  /** The status that it is answered with. */
  readonly status: number = 503;
  /** The same, where Fastify looks for it. */
  readonly statusCode: number = 503;
  /** What logs and error handlers can go by. */
  readonly code: string = "BRIO_SERVICE_UNAVAILABLE";
  /** Headers of the response: `retry-after`, in seconds. */
  readonly headers: Readonly<Record<string, string>>;

  /** @param retryAfter in seconds */
  constructor(why: string, retryAfter: number) {
    super(why);
    this.headers = { "retry-after": String(retryAfter) };
  }

  /** The response that Hono gives. */
  getResponse(): Response {
    return responseTo(this);
  }
}
