import type { Server as NetServer } from "node:net";
import {
  type Context,
  copyContext,
  Event,
  type EventLoop,
  getRunningLoop,
  moveOnAfter,
  Runner,
  RuntimeError,
  type Source,
  type Task,
  uncancellable,
} from "brio";
import { Connections } from "./connections.ts";
import { Deadlines } from "./deadlines.ts";
import { type HttpFailure, ServiceUnavailableError } from "./errors.ts";
import { alone, inLoop } from "./in-loop.ts";
import { type Lifespan, openLifespan } from "./lifespan.ts";
import { Line, type Place } from "./line.ts";
import { Load } from "./load.ts";
import { checkOptions, type RequestTasksOptions, type Settings } from "./options.ts";
import { type NodeRequest, type NodeResponse, RequestTask } from "./request-task.ts";

/** What {@link RequestTasks.statistics} gives. */
export interface RequestStatistics {
  /** Requests under way. */
  readonly requests: number;
  /** Background tasks under way. */
  readonly background: number;
  /** Open connections. */
  readonly connections: number;
  /** How many requests were refused because there was too much to do. */
  readonly refused: number;
  /** How late Node's event loop is, in milliseconds; 0 without `maxLag`. */
  readonly lag: number;
}

/** What a framework brings along. */
export interface Framework {
  /** Opens what the application needs: see {@link Lifespan}. */
  readonly lifespan: (() => ReturnType<Lifespan<never>>) | null;
  /** Closes the application, when a service stops it. It must call `finish`. */
  readonly close: (() => PromiseLike<unknown>) | null;
  /**
   * Answers a request with an error, in place of its handlers; false if an answer is about to begin. `subject` is what the
   * framework gave to `begin`: a function for each request would cost more than that.
   */
  readonly answer: (subject: unknown, error: HttpFailure) => boolean;
}

/*
 * The life of a server's tasks
 *
 *   open ── close() ──> draining ── end() ──> ending ──> ended ── finish() ──> finished
 *
 *   draining   no further connections; those there are get one more response each, which says that it is the last
 *   ending     what still runs is cancelled, and has its grace to answer and clean up; then connections are cut off
 *   finished   what the lifespan has opened is closed
 */
type State = "open" | "draining" | "ending" | "ended" | "finished";

/**
 * The requests of a server, each a task, and the background tasks that they leave behind. The integration of a framework
 * makes it. To a `Service` of brio/streams, it is the server.
 *
 * @example
 * ```ts
 * import { brio } from "@brio/http/fastify";
 * import { interruptible, run, sleep } from "brio";
 * import fastify from "fastify";
 *
 * await run(async () => {
 *   const app = fastify();
 *   await app.register(brio);
 *   app.get("/", () => app.brio.statistics().requests);
 *   app.brio.background(async () => {
 *     await sleep("20ms");
 *     console.log("warmed up"); // warmed up
 *   });
 *   console.log((await interruptible(app.inject("/"))).body); // 1
 *   await app.brio.whenIdle();
 *   await app.close();
 * });
 * ```
 */
export class RequestTasks implements AsyncDisposable {
  /** @internal */ readonly settings: Settings;
  /** @internal */ readonly loop: EventLoop;
  /** @internal */ readonly deadlines: Deadlines;
  /** @internal */ readonly connections: Connections = new Connections();
  /** @internal Called when it begins to drain. */ readonly drainListeners: Set<() => void> = new Set();
  private readonly context: Context;
  private readonly framework: Framework;
  private readonly load: Load;
  private readonly requests = new Line<RequestTask>();
  private readonly helpers = new Set<Task<unknown>>();
  private readonly released = new Event();
  private lifetime: Promise<void> = Promise.resolve();
  private ending: Promise<void> | null = null;
  private idle: Event | null = null;
  private state: State = "open";

  private constructor(settings: Settings, loop: EventLoop, framework: Framework) {
    this.settings = settings;
    this.loop = loop;
    this.framework = framework;
    this.deadlines = new Deadlines(loop);
    this.context = copyContext();
    this.load = new Load(settings);
  }

