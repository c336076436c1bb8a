import { once } from "node:events";
import type { Socket } from "node:net";
import { inspect } from "node:util";
import {
  currentSignal,
  type Duration,
  Event,
  interruptible,
  milliseconds,
  moveOnAfter,
  Queue,
  QueueShutDown,
  timeout,
  uncancellable,
} from "brio";
import {
  buildConnector,
  Client,
  type CloseEvent,
  type ErrorEvent,
  type MessageEvent,
  WebSocket,
} from "undici";
import { type HeadersInput, headerRecord, platformHeaders } from "./headers.ts";
import type { TlsSettings } from "./transport.ts";

/** Options of {@link openWebSocket}. */
export interface WebSocketOptions {
  /** Sent with the handshake. */
  readonly headers?: HeadersInput | undefined;
  /** The subprotocols that are offered, the best first. */
  readonly protocols?: string | readonly string[] | undefined;
  /** How long connecting and the handshake may take; null: no limit. Default "10s". */
  readonly timeout?: Duration | null | undefined;
  /** The most bytes of one message. Default 16 MiB. */
  readonly maxMessageBytes?: number | undefined;
  /** So many bytes of messages that nobody has taken, and no more are read from the connection. Default 1 MiB. */
  readonly highWaterMark?: number | undefined;
  /** Options for TLS, as `tls.connect` takes them. */
  readonly tls?: TlsSettings | undefined;
}

const MEBIBYTE = 1024 * 1024;

/** How long the other side may take to say goodbye. */
const CLOSE_TIME = "2s";

/** Ends that were meant: normal, and going away. */
const MEANT: ReadonlySet<number> = new Set([1000, 1001, 1005]);

/** A WebSocket was closed, or could not be opened. */
export class WebSocketClosedError extends Error {
  override name = "WebSocketClosedError";
  /** The code: 1000 is a normal end, 1006 a lost connection. */
  readonly code: number;
  /** What the other side has said to it. */
  readonly reason: string;
  /** Where it led to. */
  readonly url: string;

  constructor(what: string, url: string, code: number, reason: string, cause?: unknown) {
    super(
      `${url} ${what} (${code}${reason === "" ? "" : `: ${reason}`})`,
      cause === undefined ? undefined : { cause },
    );
    this.url = url;
    this.code = code;
    this.reason = reason;
  }
}

/**
 * Opens a WebSocket. `for await` gives its messages; `await using socket = ...` closes it at the end of the block.
 *
 * *Cancel safety*: cancelled, the connection is destroyed.
 *
 * @throws WebSocketClosedError if there is no WebSocket at that URL; TimeoutError; TypeError or RangeError for bad arguments.
 *
 * @example
 * ```ts types-only
 * import { openWebSocket } from "@brio/http";
 * import { run } from "brio";
 *
 * await run(async () => {
 *   await using socket = await openWebSocket("wss://example.com/prices");
 *   await socket.send(JSON.stringify({ subscribe: "brio" }));
 *   for await (const message of socket) console.log(message);
 * });
 * ```
 */
export async function openWebSocket(
  url: string | URL,
  options: WebSocketOptions = {},
): Promise<WebSocketConnection> {
  const target = webSocketUrl(url);
  const { timeout: limit = "10s" } = options;
  const time = limit === null ? null : milliseconds(limit, "timeout");
  const connection = new WebSocketConnection(target, options);
  try {
    await timeout(time, () => connection.opened());
  } catch (error) {
    connection.destroy();
    throw error;
  }
  return connection;
}

/*
 * Its states: connecting -> open -> closed. Messages that have come can be taken when it is closed, too.
 *
 * undici's WebSocket knows no back-pressure. The connection under it does: its socket is paused while too much waits.
 */

/**
 * A WebSocket that is open: made by {@link openWebSocket}. Messages are text, or bytes.
 *
 * @example
 * ```ts types-only
 * import type { WebSocketConnection } from "@brio/http";
 *
 * export async function show(socket: WebSocketConnection): Promise<void> {
 *   for await (const message of socket) {
 *     if (typeof message === "string") console.log(JSON.parse(message));
 *   }
 * }
 * ```
 */
