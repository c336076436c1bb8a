import { inspect } from "node:util";
import { type Backoff, CancelledError, type Duration, milliseconds, sleep } from "brio";
import { createParser, type EventSourceParser } from "eventsource-parser";
import { HttpBodyError, HttpConnectionError, HttpTimeoutError } from "./errors.ts";
import type { HttpClient } from "./http-client.ts";
import type { HttpTimeouts, RequestOptions } from "./options.ts";
import type { HttpResponse } from "./response.ts";

/** Something that a server has told. */
export interface ServerSentEvent {
  /** What kind of event; "message" if the server does not say. */
  readonly type: string;
  readonly data: string;
  /** The last id that the server has given, of this event or one before; "" if none. */
  readonly id: string;
}

/** Options of {@link serverSentEvents}. */
export interface EventStreamOptions extends RequestOptions {
  /** Default "GET". */
  readonly method?: string | undefined;
  /** What was the last event that has been seen, in an earlier run: the server goes on after it. */
  readonly lastEventId?: string | undefined;
  /**
   * How long to wait before connecting again, after the stream has ended or was lost; the server may say otherwise. It grows
   * as long as nothing comes. false: the end of the stream is the end. Default from 3 s to 1 min for GET, false for others.
   */
  readonly reconnect?: Duration | Backoff | false | undefined;
  /** The most bytes of one event. Default 1 MiB. */
  readonly maxEventBytes?: number | undefined;
}

const DEFAULT_PAUSE = 3000;
const LONGEST_PAUSE = 60_000;
const MEBIBYTE = 1024 * 1024;

/**
 * Listens to a server's events (`text/event-stream`): an async iterable of them. When the connection is lost it is made again,
 * with the id of the last event, so that the server can go on there. A server ends it with a status of 204.
 *
 * *Cancel safety*: see {@link EventStream.next}.
 *
 * @throws TypeError or RangeError for bad options; from the loop, what {@link EventStream.next} throws.
 *
 * @example
 * ```ts
 * import { once } from "node:events";
 * import { createServer } from "node:http";
 * import type { AddressInfo } from "node:net";
 * import { HttpClient, serverSentEvents } from "@brio/http";
 * import { interruptible, run } from "brio";
 *
 * await run(async () => {
 *   const server = createServer((_request, response) => {
 *     response.writeHead(200, { "content-type": "text/event-stream" });
 *     response.write("id: 1\ndata: first\n\nid: 2\nevent: price\ndata: 42\n\n");
 *   }).listen(0, "127.0.0.1");
 *   await interruptible(once(server, "listening"));
 *   await using client = new HttpClient();
 *   const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
 *   for await (const { type, data, id } of serverSentEvents(client, url)) {
 *     console.log(type, data, id); // message first 1, then price 42 2
 *     if (id === "2") break;
 *   }
 *   server.close();
 * });
 * ```
 */
export function serverSentEvents(
  client: HttpClient,
  url: string | URL,
  options: EventStreamOptions = {},
): EventStream {
  return new EventStream(client, url, options);
}

/*
 * Its states: idle -> connected -> idle ... -> ended. It connects when somebody wants an event, and there is none.
 */

/** A server's events, one after the other: made by {@link serverSentEvents}. */
export class EventStream implements AsyncIterableIterator<ServerSentEvent, undefined>, AsyncDisposable {
  private readonly client: HttpClient;
  private readonly url: string | URL;
  private readonly options: EventStreamOptions;
  private readonly reconnects: boolean;
  private readonly parser: EventSourceParser;
  private readonly events: ServerSentEvent[] = [];
  private readonly backoff: Backoff;
  private decoder = new TextDecoder();
  private response: HttpResponse | null = null;
  private ended = false;
  private tooLarge = false;
  private lastId: string;
  /** What the server has asked for. */
  private asked: number | null = null;
  /** How often in a row nothing has come. */
  private failures = 0;
  /** Has it been connected before? */
  private again = false;

  /** @internal Use serverSentEvents(). */
  constructor(client: HttpClient, url: string | URL, options: EventStreamOptions) {
    const { method = "GET", lastEventId = "", maxEventBytes = MEBIBYTE } = options;
    const { reconnect = method.toUpperCase() === "GET" ? {} : false } = options;
    if (!Number.isInteger(maxEventBytes) || maxEventBytes < 1)
      throw new RangeError(`maxEventBytes must be an integer >= 1; got ${inspect(maxEventBytes)}`);
    this.client = client;
    this.url = url;
    this.options = options;
    this.lastId = lastEventId;
    this.reconnects = reconnect !== false;
    this.backoff =
      typeof reconnect === "object" ? reconnect : { initial: reconnect || DEFAULT_PAUSE, factor: 1 };
    milliseconds(this.backoff.initial ?? 0, "reconnect");
    this.parser = createParser({
      maxBufferSize: maxEventBytes,
      onEvent: ({ event = "message", data, id }) => {
        if (id !== undefined) this.lastId = id;
        this.events.push({ type: event || "message", data, id: this.lastId });
      },
      onRetry: (pause) => {
        this.asked = pause;
      },
      onError: ({ type }) => {
        this.tooLarge ||= type === "max-buffer-size-exceeded";
      },
    });
  }

