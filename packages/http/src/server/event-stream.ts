import { inspect } from "node:util";
import { type Duration, type EventLoop, milliseconds, type TimerHandle } from "brio";

/** An event as a server sends it; or just its data: a text, or anything that JSON can tell. */
export interface ServerEvent {
  /** A text is sent as it is, all else as JSON. */
  readonly data?: unknown;
  /** What listeners are added for. Default: "message", to browsers. */
  readonly event?: string | undefined;
  /** What a client that comes back sends as `Last-Event-ID`. */
  readonly id?: string | undefined;
  /** How long a client is to wait before it comes back. */
  readonly retry?: Duration | undefined;
}

/** How events are sent. */
export interface EventsOptions {
  /** How long the connection may be silent before a comment is sent, for proxies not to cut it off. Default "15s"; null: never. */
  heartbeat?: Duration | null | undefined;
}

/** The headers of a stream of events. */
export const EVENT_STREAM_HEADERS: Readonly<Record<string, string>> = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
};

const HEARTBEAT = ":\n\n";
const LINE_BREAK = /\r\n|\r|\n/;

/** An event as it is sent. @throws TypeError for a name or id that would be more than one line. */
export function encodeEvent({ data, event, id, retry }: ServerEvent): string {
  let text = "";
  if (event !== undefined) text += `event: ${oneLine("event", event)}\n`;
  if (id !== undefined) text += `id: ${oneLine("id", id)}\n`;
  if (retry !== undefined) text += `retry: ${Math.round(milliseconds(retry, "retry"))}\n`;
  if (data !== undefined) {
    const lines = typeof data === "string" ? data : JSON.stringify(data);
    if (lines === undefined)
      throw new TypeError(`data must be a text, or what JSON can tell; got ${inspect(data, { depth: 0 })}`);
    for (const line of lines.split(LINE_BREAK)) text += `data: ${line}\n`;
  }
  return `${text}\n`;
}

function oneLine(field: string, value: string): string {
  if (typeof value === "string" && !/[\r\n\0]/.test(value)) return value;
  throw new TypeError(`${field} of an event must be a text of one line; got ${inspect(value)}`);
}

/** Sends heartbeats where nothing else is sent. */
export class Heart {
  private readonly loop: EventLoop;
  private readonly period: number;
  private readonly beat: () => void;
  private timer: TimerHandle | null = null;

  constructor(loop: EventLoop, heartbeat: Duration | null, send: (text: string) => void) {
    this.loop = loop;
    this.period = heartbeat === null ? Number.POSITIVE_INFINITY : milliseconds(heartbeat, "heartbeat");
    if (this.period === 0)
      throw new RangeError('heartbeat must be longer than 0: "15s", say, or null for none');
    this.beat = () => {
      send(HEARTBEAT);
      this.rest();
    };
    this.rest();
  }

  /** Something was sent. */
  rest(): void {
    this.timer?.cancel();
    if (this.period !== Number.POSITIVE_INFINITY) this.timer = this.loop.callLater(this.period, this.beat);
  }

  stop(): void {
    this.timer?.cancel();
  }
}
