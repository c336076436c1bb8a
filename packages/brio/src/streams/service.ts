import type { Server as NetServer } from "node:net";
import { inspect } from "node:util";
import { CancelScope, moveOnAfter } from "../cancel/cancel-scope.ts";
import { type Cancellation, CancelledError } from "../cancel/errors.ts";
import { taskGroup } from "../compose/task-group.ts";
import { wait } from "../compose/wait.ts";
import { ambient, type Frame } from "../loop/ambient.ts";
import { RuntimeError } from "../loop/errors.ts";
import type { Loop } from "../loop/loop.ts";
import { Event } from "../sync/event.ts";
import type { Source } from "../tasks/coroutine.ts";
import { spawn, type TaskOptions } from "../tasks/create-task.ts";
import { Watcher } from "../tasks/listeners.ts";
import type { Task } from "../tasks/task.ts";
import { type ServiceServer, serviceServer } from "./service-server.ts";

/** In milliseconds. */
export interface Patience {
  readonly lameDuck: number;
  readonly drain: number;
  readonly grace: number;
}

/*
 * A service's phases
 *
 *   starting ── the body has ended ──> running ── stop ──> lame duck ──> draining ──> ending ──> ended
 *       └──────────────────────────────── stop ──────────────────────────^
 *
 *   lame duck   not ready any more, and all goes on: who sends the requests has time to notice
 *   draining    servers accept nothing new; what was accepted, and the work, has time to end
 *   ending      what is left of that is cancelled; then the background tasks; then resources are given back
 *
 * `hurry` cuts short the first two. From `stop` on, one task of the loop's does it all, which no cancellation of the
 * caller reaches.
 */
/** Where a service is in its life. */
export type ServicePhase = "starting" | "running" | "lame duck" | "draining" | "ending" | "ended";

/**
 * What {@link serve} gives its body: what belongs to the service is handed to it.
 *
 * @example
 * ```ts
 * import { run, sleep } from "brio";
 * import { type Service, serve, startServer } from "brio/streams";
 *
 * const start = async (service: Service) => {
 *   service.add(await startServer((_, writer) => writer.write("hello\n"), "127.0.0.1", 0));
 *   service.background(() => sleep("1h")); // cancelled at the end
 *   service.onReadiness((ready) => console.log(ready)); // true, then false
 *   service.work(async () => {
 *     await service.whenReady();
 *     service.stop(); // otherwise a signal does
 *   });
 * };
 *
 * await run(() => serve(start));
 * ```
 */
export class Service {
  /** @internal All is over. */ readonly ended: Event = new Event();
  /** @internal What has failed. */ readonly errors: unknown[] = [];
  private readonly frame: Frame;
  private readonly loop: Loop;
  private readonly patience: Patience;
  private readonly servers: ServiceServer[] = [];
  private readonly workers = new Set<Task<unknown>>();
  private readonly helpers = new Set<Task<unknown>>();
  private readonly resources: AsyncDisposable[] = [];
  private readonly readiness = new Event();
  private readonly listeners = new Set<(ready: boolean) => unknown>();
  private readonly stopping = new Event();
  private readonly bodyEnded = new Event();
  /** What ends when the stop comes: the body, and what runs in `untilStopping`. */
  private readonly scopes = new Set<CancelScope>();
  private current: ServicePhase = "starting";
  /** Did the program say itself whether it is ready? */
  private told = false;
  /** What is waited for before it is cancelled. */
  private waiting: CancelScope | null = null;
  private hurried = false;

  /** @internal */
  constructor(frame: Frame, patience: Patience) {
    this.frame = frame;
    this.loop = frame.loop;
    this.patience = patience;
  }

  // -- what belongs to it --------------------------------------------------------------------------------

  /**
   * Takes a server into the service: when that stops, the server accepts nothing more, and what it has accepted gets the
   * time to end. Of brio's (`startServer`), of Node's (`node:http` and the like), or what can do the same.
   *
   * @throws TypeError for anything else; RuntimeError if the service is stopping: the server is closed then.
   */
  add<S extends ServiceServer | NetServer>(server: S): S {
    const added = serviceServer(server);
    if (this.stopping.isSet()) {
      added.close();
      throw new RuntimeError("the service is stopping: it takes no new server");
    }
    this.servers.push(added);
    return server;
  }

