import type { Socket } from "node:net";
import { Event } from "brio";
import { type ReadFlow, StreamReader } from "brio/streams";
import type { Client, Dispatcher } from "undici";
import type { Call } from "./call.ts";
import { type Decoded, Decoder } from "./decoder.ts";
import {
  HttpBodyError,
  type HttpErrorDetails,
  type HttpPhase,
  HttpTimeoutError,
  httpErrorOf,
} from "./errors.ts";
import { headerOf } from "./headers.ts";
import type { Hop } from "./hop.ts";
import type { Milliseconds } from "./options.ts";
import type { Host } from "./transport.ts";
import type { Linked } from "./under-way.ts";
import type { Upload } from "./upload.ts";
import type { Watch } from "./watch.ts";

/*
 * One request on its way through undici, and its answer.
 *
 *   connecting ── undici has a connection ──> asking ── headers ──> reading ── end of the body ──> over
 *       └──────────── an error, a time-out, destroy() ──┴───────────────┴─────────────────────────> over
 *
 * undici tells it what happens by the methods that begin with `on`, outside of any task. Once it is over, nothing of it is
 * left with undici: a connection that was in the middle of something is destroyed, and is never used again.
 *
 * Most bodies are short, and come with their headers. So the first piece of a body is just kept; a reader is made when somebody
 * wants one, or when there are more pieces.
 */
type State = "connecting" | "asking" | "reading" | "over";

/** The start of an answer. */
export interface Head {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** What an exchange is begun with. */
export interface ExchangeOptions {
  readonly call: Call;
  readonly hop: Hop;
  readonly attempt: number;
  /** Where it was admitted. */
  readonly host: Host;
  readonly upload: Upload | null;
  readonly watch: Watch;
  /** Told once, when it is over. */
  readonly owner: ExchangeOwner;
}

/** Who has begun an exchange. */
export interface ExchangeOwner {
  /**
   * @param complete whether the whole body has come
   * @param bytes its length as it came
   */
  exchangeOver(exchange: Exchange, complete: boolean, bytes: number): void;
}

/** What has no body, whatever its headers say. */
const EMPTY: ReadonlySet<number> = new Set([204, 304]);

const NOTHING = Buffer.alloc(0);

export class Exchange implements Dispatcher.DispatchHandler, Decoded, ReadFlow, Linked {
  /** @internal */ previous: Linked | null = null;
  /** @internal */ next: Linked | null = null;
  readonly call: Call;
  readonly hop: Hop;
  readonly attempt: number;
  readonly host: Host;
  /** The connection that it alone uses; null if a dispatcher has it. */
  client: Client | null = null;
  readonly watch: Watch;
  /** The headers, when they have come. */
  head: Head | null = null;
  /** Called when it is over, after its owner was told. */
  onOver: (() => void) | null = null;
  /** Why it did not come to its end, or null. */
  failure: Error | null = null;
  private readonly owner: ExchangeOwner;
  private readonly upload: Upload | null;
  /** Set when the headers have come, or won't. */
  private readonly answered = new Event();
  private state: State = "connecting";
  private controller: Dispatcher.DispatchController | null = null;
  private socket: Socket | null = null;
  private decoder: Decoder | null = null;
  /** The first piece of the body, and whether there are no more, as long as there is no reader. */
  private first: Buffer | null = null;
  private whole = false;
  private reader: StreamReader | null = null;
  private phase: HttpPhase = "connect";
  private length: Milliseconds = Number.POSITIVE_INFINITY;
  private active = 0;
  /** When all of it must have come, and the limit that says so. */
  private endsAt: number = Number.POSITIVE_INFINITY;
  private total: Milliseconds = Number.POSITIVE_INFINITY;
  private bytes = 0;
  /** Who does not want more for now: the reader of the body, the decoder. */
  private readerFull = false;
  private decoderFull = false;

  constructor({ call, hop, attempt, host, upload, watch, owner }: ExchangeOptions) {
    this.call = call;
    this.hop = hop;
    this.attempt = attempt;
    this.host = host;
    this.upload = upload;
    this.watch = watch;
    this.owner = owner;
    const { bufferBytes } = call;
    if (bufferBytes !== undefined) this.reader = new StreamReader({ limit: bufferBytes });
  }

  get over(): boolean {
    return this.state === "over";
  }

  /**
   * To be called when undici has the request: waits until the headers have come, or won't.
   *
   * *Cancel safety*: cancelled, it goes on: close it.
   */
  answer(): Promise<true> {
    if (this.state === "connecting") this.limit("connect", this.call.timeouts.connect);
    return this.answered.wait();
  }

  /** What to throw if there is no head. */
  get reason(): unknown {
    return this.upload?.failure?.error ?? this.failure;
  }

  /** Something has happened: the time begins anew. */
  touch(): void {
    this.active = this.watch.loop.time();
  }

  /** The body too must have come at this loop time. */
  endAt(deadline: number, length: Milliseconds): void {
    if (this.over) return;
    this.endsAt = deadline;
    this.total = length;
    this.watch.expect(deadline);
  }

  /** A connection is being made for it. */
  connectsWith(socket: Socket): void {
    if (this.state === "connecting") this.socket = socket;
  }

  /** Ends it here. What was read of the body can still be read. */
  destroy(reason: Error): void {
    if (this.over) return;
    const { controller, socket, state } = this;
    this.finish(reason);
    if (controller !== null) controller.abort(reason);
    else if (state === "connecting") socket?.destroy(reason);
  }

