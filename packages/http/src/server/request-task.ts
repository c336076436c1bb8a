import { AsyncResource } from "node:async_hooks";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { Socket } from "node:net";
import { CancelledError, ContextVar, currentTask, type Task, uncancellable } from "brio";
import type { Expiring } from "./deadlines.ts";
import { RequestTimeoutError, ServiceUnavailableError } from "./errors.ts";
import type { RequestTasks } from "./request-tasks.ts";

export type NodeRequest = IncomingMessage | Http2ServerRequest;
export type NodeResponse = ServerResponse | Http2ServerResponse;

/** Why a request was cancelled. */
export type RequestEnd = "client" | "time-out" | "shutdown";

/** What a request releases at its end: given what its handler has failed with, or undefined. */
export type Release = (failure: unknown) => unknown;

/** The request that the calling code works for. */
export const currentRequest: ContextVar<RequestTask | null> = new ContextVar<RequestTask | null>("request", {
  default: null,
});

const REQUEST: unique symbol = Symbol("brio request");

/** The task of a request that has one. */
export function requestOf(request: NodeRequest | undefined): RequestTask | undefined {
  return (request as { [REQUEST]?: RequestTask } | undefined)?.[REQUEST];
}

/*
 * A request's task
 *
 * begins with what the framework does next: hooks, the body, the handler; all that runs in it. It ends when the response
 * is closed, and every handler that was entered has ended; then what it holds is released.
 *
 *   under way ── client gone, time over, or server stopped ──> cancelled ──> ended
 *       └──────────── response sent, handlers ended ────────────────────────^
 *
 * Cancelled, it is what its handlers wait for that throws; one that waits for something else goes on, and the task with
 * it. Nobody waits for that but the end of the server, which gives it a grace.
 */
/** One request, as a task. */
export class RequestTask implements Expiring {
  /** Why it was cancelled, if it was. */
  cancelledBy: RequestEnd | null = null;
  readonly response: NodeResponse;
  readonly request: NodeRequest;
  /** @internal */ readonly tasks: RequestTasks;
  private readonly onTimeout: (error: RequestTimeoutError) => void;
  private task: Task<unknown> | null = null;
  /** In the loop's time: while it stands in `deadlines`. */
  deadline = 0;
  private deadlines: Set<Expiring> | null = null;
  private resource: AsyncResource | null = null;
  private releases: Release[] | null = null;
  private instances: Map<object, Promise<unknown>> | null = null;
  private failure: unknown = undefined;
  private drainListener: (() => void) | null = null;
  private handlers = 0;
  private closed = false;
  private started = false;
  private finish: (() => void) | null = null;

  /** @param onTimeout answers a request whose time is over before the response began */
  constructor(
    tasks: RequestTasks,
    request: NodeRequest,
    response: NodeResponse,
    onTimeout: (error: RequestTimeoutError) => void,
  ) {
    this.tasks = tasks;
    this.request = request;
    this.response = response;
    this.onTimeout = onTimeout;
  }

  // -- its life ------------------------------------------------------------------------------------------

  /** Begins: calls `proceed` in the task. */
  begin(proceed: (request: RequestTask) => void, timeout: number | null): void {
    const { request, response, tasks } = this;
    (request as { [REQUEST]?: RequestTask })[REQUEST] = this;
    (response as { [REQUEST]?: RequestTask })[REQUEST] = this;
    response.on("close", responseClosed);
    // A request that came in behind another one on its connection has no part in that yet.
    if (response.socket === null) waitBehind(request.socket, this);
    if (timeout !== null) this.setTimeout(timeout);
    this.task = tasks.start(() => this.live(proceed), `${request.method} ${request.url}`);
  }

  private async live(proceed: (request: RequestTask) => void): Promise<void> {
    this.started = true;
    this.task = currentTask();
    currentRequest.set(this);
    // What reads a body calls its listeners in the connection's context: the handler is brought back from there.
    if (hasBody(this.request)) this.resource = new AsyncResource("brio.request");
    try {
      proceed(this);
    } catch (error) {
      this.tasks.report(error); // frameworks catch what their users' code throws
      this.response.destroy();
    }
    if (!this.closed || this.handlers > 0) {
      await new Promise<void>((resolve) => {
        this.finish = resolve;
      });
    }
    if (this.releases !== null) await this.release(this.releases);
    this.tasks.ended(this);
  }

  private async release(releases: Release[]): Promise<void> {
    // Each has its own grace: those further out must not suffer from the ones further in.
    for (let last = releases.pop(); last !== undefined; last = releases.pop()) {
      const release = last;
      try {
        await uncancellable(async () => release(this.failure), { grace: this.tasks.settings.grace });
      } catch (error) {
        if (error !== this.failure) this.tasks.report(error);
      }
    }
  }

  private settle(): void {
    if (!this.closed || this.handlers > 0) return;
    if (this.finish !== null) this.finish();
    else if (!this.started) this.tasks.ended(this); // cancelled before it began: it never does
  }

  /** The response is sent, or can't be any more. */
  responseClosed(): void {
    if (this.closed) return;
    this.closed = true;
    this.deadlines?.delete(this);
    behind.get(this.request.socket)?.delete(this);
    this.tasks.responded(this);
    // HTTP/2 ends the stream also of a response that was never begun.
    const { response } = this;
    const sent = this.request.httpVersionMajor < 2 ? response.writableFinished : response.writableEnded;
    if (!sent) this.cancel("client", "the client has gone");
    else if (this.handlers > 0) this.watchBody();
    this.settle();
  }

