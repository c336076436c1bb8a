import { type EventLoop, getRunningLoop, type RateLimiter, uncancellable } from "brio";
import { NO_BODY, NOTHING } from "./body.ts";
import type { Call } from "./call.ts";
import type { Cookies } from "./cookies.ts";
import { announce, type HttpEvent, type HttpListener, observed } from "./events.ts";
import { Exchange, type ExchangeOwner } from "./exchange.ts";
import type { Hop } from "./hop.ts";
import type { Milliseconds } from "./options.ts";
import { HttpResponse } from "./response.ts";
import type { Transport } from "./transport.ts";
import { UnderWay } from "./under-way.ts";
import { Upload } from "./upload.ts";
import { Watch } from "./watch.ts";

/** What a sender works with. */
export interface SenderOptions {
  readonly transport: Transport;
  readonly limiter: RateLimiter | null;
  readonly cookies: Cookies | null;
  readonly listener: HttpListener | null;
}

/** Sends requests, each to one server, and tells what happens. */
export class Sender implements ExchangeOwner {
  private readonly transport: Transport;
  private readonly limiter: RateLimiter | null;
  private readonly cookies: Cookies | null;
  private readonly listener: HttpListener | null;
  private readonly exchanges = new UnderWay<Exchange>();
  private watch: Watch | null = null;
  closed = false;

  constructor({ transport, limiter, cookies, listener }: SenderOptions) {
    this.transport = transport;
    this.limiter = limiter;
    this.cookies = cookies;
    this.listener = listener;
  }

  /** How many exchanges are under way. */
  get active(): number {
    return this.exchanges.size;
  }

  /**
   * Sends a request; resolves when the headers of the answer have come.
   *
   * *Cancel safety*: cancelled, the exchange is over, and what makes its body has ended.
   */
  async send(call: Call, hop: Hop, attempt: number, redirects: readonly string[]): Promise<HttpResponse> {
    const { method, target, body } = hop;
    const { limiter, cookies, listener, transport } = this;
    if (limiter !== null) await limiter.acquire();
    let { headers } = hop;
    let payload = NOTHING;
    if (body !== NO_BODY || cookies !== null || transport.foreign || observed("request", listener)) {
      const own = { ...headers };
      if (cookies !== null) await cookies.attach(own, target.href);
      payload = body.payload(own);
      this.tell(call, hop, attempt, { type: "request", headers: own });
      headers = own;
    }
    const { bytes, pieces } = payload;
    const host = transport.tryAdmit(target.origin) ?? (await transport.admit(target.origin));
    const begun = observed("response", listener) ? getRunningLoop().time() : null;
    const upload =
      pieces === null ? null : new Upload(pieces, `body of ${method} ${target.href}`, () => exchange.touch());
    const watch = this.watchOf(call.task.getLoop() as EventLoop); // run() makes no other kind
    const exchange = new Exchange({ call, hop, attempt, host, upload, watch, owner: this });
    this.exchanges.add(exchange);
    try {
      if (this.closed) throw new Error("the HttpClient was closed");
      const { origin, path } = target;
      transport.dispatch(exchange, { origin, path, method, headers, body: upload?.stream ?? bytes });
      await exchange.answer();
      const { head } = exchange;
      if (head === null) throw exchange.reason;
      if (begun !== null) {
        const duration = getRunningLoop().time() - begun;
        this.tell(call, hop, attempt, { type: "response", status: head.status, duration });
      }
      if (cookies !== null) await cookies.keep(head.headers["set-cookie"], target.href);
      if (!exchange.over) this.followCall(exchange);
      return new HttpResponse(exchange, head, redirects);
    } catch (error) {
      exchange.close();
      if (upload !== null) await uncancellable(() => upload.ended(), { grace: null });
      throw error;
    }
  }

  /** Ends what is under way, and all connections. *Cancel safety*: it can't be cancelled. */
  async close(): Promise<void> {
    this.closed = true;
    for (const exchange of this.exchanges.all()) exchange.destroy(new Error("the HttpClient was closed"));
    await uncancellable(() => this.transport.destroy(), { grace: null });
  }

  tell(call: Call, { method, target }: Hop, attempt: number, event: Told): void {
    if (!observed(event.type, this.listener)) return;
    announce({ id: call.id, method, url: target.href, attempt, ...event } as HttpEvent, this.listener);
  }

  exchangeOver(exchange: Exchange, complete: boolean, bytes: number): void {
    const { call, hop, attempt, watch } = exchange;
    this.exchanges.delete(exchange);
    if (this.exchanges.size === 0) watch.rest();
    this.transport.leave(exchange, complete);
    if (observed("end", this.listener)) this.tell(call, hop, attempt, { type: "end", bytes, complete });
  }

  private watchOf(loop: EventLoop): Watch {
    if (this.watch === null || this.watch.loop !== loop) this.watch = new Watch(loop, this.exchanges);
    return this.watch;
  }

  /** What is left of the body too ends with the time that was set, and with the task if that is cancelled. */
  private followCall(exchange: Exchange): void {
    const { task, deadline, timeouts } = exchange.call;
    if (deadline !== null) exchange.endAt(deadline, timeouts.total as Milliseconds); // that gave the deadline
    const close = (): void => {
      if (task.cancelled()) exchange.close();
    };
    task.addDoneCallback(close);
    exchange.onOver = () => task.removeDoneCallback(close);
  }
}

/** An event without what all of them have. */
type Told = HttpEvent extends infer E
  ? E extends HttpEvent
    ? Omit<E, "id" | "method" | "url" | "attempt">
    : never
  : never;