export class WebSocketConnection
  implements AsyncIterableIterator<string | Buffer, undefined>, AsyncDisposable
{
  /** Where it leads to. */
  readonly url: string;
  private readonly client: Client;
  private readonly socket: WebSocket;
  private readonly messages = new Queue<string | Buffer>();
  private readonly highWaterMark: number;
  private readonly openedOrNot = new Event();
  private readonly closed = new Event();
  private readonly unwatch: () => void;
  private wire: Socket | null = null;
  private waiting = 0;
  private end: { readonly code: number; readonly reason: string } | null = null;
  private failure: unknown;

  /** @internal Use openWebSocket(). */
  constructor(target: URL, options: WebSocketOptions) {
    const { headers, protocols, tls = {} } = options;
    const { maxMessageBytes = 16 * MEBIBYTE, highWaterMark = MEBIBYTE } = options;
    this.url = target.href;
    this.highWaterMark = count("highWaterMark", highWaterMark);
    const connect = buildConnector({ ...tls, timeout: 0 });
    this.client = new Client(target.origin.replace(/^ws/, "http"), {
      webSocket: { maxPayloadSize: count("maxMessageBytes", maxMessageBytes) },
      connect: (settings, callback) => {
        this.wire = connect(settings, callback) as unknown as Socket; // it returns that, though its type does not say so
        return this.wire;
      },
    });
    this.socket = new WebSocket(target, {
      dispatcher: this.client,
      protocols: typeof protocols === "string" ? protocols : [...(protocols ?? [])],
      headers: platformHeaders(headerRecord(headers, "headers")) as never, // undici's own type for the same
    });
    this.socket.binaryType = "arraybuffer";
    this.socket.addEventListener("open", () => this.openedOrNot.set());
    this.socket.addEventListener("message", (event) => this.take(event));
    this.socket.addEventListener("error", (event) => this.fail(event));
    this.socket.addEventListener("close", (event) => this.finish(event));
    // Who opened it may be cancelled while it does something else.
    const signal = currentSignal();
    const destroy = (): void => this.destroy();
    signal.addEventListener("abort", destroy, { once: true });
    this.unwatch = () => signal.removeEventListener("abort", destroy);
  }

  /** The subprotocol that the server has chosen; "" if none. */
  get protocol(): string {
    return this.socket.protocol;
  }

  /**
   * The next message.
   *
   * *Cancel safety*: no message is lost.
   *
   * @throws WebSocketClosedError if the connection was lost, or ended for another reason than that it was at its end.
   */
  async next(): Promise<IteratorResult<string | Buffer, undefined>> {
    let message: string | Buffer;
    try {
      message = await this.messages.get();
    } catch (error) {
      if (!(error instanceof QueueShutDown)) throw error;
      const { code, reason } = this.end ?? { code: 1006, reason: "" };
      if (MEANT.has(code)) return { done: true, value: undefined };
      throw new WebSocketClosedError("was closed", this.url, code, reason, this.failure);
    }
    this.waiting -= message.length;
    if (this.waiting <= this.highWaterMark) this.wire?.resume();
    return { done: false, value: message };
  }

  /**
   * Sends a message: text as text, bytes as bytes. Waits while the other side takes less than is sent.
   *
   * *Cancel safety*: cancelled while it waits, the message is sent nevertheless.
   *
   * @throws WebSocketClosedError if it is closed.
   */
  async send(message: string | Uint8Array): Promise<void> {
    if (this.end !== null || this.socket.readyState !== WebSocket.OPEN) {
      const { code, reason } = this.end ?? { code: 1006, reason: "" };
      throw new WebSocketClosedError("is closed", this.url, code, reason, this.failure);
    }
    if (typeof message !== "string" && !(message instanceof Uint8Array))
      throw new TypeError(
        `socket.send() takes text or bytes; got ${inspect(message)}: JSON.stringify() makes text`,
      );
    this.socket.send(message);
    const { wire } = this;
    if (wire === null || !wire.writableNeedDrain) return;
    await interruptible(async (signal) => {
      // When it is closed it will not be drained either: the next one hears of that.
      await Promise.race([once(wire, "drain", { signal }), once(wire, "close", { signal })]);
    });
  }

  /**
   * Says goodbye, waits for the other side to say it too, at most 2 s, and closes the connection. Closing twice is fine.
   *
   * *Cancel safety*: it can't be cancelled: it is closed in any case.
   *
   * @param code 1000 (default), or one from 3000 to 4999
   */
  async close(code = 1000, reason = ""): Promise<void> {
    await uncancellable(
      async () => {
        if (this.end === null) {
          this.socket.close(code, reason);
          // Nobody takes messages any more, and the goodbye comes after them.
          this.waiting = Number.NEGATIVE_INFINITY;
          this.wire?.resume();
          await moveOnAfter(CLOSE_TIME, () => this.closed.wait());
        }
        this.destroy();
      },
      { grace: null },
    );
  }

  /** Ends it: a loop is left. *Cancel safety*: as {@link close}. */
  async return(): Promise<IteratorResult<string | Buffer, undefined>> {
    await this.close();
    return { done: true, value: undefined };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Breaks the connection off, without a goodbye. */
  destroy(): void {
    this.finish(null);
    this.wire?.destroy();
    this.client.destroy().catch(() => {}); // it is destroyed already
  }

  /** @internal */
  async opened(): Promise<void> {
    await this.openedOrNot.wait();
    if (this.end === null) return;
    const { code, reason } = this.end;
    throw new WebSocketClosedError("could not be opened", this.url, code, reason, this.failure);
  }

  private take({ data }: MessageEvent): void {
    if (this.end !== null) return;
    const message = typeof data === "string" ? data : Buffer.from(data as ArrayBuffer); // by binaryType
    this.waiting += message.length;
    this.messages.putNowait(message);
    if (this.waiting > this.highWaterMark) this.wire?.pause();
  }

  private fail({ error, message }: ErrorEvent): void {
    this.failure ??= error ?? new Error(message);
  }

  private finish(event: CloseEvent | null): void {
    if (this.end !== null) return;
    this.end = { code: event?.code ?? 1006, reason: event?.reason ?? "" };
    this.unwatch();
    this.messages.shutdown();
    this.openedOrNot.set();
    this.closed.set();
    if (event !== null) this.client.destroy().catch(() => {}); // it is destroyed already
  }
}

function webSocketUrl(given: string | URL): URL {
  try {
    const url = new URL(given);
    const scheme = { "http:": "ws:", "https:": "wss:", "ws:": "ws:", "wss:": "wss:" }[url.protocol];
    if (scheme !== undefined) {
      url.protocol = scheme;
      url.hash = "";
      return url;
    }
  } catch {
    // told below
  }
  throw new TypeError(
    `url must begin with ws:// or wss://, such as "wss://example.com/"; got ${inspect(String(given))}`,
  );
}

function count(name: string, value: number): number {
  if (Number.isInteger(value) && value >= 1) return value;
  throw new RangeError(`${name} must be an integer >= 1; got ${inspect(value)}`);
}
