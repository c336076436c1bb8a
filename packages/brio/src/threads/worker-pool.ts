import { immediate } from "../cancel/immediate.ts";
import { ParkingLot } from "../cancel/parking-lot.ts";
import { ambientScope, outsideTask, requireScope, type Scope } from "../cancel/scope.ts";
import { Wait, type WaitSource } from "../cancel/wait.ts";
import { RuntimeError } from "../loop/errors.ts";
import type { Loop, Resource } from "../loop/loop.ts";
import { debugging } from "../loop/origins.ts";
import { QueueFull } from "../queues/errors.ts";
import { Event } from "../sync/event.ts";
import { requireFrame } from "../tasks/awaitable.ts";
import { copyContext } from "../tasks/context.ts";
import { spawn } from "../tasks/create-task.ts";
import type { Task } from "../tasks/task.ts";
import { Call, type CallOwner } from "./call.ts";
import { Crew, type CrewOwner } from "./crew.ts";
import type { WorkerEnd } from "./errors.ts";
import {
  type AnyCall,
  type CallOptions,
  type CheckedCallOptions,
  checkedCallOptions,
  DEFAULT_CALL,
  type ExecutorStatistics,
} from "./executor.ts";
import { ExecutorBase } from "./executor-base.ts";
import { importedByWorker } from "./load-function.ts";
import type { CheckedPoolOptions } from "./pool-options.ts";
import { ITEM, PROGRESS, type WireReply, type WorkerStart } from "./protocol.ts";
import { carriedContext } from "./run-call.ts";
import { type ItemSource, streamOf } from "./stream-reader.ts";
import type { HostListener, WorkerHost } from "./worker-host.ts";

/** Calls that `map` makes ahead, at least: small ones are sent many at a time. */
const LEAST_AHEAD = 16;

/** A pool of workers, whatever they live in: the calls that it was given, and how it is closed. */
export abstract class WorkerPool extends ExecutorBase<CallOptions, CheckedCallOptions> {
  protected override readonly title = "pool";
  private readonly limits: CheckedPoolOptions;
  private readonly crew: Crew;
  private readonly space: Room;
  /** All calls that are not over, as the tasks that wait for them. */
  private readonly tasks = new Set<Task<unknown>>();
  private readonly counts = { completed: 0, failed: 0, cancelled: 0 };
  private readonly callOwner: CallOwner;
  private readonly resource: Resource = { loopCloses: () => this.loopCloses() };
  private loop: Loop | null = null;
  private active = 0;
  private changed = new Event();

  constructor(options: CheckedPoolOptions) {
    super();
    this.limits = options;
    const owner: CrewOwner = {
      host: (start, listener) => this.host(start, listener),
      over: (call) => this.over(call),
      changed: () => this.notify(),
      relieved: () => this.space.wake(),
      diedIdle: (end) => this.report(end),
    };
    this.crew = new Crew(owner, options);
    this.space = new Room(this, () => this.hasRoom);
    this.callOwner = {
      dropped: (call) => {
        this.over(call);
        this.crew.drop(call);
      },
      toString: () => this.toString(),
    };
  }

  /** @internal Starts a worker. */
  protected abstract host(start: WorkerStart, listener: HostListener): WorkerHost;

  protected override checkOptions(
    options: CallOptions,
    before: CheckedCallOptions | undefined,
  ): CheckedCallOptions {
    return checkedCallOptions(options, before);
  }

  protected override defaultLookAhead(): number {
    return Math.max(LEAST_AHEAD, 2 * this.limits.maxWorkers);
  }

  /** What it does. */
  override statistics(): ExecutorStatistics {
    const { size, resting, busy, waiting, ahead, replaced } = this.crew;
    return { workers: size, idle: resting, busy, queued: waiting + ahead, ...this.counts, replaced };
  }

  // -- calls -------------------------------------------------------------------------------------------

  protected override begin(call: AnyCall, options: CheckedCallOptions = DEFAULT_CALL): Task<unknown> {
    return this.make(call, options, callSite(this.submitWith)).task as Task<unknown>; // make() has given it one
  }

  protected override beginStream(
    call: AnyCall,
    options: CheckedCallOptions = DEFAULT_CALL,
  ): AsyncGenerator<unknown, void, undefined> {
    const site = callSite(this.streamWith);
    return streamOf((items) => this.make(call, options, site, items));
  }

  /** Makes a call, and the task that waits for it: that begins at once. */
  private make(
    { fn, args }: AnyCall,
    options: CheckedCallOptions,
    site: { readonly stack?: string },
    items: ItemSource | null = null,
  ): Call {
    const frame = requireFrame("pool.submit()");
    this.admit(frame.loop);
    const variables = options.variables ?? carriedContext();
    const progress = options.onProgress !== undefined;
    const extras =
      progress || items !== null || variables !== undefined
        ? { variables, progress, credit: items?.credit }
        : undefined;
    const listener = progress || items !== null ? this.listener(frame.loop, options, items) : null;
    const call = new Call(this.callOwner, fn, args, options, extras, listener, site);
    const begin = (): Promise<unknown> => call.begin(ambientScope() as Scope, this.enqueue); // the task's own
    const how = { name: options.name ?? fn.id, eager: true };
    call.task = spawn<unknown>(frame.loop, begin, how, "pool.submit()", frame);
    this.tasks.add(call.task);
    return call;
  }

