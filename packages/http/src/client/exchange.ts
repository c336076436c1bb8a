import type { Socket } from "node:net";
import { type EventLoop, type Future, getRunningLoop, type TimerHandle } from "brio";
import { type ReadFlow, StreamReader } from "brio/streams";
import type { Dispatcher } from "undici";
import { type Decoded, Decoder } from "./decoder.ts";
import {
  HttpBodyError,
  type HttpErrorDetails,
  type HttpPhase,
  HttpTimeoutError,
  httpErrorOf,
} from "./errors.ts";
import { headerOf } from "./headers.ts";
import type { CheckedTimeouts, Milliseconds } from "./options.ts";
import type { Linked } from "./under-way.ts";
import type { Upload } from "./upload.ts";

/*
 * One request on its way through undici, and its answer.
 *
 *   connecting ── undici has a connection ──> asking ── headers ──> reading ── end of the body ──> over
 *       └──────────── an error, a time-out, destroy() ──┴───────────────┴─────────────────────────> over
 *
 * undici tells it what happens by the methods that begin with `on`, outside of any task. Once it is over, nothing of it is
 * left with undici: a connection that was in the middle of something is destroyed, and is never used again.
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
  readonly method: string;
  /** Without credentials. */
  readonly url: string;
  readonly attempt: number;
  readonly timeouts: CheckedTimeouts;
  readonly decompress: boolean;
  readonly bufferBytes: number | undefined;
  readonly upload: Upload | null;
  /** Told once, when it is over: whether the whole body has come, and its length in bytes as it came. */
  readonly onOver: (complete: boolean, bytes: number) => void;
}

/** What has no body, whatever its headers say. */
const EMPTY: ReadonlySet<number> = new Set([204, 304]);

export class Exchange implements Dispatcher.DispatchHandler, Decoded, ReadFlow, Linked {
  /** Settles when the headers have come, or with null when they won't: then there is a failure. */
  readonly head: Future<Head | null>;
  /** The body, as it is read: decompressed. */
  readonly body: StreamReader;
  /** @internal */ previous: Linked | null = null;
  /** @internal */ next: Linked | null = null;
  /** Why it did not come to its end, or null. */
  failure: Error | null = null;
  private readonly loop: EventLoop;
  private readonly options: ExchangeOptions;
  private state: State = "connecting";
  private controller: Dispatcher.DispatchController | null = null;
  private socket: Socket | null = null;
  private decoder: Decoder | null = null;
  private phase: HttpPhase = "connect";
  private length: Milliseconds = Number.POSITIVE_INFINITY;
  private alarm: TimerHandle | null = null;
  private alarmAt: number = Number.POSITIVE_INFINITY;
  private totalAlarm: TimerHandle | null = null;
  private status: number | null = null;
  private bytes = 0;
  private active: number;
  /** Who does not want more for now: the reader of the body, the decoder. */
  private readerFull = false;
  private decoderFull = false;

  constructor(options: ExchangeOptions) {
    this.options = options;
    this.body = new StreamReader({ limit: options.bufferBytes });
    this.loop = getRunningLoop();
    this.head = this.loop.createFuture();
    this.active = this.loop.time();
  }

  get over(): boolean {
    return this.state === "over";
  }

  /** Begins to watch the time; to be called when undici has the request. */
  watch(): void {
    if (this.state === "connecting") this.limit("connect", this.options.timeouts.connect);
  }

  /** Something has happened: the time begins anew. */
  touch(): void {
    this.active = this.loop.time();
  }

  /** The body too must have come at this loop time. */
  endAt(deadline: number, length: Milliseconds): void {
    if (this.over) return;
    this.totalAlarm = this.loop.callAt(deadline, () => this.expire("total", length));
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

  // -- what undici tells ---------------------------------------------------------------------------------

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.over) {
      controller.abort(this.failure ?? new Error("the request is over"));
      return;
    }
    this.controller = controller;
    this.socket = null;
    this.state = "asking";
    this.limit("headers", this.options.timeouts.headers);
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Head["headers"],
    statusText = "",
  ): void {
    if (this.over || status < 200) return;
    this.controller = controller;
    // Cancelled, and the task has had no turn yet.
    if (this.head.done()) {
      this.close();
      return;
    }
    this.state = "reading";
    this.status = status;
    if (this.options.decompress && this.options.method !== "HEAD" && !EMPTY.has(status))
      this.decoder = Decoder.of(headerOf(headers, "content-encoding"), this);
    this.body.setTransport(this);
    this.limit("body", this.options.timeouts.idle);
    this.head.setResult({ status, statusText, headers });
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.over) return;
    this.touch();
    this.bytes += chunk.length;
    if (this.decoder === null) {
      this.body.feedData(chunk);
    } else if (!this.decoder.write(chunk)) {
      this.decoderFull = true;
      this.flow();
    }
  }

  onResponseEnd(): void {
    if (this.over) return;
    const { decoder } = this;
    this.finish(null);
    if (decoder === null) this.body.feedEof();
    else decoder.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.over) return;
    const sent = this.state !== "connecting";
    const ownFault = (this.options.upload?.failure ?? null) !== null;
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
    this.body.feedData(bytes);
  }

  /** @internal */
  end(): void {
    this.body.feedEof();
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

  /** From now on, so long: measured anew with each `touch()`. */
  private limit(phase: HttpPhase, length: Milliseconds | null): void {
    this.touch();
    this.phase = phase;
    this.length = length ?? Number.POSITIVE_INFINITY;
    // A timer that is due earlier will see that it is too early: that costs less than another one.
    if (this.active + this.length < this.alarmAt) this.wakeAt(this.active + this.length);
  }

  private wakeAt(when: number): void {
    this.alarm?.cancel();
    this.alarmAt = when;
    this.alarm = when === Number.POSITIVE_INFINITY ? null : this.loop.callAt(when, () => this.check());
  }

  private check(): void {
    // Nobody reads, so nothing can come: that is not the server's fault.
    if (this.controller?.paused === true) this.touch();
    const due = this.active + this.length;
    if (this.loop.time() >= due) this.expire(this.phase, this.length);
    else this.wakeAt(due);
  }

  private expire(phase: HttpPhase, length: Milliseconds): void {
    this.destroy(new HttpTimeoutError(phase, length, this.state !== "connecting", this.details()));
  }

  private details(cause?: unknown): HttpErrorDetails {
    const { method, url, attempt } = this.options;
    return { method, url, attempt, status: this.status, cause };
  }

  private finish(failure: Error | null): void {
    const answered = this.state === "reading";
    this.state = "over";
    this.failure = failure;
    // They hold the headers as they came, and those what was read from the connection along with them.
    this.controller = null;
    this.socket = null;
    this.alarm?.cancel();
    this.totalAlarm?.cancel();
    this.options.upload?.stop();
    if (failure !== null) {
      this.decoder?.destroy();
      if (answered) this.body.setException(failure);
      else if (!this.head.done()) this.head.setResult(null);
    }
    this.options.onOver(failure === null, this.bytes);
  }
}
