import { STATUS_CODES } from "node:http";
import { inspect } from "node:util";
import { CancelledError, currentTask, interruptible, moveOnAfter } from "brio";
import type { StreamReader } from "brio/streams";
import { HttpBodyError, HttpBodyTooLargeError, type HttpErrorDetails, HttpStatusError } from "./errors.ts";
import type { Exchange, Head } from "./exchange.ts";
import { headerOf, platformHeaders } from "./headers.ts";
import { isSchema, issuesOf, type StandardSchema, shownIssues } from "./schema.ts";

/** How much of a body an error shows, in bytes; and how long it may take to come. */
const START = 1000;
const START_TIME = "1s";

/** Up to so many bytes an unwanted body is read, to keep its connection; and how long that may take. */
const WORTH_READING = 65_536;
const DISCARD_TIME = "1s";

/** How a body is read as a whole. */
export interface ReadBodyOptions {
  /** The most bytes, after decompression. Default: the client's, 64 MiB. */
  readonly maxBodyBytes?: number | undefined;
}

/**
 * An answer whose headers have come. Its body is read with {@link text}, {@link json} or {@link bytes} as a whole, or piece by
 * piece with {@link chunks}, {@link lines} or {@link body}.
 *
 * It has a connection until its body has been read: `await using response = await client.get(url)` lets go of it however
 * the block ends. If the task that made the request is cancelled, it is closed too.
 *
 * @example
 * ```ts
 * import { createServer } from "node:http";
 * import { once } from "node:events";
 * import type { AddressInfo } from "node:net";
 * import { HttpClient } from "@brio/http";
 * import { interruptible, run } from "brio";
 *
 * await run(async () => {
 *   const server = createServer((_request, response) => response.end("one\ntwo\n")).listen(0, "127.0.0.1");
 *   await interruptible(once(server, "listening"));
 *   await using client = new HttpClient({ baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
 *   await using response = await client.get("/");
 *   console.log(response.status); // 200
 *   for await (const line of response.lines()) console.log(line); // one, then two
 *   server.close();
 * });
 * ```
 */
export class HttpResponse implements AsyncIterable<Buffer>, AsyncDisposable {
  /** The status: 200, 404 ... */
  readonly status: number;
  /** What the server says to the status; with HTTP/2 it says nothing. */
  readonly statusText: string;
  /** Where it came from, after redirects, without credentials. */
  readonly url: string;
  /** The method it was asked for with: after a redirect it may be GET. */
  readonly method: string;
  /** How often the request was sent: 1 is once. */
  readonly attempt: number;
  /** The URLs that redirected here, the first one first. */
  readonly redirects: readonly string[];
  private readonly exchange: Exchange;
  private readonly head: Head;
  private made: Headers | null = null;

  /** @internal Made by HttpClient. */
  constructor(exchange: Exchange, head: Head, redirects: readonly string[]) {
    const { hop, attempt } = exchange;
    this.exchange = exchange;
    this.head = head;
    this.status = head.status;
    this.statusText = head.statusText || (STATUS_CODES[head.status] ?? "");
    this.url = hop.target.href;
    this.method = hop.method;
    this.attempt = attempt;
    this.redirects = redirects;
  }

  /** Is the status one of success, from 200 to 299? */
  get ok(): boolean {
    return this.status >= 200 && this.status <= 299;
  }

  /** The headers. */
  get headers(): Headers {
    this.made ??= platformHeaders(this.head.headers);
    return this.made;
  }

  /** One header's value, without making all of {@link headers}; null if it is not there. */
  header(name: string): string | null {
    return headerOf(this.head.headers, name.toLowerCase());
  }

  // -- the body ------------------------------------------------------------------------------------------

  /**
   * The body as bytes.
   *
   * *Cancel safety*: cancelled, the connection is closed, and the body is lost.
   *
   * @throws HttpBodyTooLargeError, HttpConnectionError, HttpProtocolError, HttpTimeoutError, HttpBodyError.
   */
  async bytes(options: ReadBodyOptions = {}): Promise<Buffer> {
    const { maxBodyBytes = this.exchange.call.maxBodyBytes } = options;
    return this.takeWhole(maxBodyBytes) ?? (await this.readWhole(maxBodyBytes));
  }