  /**
   * Starts work that is to be finished: when the service stops, it gets the time to end, and is cancelled then. Work that
   * goes on for ever should ask {@link untilStopping}. What it fails with stops the service. When the time is over already,
   * it is cancelled before it begins.
   */
  work<T>(source: Source<T>, options?: TaskOptions): Task<T> {
    return this.spawn(this.workers, source, options, "service.work()");
  }

  /**
   * Starts a task that is there for the others: it is cancelled when the service has stopped, after the servers' handlers
   * and the work. What it fails with stops the service. When that is over already, it is cancelled before it begins.
   */
  background<T>(source: Source<T>, options?: TaskOptions): Task<T> {
    return this.spawn(this.helpers, source, options, "service.background()");
  }

  private spawn<T>(
    tasks: Set<Task<unknown>>,
    source: Source<T>,
    options: TaskOptions | undefined,
    caller: string,
  ): Task<T> {
    const task = spawn(this.loop, source, options, caller, this.frame);
    if (this.current === "ending" || this.current === "ended") {
      task.cancelWith(ENDING);
      return task;
    }
    tasks.add(task as Task<unknown>);
    const ended = (): void => {
      tasks.delete(task as Task<unknown>);
      if (!task.rejected) return;
      this.errors.push(task.exception());
      this.stop();
    };
    task.observe(new Watcher(ended, null));
    return task;
  }

  /**
   * Gives the service something that is disposed of at its very end, when nothing runs any more that could use it; what was
   * given last goes first.
   *
   * @throws TypeError if it can't be disposed of; RuntimeError if the service has ended.
   */
  use<R extends AsyncDisposable>(resource: R): R {
    if (typeof resource?.[Symbol.asyncDispose] !== "function") {
      throw new TypeError(
        `service.use() takes what has [Symbol.asyncDispose](); got ${inspect(resource, { depth: 0 })}`,
      );
    }
    if (this.ended.isSet())
      throw new RuntimeError("the service has ended: what it is given is not disposed of");
    this.resources.push(resource);
    return resource;
  }

  // -- readiness -----------------------------------------------------------------------------------------

  /** Should requests be sent to it? What a readiness probe asks. */
  get ready(): boolean {
    return this.readiness.isSet();
  }

  /**
   * Says whether requests should be sent to it: false while it is overloaded, say. Without this, it is ready from the end of
   * the body to the stop; after that, it is not, whatever is said.
   */
  setReady(ready: boolean): void {
    if (typeof ready !== "boolean") throw new TypeError(`ready must be true or false; got ${inspect(ready)}`);
    this.told = true;
    if (this.current === "starting" || this.current === "running") this.changeReady(ready);
  }

  private changeReady(ready: boolean): void {
    if (ready === this.ready) return;
    if (ready) this.readiness.set();
    else this.readiness.clear();
    for (const listener of [...this.listeners]) {
      this.loop.callBack(() => ambient.run(this.frame, listener, ready), {
        message: "a readiness listener of the service failed",
      });
    }
  }