  /** A handler that still reads the body of a request that is answered is not told by Node that its client goes. */
  private watchBody(): void {
    const { request } = this;
    if (request.httpVersionMajor >= 2 || request.complete) return;
    if (request.socket.destroyed) request.destroy();
    else request.socket.once("close", () => request.destroy());
  }

  /** Cancels what its handlers wait for. */
  cancel(by: RequestEnd, reason: unknown): void {
    if (this.cancelledBy !== null) return;
    this.cancelledBy = by;
    this.task?.cancel(reason);
  }

  /** The rest of the time it has, from now on, in milliseconds; null: no limit. */
  setTimeout(timeout: number | null): void {
    this.deadlines?.delete(this);
    this.deadlines = timeout === null || this.closed ? null : this.tasks.deadlines.add(this, timeout);
  }

  /** Its time is over. */
  expire(timeout: number): void {
    if (this.closed || this.cancelledBy !== null) return;
    const error = new RequestTimeoutError(timeout, this.tasks.settings.timeoutStatus);
    this.fail(error);
    this.cancel("time-out", error);
    // Half a response must not look like a whole one.
    if (this.response.headersSent) this.response.destroy();
    else this.onTimeout(error);
  }

  /** Has what would never end by itself told that the server begins to drain: at once, if it does. */
  onDrain(listener: () => void): void {
    this.drainListener = listener;
    if (this.tasks.isDraining) listener();
  }

  /** The server begins to drain. */
  drain(): void {
    this.drainListener?.();
  }

  // -- its handlers --------------------------------------------------------------------------------------

  /** Goes on in the task, wherever it is called from. */
  enter(proceed: () => void): void {
    if (this.resource === null || currentTask() === this.task) proceed();
    else this.resource.runInAsyncScope(proceed);
  }

  /**
   * Runs a handler, in the task. What it is cancelled with is no error if there is nobody to be told: it gives `abandoned`
   * then.
   */
  handle<T>(handler: () => T, abandoned: () => Awaited<T>): T {
    if (this.resource !== null && currentTask() !== this.task) {
      return this.resource.runInAsyncScope(() => this.handle(handler, abandoned));
    }
    this.handlers++;
    let result: T;
    try {
      result = handler();
    } catch (error) {
      this.leave();
      this.fail(error);
      throw error;
    }
    if (typeof (result as PromiseLike<unknown> | null | undefined)?.then !== "function") {
      this.leave();
      return result;
    }
    return this.follow(result as PromiseLike<Awaited<T>>, abandoned) as T; // it was a promise of the same
  }

  private async follow<T>(result: PromiseLike<T>, abandoned: () => T): Promise<T> {
    try {
      const value = await result;
      return this.cancelledBy === "time-out" ? abandoned() : value; // another answer is on its way
    } catch (error) {
      this.fail(error);
      return this.excuse(error, abandoned);
    } finally {
      this.leave();
    }
  }

  /** Throws the error, unless it is the cancellation of a request that is answered or can't be. */
  excuse<T>(error: unknown, abandoned: () => T): T {
    if (this.cancelledBy === "time-out") {
      // It is answered: a later error is nobody's, but for the attempt to answer once more.
      const late = error instanceof CancelledError || (error as NodeJS.ErrnoException)?.code === TOO_LATE;
      if (!late) this.tasks.report(error);
      return abandoned();
    }
    if (!(error instanceof CancelledError) || this.cancelledBy === null) throw error;
    if (this.cancelledBy === "shutdown" && !this.response.headersSent && !this.closed) {
      const failure = this.unavailable();
      for (const [name, value] of Object.entries(failure.headers)) this.response.setHeader(name, value);
      throw failure;
    }
    return abandoned();
  }

  /** What a request fails with that the end of the server has cancelled. */
  unavailable(): ServiceUnavailableError {
    return new ServiceUnavailableError("the server is stopping", this.tasks.settings.retryAfter);
  }

  /** Tells what the request holds what its handler has failed with. */
  fail(error: unknown): void {
    this.failure ??= error;
  }

  private leave(): void {
    this.handlers--;
    this.settle();
  }

  /** Counts something as a handler until it has ended: the body of a response, say. It must not reject. */
  hold(work: Promise<void>): void {
    this.handlers++;
    void work.then(() => this.leave());
  }

  // -- what it holds -------------------------------------------------------------------------------------

  /** Has something released when the task ends; what was given last goes first. */
  onEnd(release: Release): void {
    this.releases ??= [];
    this.releases.push(release);
  }

  /** What `key` stands for in this request: made when first asked for. */
  instance<T>(key: object, make: () => Promise<T>): Promise<T> {
    this.instances ??= new Map();
    let made = this.instances.get(key) as Promise<T> | undefined; // only this function puts things there
    if (made === undefined) {
      made = make();
      this.instances.set(key, made);
    }
    return made;
  }

  /** Has the task ended, or is it about to? */
  get isOver(): boolean {
    return this.closed && this.handlers === 0;
  }

  toString(): string {
    return `<RequestTask ${this.request.method} ${this.request.url}>`;
  }
}

/** Requests that came in behind others on their connection: one listener for all of them. */
const behind = new WeakMap<object, Set<RequestTask>>();

function waitBehind(socket: Socket, request: RequestTask): void {
  const waiting = behind.get(socket);
  if (waiting !== undefined) {
    waiting.add(request);
    return;
  }
  const all = new Set([request]);
  behind.set(socket, all);
  socket.once("close", () => {
    for (const one of all) one.responseClosed();
  });
}

const TOO_LATE = "ERR_HTTP_HEADERS_SENT";

function responseClosed(this: NodeResponse): void {
  (this as { [REQUEST]?: RequestTask })[REQUEST]?.responseClosed();
}

function hasBody({ headers }: NodeRequest): boolean {
  return headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
}
