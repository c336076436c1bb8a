import { inspect } from "node:util";
import { CancelledError, getRunningLoop, sleep, TimeoutError, timeoutAt } from "brio";
import type { CookieJar } from "tough-cookie";
import { type Call, CallDefaults, NO_OPTIONS } from "./call.ts";
import { Cookies } from "./cookies.ts";
import { HttpRedirectError, HttpTimeoutError } from "./errors.ts";
import { type Hop, redirected } from "./hop.ts";
import { checkedLimiter, type HttpClientOptions, type Milliseconds, type RequestOptions } from "./options.ts";
import type { HttpResponse } from "./response.ts";
import { Sender } from "./sender.ts";
import { Transport } from "./transport.ts";

/** Of all answers that nothing has redirected to. */
const NO_REDIRECTS: readonly string[] = Object.freeze([]);

/**
 * Makes HTTP requests that are cancelled with the task that makes them: the connection is destroyed, or the stream of HTTP/2 is
 * reset, and whatever the request waited for (its turn, a connection, an answer, the next attempt) is waited for no more.
 *
 * It keeps connections open between requests, so one client is used for many. `await using client = new HttpClient()` closes
 * it; nothing of it is left then.
 *
 * @example
 * ```ts
 * import { once } from "node:events";
 * import { createServer } from "node:http";
 * import type { AddressInfo } from "node:net";
 * import { HttpClient } from "@brio/http";
 * import { interruptible, run } from "brio";
 *
 * await run(async () => {
 *   const server = createServer((request, response) => {
 *     response.end(JSON.stringify({ asked: `${request.method} ${request.url}` }));
 *   }).listen(0, "127.0.0.1");
 *   await interruptible(once(server, "listening"));
 *   const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/`;
 *
 *   await using client = new HttpClient({ baseUrl, timeout: "10s", raiseForStatus: true });
 *   const response = await client.get("users", { query: { page: 2 } });
 *   console.log(await response.json()); // { asked: 'GET /v1/users?page=2' }
 *   server.close();
 * });
 * ```
 */
export class HttpClient implements AsyncDisposable {
  private readonly defaults: CallDefaults;
  private readonly cookies: Cookies | null;
  /** @internal See Transport. */ readonly exclusive: boolean;
  private readonly sender: Sender;

  /** @throws TypeError or RangeError that names the option. */
  constructor(options: HttpClientOptions = {}) {
    if (typeof options !== "object" || options === null)
      throw new TypeError(`new HttpClient() takes options, such as { baseUrl }; got ${inspect(options)}`);
    this.defaults = new CallDefaults(options);
    const limiter = checkedLimiter(options.rateLimit);
    const cookies = Cookies.of(options.cookies);
    const transport = new Transport(options, this.defaults.timeouts);
    this.cookies = cookies;
    this.exclusive = transport.exclusive;
    this.sender = new Sender({ transport, limiter, cookies, listener: options.onEvent ?? null });
  }

  /** GET: see {@link request}. *Cancel safety*: as there. */
  get(url: string | URL, options?: RequestOptions): Promise<HttpResponse> {
    return this.request("GET", url, options);
  }

  /** HEAD: see {@link request}. *Cancel safety*: as there. */
  head(url: string | URL, options?: RequestOptions): Promise<HttpResponse> {
    return this.request("HEAD", url, options);
  }

  /** POST: see {@link request}. *Cancel safety*: as there. */
  post(url: string | URL, options?: RequestOptions): Promise<HttpResponse> {
    return this.request("POST", url, options);
  }

  /** PUT: see {@link request}. *Cancel safety*: as there. */
  put(url: string | URL, options?: RequestOptions): Promise<HttpResponse> {
    return this.request("PUT", url, options);
  }

  /** PATCH: see {@link request}. *Cancel safety*: as there. */
  patch(url: string | URL, options?: RequestOptions): Promise<HttpResponse> {
    return this.request("PATCH", url, options);
  }

  /** DELETE: see {@link request}. *Cancel safety*: as there. */
  delete(url: string | URL, options?: RequestOptions): Promise<HttpResponse> {
    return this.request("DELETE", url, options);
  }

  /**
   * Sends a request; resolves when the headers of the answer have come, after redirects and further attempts.
   *
   * *Cancel safety*: cancelled, its connection is destroyed (with HTTP/2: its stream), a body that was sent piece by piece has
   * been stopped, and no further attempt is made. The server may have acted on it.
   *
   * @throws HttpConnectionError, HttpTimeoutError, HttpProtocolError, HttpRedirectError; HttpStatusError if `raiseForStatus` is
   * set; what an iterable given as body throws; TypeError or RangeError for bad arguments; RuntimeError outside a task.
   */
  request(method: string, url: string | URL, options: RequestOptions = NO_OPTIONS): Promise<HttpResponse> {
    let call: Call;
    try {
      if (this.sender.closed) throw new Error("this HttpClient is closed: make another one");
      call = this.defaults.call(method, url, options);
    } catch (error) {
      return Promise.reject(error);
    }
    return call.deadline === null ? this.attempts(call) : this.inTime(call, call.deadline);
  }

