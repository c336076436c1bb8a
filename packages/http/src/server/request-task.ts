import { AsyncResource } from "node:async_hooks";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { Socket } from "node:net";
import { CancelledError, type Context, ContextVar, currentTask, type Task, uncancellable } from "brio";
import type { Connection } from "./connections.ts";
import type { Expiring } from "./deadlines.ts";
import { type HttpFailure, RequestTimeoutError, ServiceUnavailableError } from "./errors.ts";
import type { Place } from "./line.ts";
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
 *
 * Handlers answer a request that the server's end has cancelled, by themselves or by what they throw. The framework does it
 * for them when the time is over, and when the server ends before the body that they wait for is there.
 */
/** One request, as a task. */
export class RequestTask implements Expiring {
  /** Why it was cancelled, if it was. */
  cancelledBy: RequestEnd | null = null;
  readonly response: NodeResponse;
  readonly request: NodeRequest;
  /** @internal */ readonly tasks: RequestTasks;
  private readonly subject: unknown;
  private task: Task<unknown> | null = null;
  private readonly context: Context;
  /** In the loop's time: while it stands in `deadlines`. */
  deadline = 0;
  private due: Place<Expiring> | null = null;
  private readonly place: Place<RequestTask>;
  /** @internal What it came in over; null if that is shared, or made up. */ connection: Connection | null =
    null;
  private resource: AsyncResource | null = null;
  private releases: Release[] | null = null;
  private instances: Map<object, Promise<unknown>> | null = null;
  private failure: unknown = undefined;
  private drainListener: (() => void) | null = null;
  private handlers = 0;
  private isBehind = false;
  private closed = false;
  /** What it is answered with in place of its handlers, if it is. */
  answer: HttpFailure | null = null;
  /** What it holds is being released, or has been. */
  private settled = false;
  private ended = false;
  private finish: (() => void) | null = null;

  /** @param subject what the framework answers by in place of the handlers */
  constructor(tasks: RequestTasks, request: NodeRequest, response: NodeResponse, subject: unknown) {
    this.tasks = tasks;
    this.request = request;
    this.response = response;
    this.subject = subject;
    this.context = tasks.newContext();
    this.place = tasks.enlist(this);
  }

  // -- its life ------------------------------------------------------------------------------------------

  /** Begins: calls `proceed` in the task. */
  begin(proceed: () => void, timeout: number | null): void {
    const { request, response, tasks } = this;
    (request as { [REQUEST]?: RequestTask })[REQUEST] = this;
    (response as { [REQUEST]?: RequestTask })[REQUEST] = this;
    response.on("close", responseClosed);
    // A request that came in behind another one on its connection has no part in that yet.
    if (response.socket === null) {
      this.isBehind = true;
      waitBehind(request.socket, this);
    }
    if (timeout !== null) this.setTimeout(timeout);
    const options = { name: `${request.method} ${request.url}`, eager: true, context: this.context };
    this.task = tasks.loop.createTask(() => this.live(proceed), options);
  }

  /** Begins in the listener's step: the framework goes on as it would without a task. */
  private live(proceed: () => void): Promise<void> | undefined {
    this.task = currentTask();
    currentRequest.set(this);
    // What reads a body calls its listeners in the connection's context: the handler is brought back from there.
    if (hasBody(this.request)) this.resource = new AsyncResource("brio.request");
    try {
      proceed();
    } catch (error) {
      this.tasks.report(error); // frameworks catch what their users' code throws
      this.response.destroy();
    }
    if (this.ended) return undefined;
    return new Promise<void>((resolve) => {
      this.finish = resolve;
    });
  }