  /** Calls `listener` each time that readiness changes; returns how to undo it. */
  onReadiness(listener: (ready: boolean) => unknown): () => void {
    if (typeof listener !== "function") {
      throw new TypeError(
        `service.onReadiness() takes a function: service.onReadiness((ready) => ...); got ${inspect(listener)}`,
      );
    }
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /**
   * Waits until it is ready: gives true then, and false if it begins to drain before.
   *
   * *Cancel safety*: nothing is lost.
   */
  async whenReady(): Promise<boolean> {
    return (await this.untilStopping(() => this.readiness.wait())) ?? false;
  }

  // -- the stop ------------------------------------------------------------------------------------------

  /** Where it is in its life. */
  get phase(): ServicePhase {
    return this.current;
  }

  /** Has it begun to drain? Then what runs should come to its end. */
  get isStopping(): boolean {
    return this.stopping.isSet();
  }

  /**
   * Waits until it begins to drain.
   *
   * *Cancel safety*: nothing is lost.
   */
  async whenStopping(): Promise<void> {
    await this.stopping.wait();
  }

  /**
   * Runs `body` until it ends, or the service begins to drain: then it is cancelled, and gives undefined. For waits that a
   * handler should not hold up the stop with, such as that for the next request.
   *
   * *Cancel safety*: cancelling it cancels the body and waits for it to end.
   *
   * @throws what `body` throws.
   */
  async untilStopping<T>(body: () => PromiseLike<T> | T): Promise<T | undefined> {
    if (this.stopping.isSet()) return undefined;
    const scope = new CancelScope();
    this.scopes.add(scope);
    try {
      return await scope.run(body);
    } finally {
      this.scopes.delete(scope);
    }
  }

  /** Begins to stop, and does not wait for it. Twice is fine. */
  stop(): void {
    if (this.current !== "starting" && this.current !== "running") return;
    const duck = this.ready && this.patience.lameDuck > 0;
    this.current = duck ? "lame duck" : "draining";
    this.changeReady(false);
    if (!duck) this.beginDraining();
    spawn(this.loop, () => this.conclude(), { name: "end of the service" }, "service.stop()", this.frame);
  }

  /** Stops at once: what still runs is cancelled, and not given any more time. */
  stopNow(): void {
    this.hurried = true;
    this.stop();
    this.waiting?.cancel();
  }

  /** @internal Runs the body: it is ready when that has ended. */
  async begin(body: (service: Service) => PromiseLike<unknown> | unknown): Promise<void> {
    try {
      await this.untilStopping(() => body(this));
    } finally {
      this.bodyEnded.set();
      if (this.current === "starting") this.current = "running";
    }
    if (!this.told && this.current === "running") this.changeReady(true);
  }

  private async conclude(): Promise<void> {
    if (this.current === "lame duck") {
      await this.patiently(this.patience.lameDuck, () => new Event().wait());
      this.current = "draining";
      this.beginDraining();
    }
    await this.patiently(this.patience.drain, () => this.drained());
    this.current = "ending";
    await this.end(this.workers, this.servers);
    await moveOnAfter(this.patience.grace, () => this.bodyEnded.wait());
    await this.end(this.helpers, []);
    for (let last = this.resources.pop(); last !== undefined; last = this.resources.pop()) {
      await this.end(NONE, [last]);
    }
    this.current = "ended";
    this.ended.set();
  }

  private beginDraining(): void {
    this.stopping.set();
    for (const scope of this.scopes) scope.cancel("the service stops");
    for (const server of this.servers) this.noting(() => server.close());
  }

  /** Gives something time, unless there is no more. */
  private async patiently(time: number, body: () => Promise<unknown>): Promise<void> {
    if (this.hurried) return;
    this.waiting = new CancelScope({ timeout: time });
    await this.waiting.run(body);
    this.waiting = null;
  }

  private async drained(): Promise<void> {
    await taskGroup((group) => {
      for (const server of this.servers) group.createTask(() => this.noting(() => server.waitClosed()));
      group.createTask(() => this.bodyEnded.wait());
    });
    // What servers have accepted may have begun work until now.
    while (this.workers.size > 0) await wait([...this.workers]);
  }

  /** Cancels tasks and disposes of things. What has not ended when the grace is over is named, and left behind. */
  private async end(tasks: ReadonlySet<Task<unknown>>, things: readonly AsyncDisposable[]): Promise<void> {
    const { grace } = this.patience;
    const ending = new Set(tasks);
    for (const task of tasks) task.cancelWith(ENDING);
    for (const thing of things) {
      const dispose = (): Promise<void> => this.noting(() => thing[Symbol.asyncDispose]());
      const name = `end of ${thing.constructor?.name ?? "a resource"}`;
      ending.add(spawn(this.loop, dispose, { name }, "service.stop()", this.frame));
    }
    if (ending.size === 0) return;
    const { pending } = await wait(ending, { timeout: grace });
    for (const task of pending) {
      const message = `the service goes on without ${task}: it has not ended within the grace of ${grace} ms`;
      this.loop.callExceptionHandler({ message, task });
      if (!tasks.has(task)) task.cancelWith(ENDING);
    }
  }

  private async noting(call: () => unknown): Promise<void> {
    try {
      await call();
    } catch (error) {
      if (error instanceof CancelledError) throw error;
      this.errors.push(error);
    }
  }

  toString(): string {
    return `<Service ${this.current}${this.ready ? ", ready" : ""}>`;
  }
}

const ENDING: Cancellation = { reason: undefined, by: "the end of the service" };

const NONE: ReadonlySet<Task<unknown>> = new Set();