  /** Nobody wants the rest: lets go of everything. */
  close(): void {
    this.destroy(new Error("the response was closed"));
    this.decoder?.destroy();
  }

  // -- the body ------------------------------------------------------------------------------------------

  /** The body, as it is read: decompressed. */
  get body(): StreamReader {
    if (this.reader !== null) return this.reader;
    const reader = new StreamReader();
    this.reader = reader;
    if (!this.over) reader.setTransport(this);
    if (this.first !== null) reader.feedData(this.first);
    this.first = null;
    if (this.whole) reader.feedEof();
    if (this.failure !== null) reader.setException(this.failure);
    return reader;
  }

  /** Takes the body, if all of it has come in one piece, and nobody has begun to read it. */
  takeWhole(): Buffer | null {
    if (!this.whole || this.reader !== null || this.failure !== null) return null;
    const { first } = this;
    this.first = null;
    return first ?? NOTHING;
  }

  // -- what undici tells ---------------------------------------------------------------------------------

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.over) {
      controller.abort(this.failure ?? new Error("the request is over"));
      return;
    }
    this.controller = controller;
    this.socket = null;
    this.state = "asking";
    this.limit("headers", this.call.timeouts.headers);
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Head["headers"],
    statusText = "",
  ): void {
    if (this.over || status < 200) return;
    this.controller = controller;
    this.state = "reading";
    if (this.call.decompress && this.hop.method !== "HEAD" && !EMPTY.has(status))
      this.decoder = Decoder.of(headerOf(headers, "content-encoding"), this);
    this.reader?.setTransport(this);
    this.limit("body", this.call.timeouts.idle);
    this.head = { status, statusText, headers };
    this.answered.set();
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.over) return;
    this.touch();
    this.bytes += chunk.length;
    if (this.decoder === null) {
      this.data(chunk);
    } else if (!this.decoder.write(chunk)) {
      this.decoderFull = true;
      this.flow();
    }
  }

  onResponseEnd(): void {
    if (this.over) return;
    const { decoder } = this;
    this.finish(null);
    if (decoder === null) this.end();
    else decoder.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.over) return;
    const sent = this.state !== "connecting";
    const ownFault = (this.upload?.failure ?? null) !== null;
    this.finish(ownFault ? error : httpErrorOf(error, sent, this.details(error)));
  }

  // -- what the reader of the body tells -----------------------------------------------------------------

  /** @internal */
  pauseReading(): void {
    this.readerFull = true;
    if (this.decoder === null) this.flow();
    else this.decoder.pauseReading();
  }

  /** @internal */
  resumeReading(): void {
    this.readerFull = false;
    if (this.decoder === null) this.flow();
    else this.decoder.resumeReading();
  }

  // -- what the decoder tells ----------------------------------------------------------------------------

  /** @internal */
  data(bytes: Buffer): void {
    if (bytes.length === 0) return;
    if (this.reader === null && this.first === null) this.first = bytes;
    else this.body.feedData(bytes);
  }

  /** @internal */
  end(): void {
    this.whole = true;
    this.reader?.feedEof();
  }

  /** @internal */
  drained(): void {
    this.decoderFull = false;
    this.flow();
  }

  /** @internal */
  error(error: Error): void {
    const what = `sent a body that can't be decompressed: ${error.message}`;
    const failure = new HttpBodyError(what, [], this.details(error));
    this.decoder?.destroy();
    if (this.over) this.body.setException(failure);
    else this.destroy(failure);
  }

  // -- the time ------------------------------------------------------------------------------------------

  /** @internal When it will be out of time; no time, if it is so now: then it is over. */
  dueAfter(now: number): number {
    // Nobody reads, so nothing can come: that is not the server's fault.
    if (this.controller?.paused === true) this.active = now;
    const due = this.active + this.length;
    if (now < this.endsAt && now < due) return Math.min(this.endsAt, due);
    if (now >= this.endsAt) this.expire("total", this.total);
    else this.expire(this.phase, this.length);
    return Number.POSITIVE_INFINITY;
  }

  /** From now on, so long: measured anew with each `touch()`. */
  private limit(phase: HttpPhase, length: Milliseconds | null): void {
    this.touch();
    this.phase = phase;
    this.length = length ?? Number.POSITIVE_INFINITY;
    this.watch.expect(this.active + this.length);
  }

  private expire(phase: HttpPhase, length: Milliseconds): void {
    this.destroy(new HttpTimeoutError(phase, length, this.state !== "connecting", this.details()));
  }

  // -- within --------------------------------------------------------------------------------------------

  private flow(): void {
    const { controller } = this;
    if (controller === null || this.over) return;
    const full = this.decoder === null ? this.readerFull : this.decoderFull;
    if (full === controller.paused) return;
    if (full) {
      controller.pause();
    } else {
      this.touch();
      controller.resume();
    }
  }

  private details(cause?: unknown): HttpErrorDetails {
    const { hop, attempt, head } = this;
    return {
      method: hop.method,
      url: hop.target.href,
      attempt,
      status: head === null ? null : head.status,
      cause,
    };
  }

  private finish(failure: Error | null): void {
    const answered = this.state === "reading";
    this.state = "over";
    this.failure = failure;
    // They hold the headers as they came, and those what was read from the connection along with them.
    this.controller = null;
    this.socket = null;
    this.upload?.stop();
    if (failure !== null) {
      this.decoder?.destroy();
      if (answered) this.reader?.setException(failure);
      else this.answered.set();
    }
    this.owner.exchangeOver(this, failure === null, this.bytes);
    this.onOver?.();
  }
}