  /** The body, if all of it is here in one piece; to be had in a task, as all that might have to be waited for. */
  private takeWhole(maxBodyBytes: number): Buffer | null {
    const whole = currentTask() === null ? null : this.exchange.takeWhole();
    if (whole !== null && whole.length > maxBodyBytes)
      throw new HttpBodyTooLargeError(maxBodyBytes, this.details());
    return whole;
  }

  private async readWhole(maxBodyBytes: number): Promise<Buffer> {
    const { body } = this;
    const parts: Buffer[] = [];
    let length = 0;
    try {
      for (;;) {
        const part = await body.read(WORTH_READING);
        if (part.length === 0) break;
        length += part.length;
        if (length > maxBodyBytes) throw new HttpBodyTooLargeError(maxBodyBytes, this.details());
        parts.push(part);
        if (body.atEof()) break;
      }
    } catch (error) {
      this.exchange.close();
      throw error;
    }
    return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts, length);
  }

  /**
   * The body as text: in the encoding that its `Content-Type` names, otherwise UTF-8.
   *
   * *Cancel safety*: as {@link bytes}.
   *
   * @throws the errors of {@link bytes}; HttpBodyError if its encoding is unknown.
   */
  async text(options: ReadBodyOptions = {}): Promise<string> {
    const { maxBodyBytes = this.exchange.call.maxBodyBytes } = options;
    const bytes = this.takeWhole(maxBodyBytes) ?? (await this.readWhole(maxBodyBytes));
    const charset = this.charset();
    if (/^utf-?8$/i.test(charset) && bytes[0] !== 0xef) return bytes.toString("utf8");
    try {
      return new TextDecoder(charset).decode(bytes);
    } catch (cause) {
      throw new HttpBodyError(`has text in an unknown encoding: ${charset}`, [], {
        ...this.details(),
        cause,
      });
    }
  }

  /**
   * The body as JSON; checked, and converted, by a schema if one is given.
   *
   * *Cancel safety*: as {@link bytes}.
   *
   * @throws the errors of {@link bytes}; HttpBodyError if it is no JSON, or not what the schema says: with its `issues`.
   */
  async json(): Promise<unknown>;
  async json<T>(schema: StandardSchema<T>): Promise<T>;
  async json<T>(): Promise<T>;
  async json(schema?: StandardSchema): Promise<unknown> {
    if (schema !== undefined && !isSchema(schema)) {
      throw new TypeError(
        `response.json(schema) takes a Standard Schema, such as Zod's, Valibot's or ArkType's; got ${inspect(schema)}`,
      );
    }
    const text = await this.text();
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (cause) {
      const what = `answered with ${this.status} and a body that is not JSON`;
      throw new HttpBodyError(what, [], { ...this.details(), bodyStart: start(text), cause });
    }
    if (schema === undefined) return value;
    const checked = schema["~standard"].validate(value);
    const result = checked instanceof Promise ? await interruptible(checked) : checked;
    if (result.issues === undefined) return result.value;
    const issues = issuesOf(result.issues);
    const what = `answered with JSON that is not as the schema says: ${shownIssues(issues)}`;
    throw new HttpBodyError(what, issues, { ...this.details(), bodyStart: start(text) });
  }

  /**
   * The body in pieces, as they come, of at most `size` bytes. A slow reader slows the server down. A loop that is left closes
   * the response.
   *
   * *Cancel safety*: cancelled, the connection is closed, and the rest of the body is lost.
   *
   * @param size default 65,536
   */
  chunks(size?: number): AsyncIterableIterator<Buffer, undefined> {
    return new BodyPieces(this.exchange, this.body.chunks(size), (bytes) => bytes);
  }

  /**
   * The lines of the body as text (UTF-8), without their ends (`\n` or `\r\n`). A loop that is left closes the response.
   *
   * *Cancel safety*: as {@link chunks}.
   */
  lines(): AsyncIterableIterator<string, undefined> {
    return new BodyPieces(this.exchange, this.body, (line) => line.toString("utf8").replace(/\r?\n$/, ""));
  }

  /** The body as a reader of brio's: to read by number, by lines, up to a separator. Close the response when done. */
  get body(): StreamReader {
    return this.exchange.body;
  }

  /** The body in pieces: see {@link chunks}. */
  [Symbol.asyncIterator](): AsyncIterator<Buffer, undefined> {
    return this.chunks();
  }

  // -- what becomes of it --------------------------------------------------------------------------------

  /**
   * Throws if the status is 400 or more; otherwise resolves with the response.
   *
   * *Cancel safety*: cancelled, the response is closed.
   *
   * @throws HttpStatusError, with the start of the body. The response is closed then.
   */
  async raiseForStatus(): Promise<this> {
    if (this.status < 400) return this;
    throw await this.statusError();
  }

  private async statusError(): Promise<HttpStatusError> {
    let bytes: Buffer = Buffer.alloc(0);
    try {
      await moveOnAfter(START_TIME, async () => {
        while (bytes.length < START) {
          const more = await this.body.read(START - bytes.length);
          if (more.length === 0) break;
          bytes = Buffer.concat([bytes, more]);
        }
      });
    } catch (error) {
      if (error instanceof CancelledError) throw error;
      // What is missing of a body is not what has gone wrong.
    } finally {
      this.exchange.close();
    }
    const details = { ...this.details(), status: this.status, bodyStart: start(bytes.toString("utf8")) };
    return new HttpStatusError(this.statusText, this.headers, details);
  }

  /**
   * Reads and drops what is left of a short body, so that its connection can be used again; closes it if there is more, or if
   * that takes longer than a second.
   *
   * *Cancel safety*: cancelled, the response is closed.
   */
  async discard(): Promise<void> {
    const { exchange } = this;
    const length = Number(this.header("content-length") ?? 0);
    try {
      if (exchange.over || length > WORTH_READING) return;
      await moveOnAfter(DISCARD_TIME, async () => {
        let read = 0;
        while (read <= WORTH_READING) {
          const part = await exchange.body.read(WORTH_READING);
          if (part.length === 0) return;
          read += part.length;
        }
      });
    } catch (error) {
      if (error instanceof CancelledError) throw error;
      // Nobody wants it: then it does not matter that it did not come.
    } finally {
      exchange.close();
    }
  }

  /** Lets go of the connection: if the body has not come to its end, it is closed. Closing twice is fine. */
  close(): void {
    this.exchange.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  toString(): string {
    return `<HttpResponse ${this.status} of ${this.method} ${this.url}>`;
  }

  /** What the body's text is encoded in, as far as the server says. */
  private charset(): string {
    const type = this.header("content-type");
    return (type === null ? null : /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(type)?.[1]) ?? "utf-8";
  }

  private details(): HttpErrorDetails {
    const { method, url, attempt, status } = this;
    return { method, url, attempt, status };
  }
}

/** Pieces of a body. Whoever stops in the middle, or fails, wants no more of it. */
class BodyPieces<T> implements AsyncIterableIterator<T, undefined> {
  private readonly exchange: Exchange;
  private readonly pieces: AsyncIterator<Buffer, unknown>;
  private readonly made: (piece: Buffer) => T;

  constructor(exchange: Exchange, pieces: AsyncIterable<Buffer>, made: (piece: Buffer) => T) {
    this.exchange = exchange;
    this.pieces = pieces[Symbol.asyncIterator]();
    this.made = made;
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    try {
      const { done, value } = await this.pieces.next();
      if (done === true) return { done, value: undefined };
      return { done: false, value: this.made(value as Buffer) };
    } catch (error) {
      this.exchange.close();
      throw error;
    }
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.exchange.close();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

function start(text: string): string {
  return text.length <= START ? text : `${text.slice(0, START)}…`;
}