  /** @internal In the running loop; or, outside of one, in a loop of its own that ends with it. */
  static async open(options: RequestTasksOptions, framework: Framework): Promise<RequestTasks> {
    const settings = checkOptions(options);
    let runner: Runner | null = null;
    let loop: EventLoop;
    try {
      loop = getRunningLoop();
    } catch {
      runner = new Runner({ handleSignals: false });
      loop = runner.getLoop();
    }
    const tasks = new RequestTasks(settings, loop, framework);
    await new Promise<void>((resolve, reject) => {
      const main = (): Promise<void> => tasks.live(resolve);
      const lifetime = runner === null ? inLoop(loop, main) : alone(runner, main);
      lifetime.then(resolve, reject);
      tasks.lifetime = lifetime.catch(() => {}); // of the start: open() throws it
    });
    try {
      settings.service?.add(tasks);
    } catch (error) {
      await tasks.stop();
      await tasks.finish();
      throw error; // the service is stopping
    }
    return tasks;
  }

  private async live(opened: () => void): Promise<void> {
    try {
      await this.run(opened);
    } finally {
      this.load.stop();
    }
  }

  private async run(opened: () => void): Promise<void> {
    const { lifespan } = this.framework;
    const close = lifespan === null ? null : await openLifespan(lifespan());
    opened();
    try {
      await this.released.wait();
    } finally {
      await this.endInTask();
      this.state = "finished";
      if (close !== null) {
        try {
          await uncancellable(close, { grace: this.settings.grace });
        } catch (error) {
          this.report(error);
        }
      }
    }
  }

  // -- requests ------------------------------------------------------------------------------------------

  /** @internal Why it takes no further request, or null if it does. `exempt`: however much there is to do. */
  refusal(url: string, exempt: boolean): ServiceUnavailableError | null {
    const why =
      this.state !== "open" && this.state !== "draining"
        ? "the server is stopping"
        : exempt
          ? null
          : this.load.refusal(this.requests.size, url);
    return why === null ? null : new ServiceUnavailableError(why, this.settings.retryAfter);
  }

  /** @internal Makes a request a task, which begins with `proceed`. `timeout` in milliseconds. */
  begin(
    request: NodeRequest,
    response: NodeResponse,
    timeout: number | null | undefined,
    proceed: () => void,
    subject: unknown,
  ): RequestTask {
    const one = new RequestTask(this, request, response, subject);
    if (request.httpVersionMajor < 2) {
      one.connection = this.connections.take(request.socket);
      if (this.isLeaving) farewell(response);
    }
    one.begin(proceed, timeout === undefined ? this.settings.timeout : timeout);
    return one;
  }

  /** @internal */
  get isDraining(): boolean {
    return this.state !== "open";
  }

  /** Should clients go elsewhere? */
  private get isLeaving(): boolean {
    if (this.isDraining) return true;
    const phase = this.settings.service?.phase ?? "running";
    return phase !== "running" && phase !== "starting";
  }

  /** @internal Answers a request in place of its handlers; false if an answer is about to begin. */
  answer(subject: unknown, error: HttpFailure): boolean {
    return this.framework.answer(subject, error);
  }

  /** @internal Runs what belongs to a request that is over. `body` must not reject. */
  afterwards(body: () => Promise<void>, name: string, context: Context): Promise<void> {
    return inLoop(this.loop, body, { name, eager: true, context });
  }

  /** @internal For a request's task: what it sets is seen by no other. */
  newContext(): Context {
    return this.context.copy();
  }

  /** @internal Counts a request as under way until it leaves the place that it is given. */
  enlist(request: RequestTask): Place<RequestTask> {
    return this.requests.add(request);
  }

  /** @internal A request has left its place. */
  ended(): void {
    if (this.idle !== null) this.look();
  }

  /**
   * Starts a task that may outlive the request that it is started in, but not the server: at the end, it has as long as
   * requests have, and is cancelled then. What it fails with is reported to `onError`.
   *
   * @throws TypeError if `source` is no function or coroutine; RuntimeError if the server has ended.
   */
  background<T>(source: Source<T>, options: { name?: string } = {}): Task<T> {
    if (this.state === "ended" || this.state === "finished")
      throw new RuntimeError("the server has ended: it takes no further background task");
    const task = this.loop.createTask(source, options);
    this.helpers.add(task as Task<unknown>);
    task.addDoneCallback(() => {
      this.helpers.delete(task as Task<unknown>);
      const error = task.cancelled() ? undefined : task.exception();
      if (error !== undefined) this.report(error);
      this.look();
    });
    if (this.state === "ending") task.cancel("the server is stopping");
    return task;
  }