  /** The jar with this client's cookies; null if it keeps none. */
  get cookieJar(): CookieJar | null {
    return this.cookies?.jar ?? null;
  }

  /** How many exchanges are under way: requests, and answers whose bodies have not ended. */
  get active(): number {
    return this.sender.active;
  }

  /**
   * Closes it: ends what is under way (who reads a body gets an error), and all connections.
   *
   * *Cancel safety*: it can't be cancelled: it is closed in any case.
   */
  async close(): Promise<void> {
    await this.sender.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  toString(): string {
    const where = this.defaults.base === null ? "" : ` of ${this.defaults.base.href}`;
    return `<HttpClient${where}, ${this.active} under way${this.sender.closed ? ", closed" : ""}>`;
  }

  // -- within --------------------------------------------------------------------------------------------

  private async inTime(call: Call, deadline: number): Promise<HttpResponse> {
    try {
      return await timeoutAt(deadline, () => this.attempts(call));
    } catch (error) {
      // What makes a body may have time-outs of its own.
      if (!(error instanceof TimeoutError) || getRunningLoop().time() < deadline) throw error;
      throw this.late(call);
    }
  }

  /** Sends it until an answer, or an error, is final. */
  private async attempts(call: Call): Promise<HttpResponse> {
    const { hop, keyed, retry } = call;
    const retryable = { method: hop.method, keyed, replayable: hop.body.replayable };
    for (let attempt = 1; ; attempt++) {
      let pause: Milliseconds | null;
      let status: number | null = null;
      let failure: unknown = null;
      call.attempt = attempt;
      try {
        let response = await this.sender.send(call, hop, attempt, NO_REDIRECTS);
        if (response.status >= 300 && response.status < 400)
          response = await this.follow(call, attempt, response);
        status = response.status;
        pause = retry.minds(status, attempt)
          ? retry.afterAnswer(retryable, status, response.header("retry-after"), attempt)
          : null;
        if (pause === null || this.tooLate(call, pause))
          return call.raiseForStatus && !response.ok ? await response.raiseForStatus() : response;
        await response.discard();
      } catch (error) {
        if (error instanceof CancelledError || status !== null) throw error;
        failure = error;
        call.lastFailure = error;
        pause = retry.afterError(retryable, error, attempt);
        if (pause === null || this.tooLate(call, pause)) {
          this.sender.tell(call, hop, attempt, { type: "error", error });
          throw error;
        }
      }
      this.sender.tell(call, hop, attempt, { type: "retry", pause, status, error: failure });
      await sleep(pause);
    }
  }

  /** An attempt after the deadline is none: better to know at once what went wrong. */
  private tooLate({ deadline }: Call, pause: Milliseconds): boolean {
    return deadline !== null && getRunningLoop().time() + pause >= deadline;
  }

  /** What an answer leads to, through redirects. */
  private async follow(call: Call, attempt: number, first: HttpResponse): Promise<HttpResponse> {
    const { credentials } = this.defaults;
    const redirects: string[] = [];
    if (call.maxRedirects === 0) return first;
    let response = first;
    for (let hop = call.hop; ; ) {
      const { status } = response;
      const location = response.header("location");
      let next: Hop | null;
      try {
        next = redirected(hop, status, location, { attempt, credentials });
        if (next === null) return response;
        const what =
          redirects.length >= call.maxRedirects
            ? `redirects once more after ${redirects.length} redirects (maxRedirects)`
            : this.cookies === null && circular(hop, next, redirects)
              ? "redirects in a circle"
              : null;
        if (what !== null) {
          const details = { method: hop.method, url: hop.target.href, attempt, status };
          throw new HttpRedirectError(`${what}: to ${next.target.href}`, location, details);
        }
      } catch (error) {
        response.close();
        throw error;
      }
      await response.discard();
      this.sender.tell(call, hop, attempt, { type: "redirect", status, location: next.target.href });
      redirects.push(hop.target.href);
      hop = next;
      response = await this.sender.send(call, hop, attempt, [...redirects]);
    }
  }

  private late({ hop, timeouts, attempt, lastFailure }: Call): HttpTimeoutError {
    const details = { method: hop.method, url: hop.target.href, attempt, cause: lastFailure };
    return new HttpTimeoutError("total", timeouts.total as Milliseconds, true, details); // it was over
  }
}

/** Would the same be asked that has been asked before? (With a cookie in between that may be meant, and ends at the limit.) */
function circular(hop: Hop, next: Hop, redirects: readonly string[]): boolean {
  return (
    next.method === hop.method &&
    (next.target.href === hop.target.href || redirects.includes(next.target.href))
  );
}