  private settle(): void {
    if (!this.closed || this.handlers > 0 || this.settled) return;
    this.settled = true;
    const { releases } = this;
    // Not in the request's task: that may have been cancelled.
    if (releases === null) this.end();
    else {
      const work = (): Promise<void> => this.release(releases);
      void this.tasks.afterwards(work, `end of ${this}`, this.context).then(() => this.end());
    }
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

  private end(): void {
    this.ended = true;
    this.place.leave();
    this.tasks.ended();
    this.finish?.();
  }

  /** The response is sent, or can't be any more. */
  responseClosed(): void {
    if (this.closed) return;
    this.closed = true;
    this.due?.leave();
    if (this.isBehind) behind.get(this.request.socket)?.delete(this);
    this.connection?.owner.release(this.connection);
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
    this.due?.leave();
    this.due = timeout === null || this.closed ? null : this.tasks.deadlines.add(this, timeout);
  }

  /** Its time is over. */
  expire(timeout: number): void {
    if (this.closed || this.cancelledBy !== null) return;
    const error = new RequestTimeoutError(timeout, this.tasks.settings.timeoutStatus);
    this.fail(error);
    this.cancel("time-out", error);
    // Half a response must not look like a whole one.
    if (!this.answerWith(error)) this.response.destroy();
  }

  /** The server ends. */
  stop(): void {
    if (this.cancelledBy !== null) return;
    this.cancel("shutdown", "the server is stopping");
    // Nothing cancels what reads a body, and the rest of it may never come.
    if (!this.isReceiving) return;
    const failure = this.unavailable();
    if (this.answerWith(failure)) this.fail(failure);
  }

  /** Is its body being read, and not there yet? */
  private get isReceiving(): boolean {
    const { readableFlowing, readableEnded, complete } = this.request; // one that is made up is never complete
    return readableFlowing !== null && !readableEnded && !complete;
  }

  /** Answers in place of the handlers; false if an answer has begun. */
  private answerWith(failure: HttpFailure): boolean {
    if (this.response.headersSent) return false;
    for (const [name, value] of Object.entries(failure.headers)) this.response.setHeader(name, value);
    this.answer = failure;
    if (!this.tasks.answer(this.subject, failure)) this.answer = null;
    return this.answer !== null;
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
    this.entered();
    let result: T;
    try {
      result = handler();
    } catch (error) {
      this.left();
      this.fail(error);
      throw error;
    }
    if (typeof (result as PromiseLike<unknown> | null | undefined)?.then !== "function") {
      this.left();
      return result;
    }
    return this.follow(result as PromiseLike<Awaited<T>>, abandoned) as T; // it was a promise of the same
  }

  private async follow<T>(result: PromiseLike<T>, abandoned: () => T): Promise<T> {
    try {
      const value = await result;
      return this.isTakenOver ? abandoned() : value; // another answer is on its way
    } catch (error) {
      this.fail(error);
      return this.excuse(error, abandoned);
    } finally {
      this.left();
    }
  }

  /** Is it answered in place of its handlers, or cut off? */
  get isTakenOver(): boolean {
    return this.answer !== null || this.cancelledBy === "time-out";
  }

  /** Throws the error, unless it is the cancellation of a request that is answered or can't be. */
  excuse<T>(error: unknown, abandoned: () => T): T {
    if (this.isTakenOver) {
      // It is answered: a later error is nobody's, but for the attempt to answer once more, and the end of a body that was
      // cut off with that.
      const { code } = (error ?? {}) as NodeJS.ErrnoException;
      const late = error instanceof CancelledError || code === TOO_LATE || this.isReceiving;
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

  /** A handler begins. {@link handle} says so itself. */
  entered(): void {
    this.handlers++;
  }

  /** A handler has ended. */
  left(): void {
    this.handlers--;
    this.settle();
  }

  /** Counts something as a handler until it has ended: the body of a response, say. It must not reject. */
  hold(work: Promise<void>): void {
    this.entered();
    void work.then(() => this.left());
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

const CONTENT_LENGTH = "content-length";
const TRANSFER_ENCODING = "transfer-encoding";

function responseClosed(this: NodeResponse): void {
  (this as { [REQUEST]?: RequestTask })[REQUEST]?.responseClosed();
}

/** Looks at what came in: to ask for one header would have Node sort them all. */
function hasBody(request: NodeRequest): boolean {
  if (request.httpVersionMajor > 1) return !(request as Http2ServerRequest).stream.endAfterHeaders;
  const { rawHeaders } = request;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string; // names and values take turns
    if (name.length !== CONTENT_LENGTH.length && name.length !== TRANSFER_ENCODING.length) continue;
    const lower = name.toLowerCase();
    if (lower === CONTENT_LENGTH || lower === TRANSFER_ENCODING) return true;
  }
  return false;
}