  /** The id of the last event: to go on there another time. */
  get lastEventId(): string {
    return this.lastId;
  }

  /**
   * The next event; waits for it, connects and reconnects.
   *
   * *Cancel safety*: no event is lost, the next call goes on. When the task that has connected is cancelled, the connection is
   * closed; and so it is by `close()` or by leaving a loop.
   *
   * @throws HttpStatusError if the server answers with something else than events; HttpBodyError if it sends something else, or
   * an event that is too large; without `reconnect`, the errors of a request.
   */
  async next(): Promise<IteratorResult<ServerSentEvent, undefined>> {
    for (;;) {
      const event = this.events.shift();
      if (event !== undefined) return { done: false, value: event };
      if (this.ended) return { done: true, value: undefined };
      try {
        if (this.response === null) await this.connect();
        else await this.receive(this.response);
      } catch (error) {
        if (error instanceof CancelledError) throw error;
        this.lost(error);
      }
    }
  }

  /** Ends it: the loop is left. *Cancel safety*: there is nothing to wait for. */
  async return(): Promise<IteratorResult<ServerSentEvent, undefined>> {
    this.close();
    return { done: true, value: undefined };
  }

  /** Closes the connection. There are no more events then. */
  close(): void {
    this.ended = true;
    this.events.length = 0;
    this.response?.close();
    this.response = null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  private async connect(): Promise<void> {
    if (this.again) await sleep(this.pause());
    const { method = "GET", headers, timeout } = this.options;
    const response = await this.client.request(method, this.url, {
      ...this.options,
      headers: {
        accept: "text/event-stream",
        "cache-control": "no-cache",
        ...(headers === undefined ? {} : Symbol.iterator in headers ? Object.fromEntries(headers) : headers),
        "last-event-id": this.lastId === "" ? undefined : this.lastId,
      },
      timeout: quiet(timeout),
    });
    this.again = true;
    if (response.status === 204) {
      response.close();
      this.ended = true;
      return;
    }
    if (!response.ok) {
      this.ended = true;
      await response.raiseForStatus();
    }
    const type = response.header("content-type");
    if (type === null || !/^text\/event-stream\b/i.test(type)) {
      response.close();
      const { url, attempt, status } = response;
      const what = `answered with ${status} and ${type ?? "no content type"}, not with text/event-stream`;
      throw new HttpBodyError(what, [], { method, url, attempt, status });
    }
    this.decoder = new TextDecoder();
    this.parser.reset();
    this.response = response;
  }

  private async receive(response: HttpResponse): Promise<void> {
    const chunk = await response.body.read(65_536);
    if (chunk.length === 0) {
      this.response = null;
      if (this.reconnects) this.failures++;
      else this.ended = true;
      return;
    }
    const before = this.events.length;
    this.parser.feed(this.decoder.decode(chunk, { stream: true }));
    if (this.events.length > before) this.failures = 0;
    if (!this.tooLarge) return;
    const { method, url, attempt, status } = response;
    throw new HttpBodyError("sent an event that is larger than maxEventBytes", [], {
      method,
      url,
      attempt,
      status,
    });
  }

  /** A lost connection is made again; anything else would only happen again. */
  private lost(error: unknown): void {
    this.response?.close();
    this.response = null;
    const passing = error instanceof HttpConnectionError || error instanceof HttpTimeoutError;
    if (!passing || !this.reconnects) {
      this.ended = true;
      throw error;
    }
    this.again = true;
    this.failures++;
  }

  private pause(): number {
    const { initial = DEFAULT_PAUSE, factor = 2, max = LONGEST_PAUSE } = this.backoff;
    const first = this.asked ?? milliseconds(initial, "reconnect");
    return Math.max(
      first,
      Math.min(milliseconds(max, "reconnect.max"), first * factor ** Math.max(0, this.failures - 1)),
    );
  }
}

/** Events may be rare: unless somebody says so, no time without one is too long. */
function quiet(timeout: RequestOptions["timeout"]): RequestOptions["timeout"] {
  if (timeout === undefined) return { idle: null };
  if (timeout === null || typeof timeout !== "object") return timeout;
  return { idle: null, ...timeout } satisfies HttpTimeouts;
}