  private listener(
    loop: Loop,
    { onProgress }: CheckedCallOptions,
    items: ItemSource | null,
  ): (reply: WireReply) => void {
    const context = copyContext();
    const tell = (value: unknown): void => context.run(() => onProgress?.(value));
    return ([, status, value]) => {
      if (status === ITEM) items?.put(value);
      else if (status === PROGRESS) loop.callSoon(tell, value);
    };
  }

  /** May a call be made, and here? */
  private admit(loop: Loop): void {
    if (this.crew.broken) throw this.crew.brokenError();
    if (this.loop === null) {
      if (importedByWorker()) throw nested();
      this.loop = loop;
      loop.resources.add(this.resource);
    } else if (this.loop !== loop) {
      throw new RuntimeError("this pool is used in another event loop already: make one for each run()");
    }
    if (this.hasRoom) return;
    throw new QueueFull(
      `${this.crew.waiting} calls wait for a worker already, which is the queueLimit: await pool.room() before pool.submit()`,
    );
  }

  private readonly enqueue = (call: Call): void => {
    this.active++;
    this.crew.add(call);
  };

  private over(call: Call): void {
    this.counts[call.ending]++;
    this.active--;
    if (call.task !== null) this.tasks.delete(call.task);
    if (this.active === 0) this.notify();
  }

  /** Something in a worker went wrong that belongs to no call. */
  private report({ worker, cause }: WorkerEnd): void {
    this.loop?.callExceptionHandler({
      message: `${worker} of ${this} ended while it was idle`,
      exception: cause,
    });
  }

  // -- waiting for it ----------------------------------------------------------------------------------

  private notify(): void {
    const { changed } = this;
    this.changed = new Event();
    changed.set();
  }

  /**
   * Starts workers, and waits until they are ready: then the first calls need not wait for them.
   *
   * *Cancel safety*: cancelled, the workers go on starting.
   *
   * @param count how many; default: as many as there may be
   * @throws BrokenExecutorError if they can't be started.
   */
  async warmUp(count: number = this.limits.maxWorkers): Promise<void> {
    this.admit(requireScope("pool.warmUp()").loop);
    this.crew.growTo(count);
    while (this.crew.growing) await this.changed.wait();
    if (this.crew.broken) throw this.crew.brokenError();
  }

  /**
   * Waits until the queue has room for one call more: see `queueLimit`. Who goes on from here can submit one at once.
   *
   * *Cancel safety*: nothing is lost.
   *
   * @throws RuntimeError outside a task.
   */
  room(): Promise<void> {
    return this.space.wait();
  }

  private get hasRoom(): boolean {
    const { crew } = this;
    return crew.resting > 0 || crew.waiting < this.limits.queueLimit || crew.broken || this.closed;
  }

  // -- its end -----------------------------------------------------------------------------------------

  protected override cancelCalls(reason: string): void {
    for (const task of [...this.tasks]) task.cancel(reason);
  }

  protected override async finish(): Promise<void> {
    while (this.active > 0) await this.changed.wait();
    this.crew.close();
    while (this.crew.size > 0) await this.changed.wait();
    this.loop?.resources.delete(this.resource);
  }

  private loopCloses(): void {
    this.shut();
    this.loop?.resources.delete(this.resource);
    this.crew.kill();
  }

  override toString(): string {
    const { workers, busy, queued } = this.statistics();
    return `<${this.constructor.name}, ${busy} of ${workers} workers busy, ${queued} queued>`;
  }
}

/** Those who wait until a queue has room. */
class Room implements WaitSource<void> {
  readonly kind = "pool.room";
  private readonly of: object;
  private readonly free: () => boolean;
  private readonly lot = new ParkingLot<void>();

  constructor(of: object, free: () => boolean) {
    this.of = of;
    this.free = free;
  }

  wait(): Promise<void> {
    const scope = ambientScope();
    if (scope === undefined) return outsideTask("pool.room()");
    if (this.free() && !this.lot.alive) return immediate(scope, undefined);
    const waiting = new Wait<void>(scope, this);
    this.lot.add(waiting);
    return waiting.begin();
  }

  wake(): void {
    if (this.lot.length > 0 && this.free()) this.lot.grantNext();
  }

  take(waiting: Wait<void>): undefined {
    this.lot.remove(waiting);
    // The next one's turn comes when this one has made its call, or has not.
    waiting.scope.loop.soon(() => this.wake());
  }

  withdraw(waiting: Wait<void>): undefined {
    this.lot.remove(waiting);
    this.wake();
  }

  toString(): string {
    return String(this.of);
  }
}

/** Of the lines that make a call so many are kept: each costs as much as the rest of a small call. */
const FRAMES = 3;

/** The lines that called `below`. V8 makes a text of them when it is read. */
function callSite(below: (...args: never) => unknown): { readonly stack?: string } {
  const site = {};
  const limit = Error.stackTraceLimit;
  if (!debugging()) Error.stackTraceLimit = Math.min(limit, FRAMES);
  Error.captureStackTrace(site, below);
  Error.stackTraceLimit = limit;
  return site;
}

function nested(): RuntimeError {
  return new RuntimeError(
    "a module that a worker imports starts a pool, whose workers would import it again, and so on",
  );
}