  /** @internal */
  report(error: unknown): void {
    const { onError } = this.settings;
    if (onError === null) {
      this.loop.callExceptionHandler({
        message: "a request's task or a background task failed",
        exception: error,
      });
      return;
    }
    try {
      onError(error);
    } catch (exception) {
      this.loop.callExceptionHandler({ message: "onError of the server's tasks failed", exception });
    }
  }

  /** How much there is to do. */
  statistics(): RequestStatistics {
    return {
      requests: this.requests.size,
      background: this.helpers.size,
      connections: this.connections.size,
      refused: this.load.refused,
      lag: this.load.lag,
    };
  }

  // -- the end -------------------------------------------------------------------------------------------

  /** Takes a server under its care: at the end it accepts nothing more, and its connections are closed. Twice is fine. */
  attach<S extends NetServer>(server: S): S {
    this.connections.attach(server);
    return server;
  }

  /** Accepts no further connections, and closes each that there is after its response. Does not wait. */
  close(): void {
    if (this.state !== "open") return;
    this.state = "draining";
    for (const one of this.requests.all()) {
      if (one.request.httpVersionMajor < 2) farewell(one.response);
      one.drain();
    }
    for (const listener of this.drainListeners) listener();
    this.connections.close();
  }

  /**
   * Waits until all requests and background tasks have ended, and all connections are closed.
   *
   * *Cancel safety*: nothing is lost.
   */
  async waitClosed(): Promise<void> {
    await this.whenIdle();
    await this.connections.waitClosed();
  }

  /**
   * Waits until no request and no background task is under way.
   *
   * *Cancel safety*: nothing is lost.
   */
  async whenIdle(): Promise<void> {
    while (this.requests.size > 0 || this.helpers.size > 0) {
      this.idle ??= new Event();
      await this.idle.wait();
    }
  }

  private look(): void {
    if (this.idle === null || this.requests.size > 0 || this.helpers.size > 0) return;
    this.idle.set();
    this.idle = null;
  }

  /** @internal Lets requests and background tasks end, for `drain` at most, and ends them then. From anywhere. */
  stop(): Promise<void> {
    this.close();
    if (this.loop.isClosed() || this.state === "ended" || this.state === "finished") return Promise.resolve();
    return inLoop(this.loop, async () => {
      await moveOnAfter(this.settings.drain, () => this.waitClosed());
      await this.endInTask();
    });
  }

  private endInTask(): Promise<void> {
    this.ending ??= uncancellable(() => this.end(), { grace: null });
    return this.ending;
  }

  private async end(): Promise<void> {
    this.close();
    this.state = "ending";
    for (const request of this.requests.all()) request.stop();
    for (const task of this.helpers) task.cancel("the server is stopping");
    await moveOnAfter(this.settings.grace, () => this.whenIdle());
    for (const left of [...this.requests.all(), ...this.helpers]) {
      const message = `the server ends without ${left}: cancelled, it has not ended within ${this.settings.grace} ms`;
      this.loop.callExceptionHandler({ message });
    }
    this.connections.destroy();
    this.deadlines.clear();
    await this.connections.waitClosed();
    this.state = "ended";
  }

  /** @internal Closes what the lifespan has opened. From anywhere. */
  async finish(): Promise<void> {
    this.released.set();
    await this.lifetime;
  }

  /**
   * Cancels what still runs, cuts off connections, closes the application and what its lifespan has opened.
   *
   * *Cancel safety*: it can't be cancelled; it takes the grace at most, and what the clean-up takes.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    await inLoop(this.loop, () => this.endInTask());
    const { close } = this.framework;
    if (close !== null) await close();
    await this.finish();
  }

  toString(): string {
    return `<RequestTasks ${this.state}, ${this.requests.size} requests>`;
  }
}

function farewell(response: NodeResponse): void {
  if (!response.headersSent) response.setHeader("Connection", "close");
}
