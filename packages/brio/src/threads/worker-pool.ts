import process from "node:process";
import { immediate } from "../cancel/immediate.ts";
import { ParkingLot } from "../cancel/parking-lot.ts";
import { ambientScope, outsideTask, requireScope, type Scope } from "../cancel/scope.ts";
import { uncancellable } from "../cancel/uncancellable.ts";
import { Wait, type WaitSource } from "../cancel/wait.ts";
import { wait } from "../compose/wait.ts";
import { RuntimeError } from "../loop/errors.ts";
import type { Loop, Resource } from "../loop/loop.ts";
import { debugging } from "../loop/origins.ts";
import { QueueFull } from "../queues/errors.ts";
import { Queue } from "../queues/queue.ts";
import { Event } from "../sync/event.ts";
import { requireFrame } from "../tasks/awaitable.ts";
import { copyContext } from "../tasks/context.ts";
import { spawn } from "../tasks/create-task.ts";
import { Watcher } from "../tasks/listeners.ts";
import type { Task } from "../tasks/task.ts";
import { Call, type CallOwner } from "./call.ts";
import { reviveError, type ThrownData } from "./error-data.ts";
import { BrokenExecutorError, type WorkerEnd } from "./errors.ts";
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
import { PoolWorker, type WorkerOwner } from "./pool-worker.ts";
import { ITEM, PROGRESS, type WireExtras, type WireReply, type WorkerStart } from "./protocol.ts";
import { carriedContext } from "./run-call.ts";
import type { HostListener, WorkerHost } from "./worker-host.ts";

/** How many items of a stream are made ahead of their reader. */
const CREDIT = 16;
/** So many workers one after the other that ended before they were ready are no accident. */
const MOST_FAILURES = 3;
/** Calls that `map` makes ahead, at least: small ones are sent many at a time. */
const LEAST_AHEAD = 16;

/**
 * A pool of workers, whatever they live in: which calls go to which worker, and how many workers there are.
 *
 * A call goes to a worker that is idle. If none is, calls are sent ahead to busy ones as well, as long as they are so short
 * that the way there would take longer; a worker that has nothing to do takes such calls from one that has not begun them.
 */
export abstract class WorkerPool
  extends ExecutorBase<CallOptions, CheckedCallOptions>
  implements WorkerOwner, CallOwner, Resource, WaitSource<void>
{
  override readonly title = "pool";
  /** @internal */ readonly kind = "pool.room";
  /** @internal */ readonly start: WorkerStart;
  private readonly limits: CheckedPoolOptions;
  private readonly workers = new Set<PoolWorker>();
  /** Those without a call, the one that has worked last at the end. */
  private idle: PoolWorker[] = [];
  /** Calls that no worker has been sent. */
  private queue = new Set<Call>();
  /** All calls that are not over, as the tasks that wait for them. */
  private readonly tasks = new Set<Task<unknown>>();
  private loop: Loop | null = null;
  private active = 0;
  private starting = 0;
  private failures = 0;
  private broken: { readonly cause: unknown } | null = null;
  private flushing = false;
  private changed = new Event();
  private reaper: NodeJS.Timeout | null = null;
  private readonly lot = new ParkingLot<void>();
  private readonly counts = { completed: 0, failed: 0, cancelled: 0, replaced: 0 };

  constructor(options: CheckedPoolOptions) {
    super();
    this.limits = options;
    this.start = options.start;
  }

  /** @internal Starts a worker. */
  abstract host(start: WorkerStart, listener: HostListener): WorkerHost;

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
    let [busy, sent] = [0, 0];
    for (const worker of this.workers) {
      if (worker.busy) busy++;
      sent += worker.ahead;
    }
    return {
      workers: this.workers.size,
      idle: this.idle.length,
      busy,
      queued: this.queue.size + sent,
      ...this.counts,
    };
  }

  // -- calls -------------------------------------------------------------------------------------------

  protected override begin({ fn, args }: AnyCall, options: CheckedCallOptions = DEFAULT_CALL): Task<unknown> {
    const { onProgress } = options;
    const variables = carriedContext();
    let extras: WireExtras | undefined;
    let listener: ((reply: WireReply) => void) | null = null;
    if (onProgress !== undefined) {
      const context = copyContext();
      const tell = (value: unknown): void => context.run(() => onProgress(value));
      listener = (reply) => void (this.loop as Loop).callSoon(tell, reply[2]); // it is bound by then
      extras = { variables, progress: true };
    } else if (variables !== undefined) {
      extras = { variables };
    }
    const site = callSite(this.submitWith);
    return this.spawned(new Call(this, fn, args, options, extras, listener, site));
  }

  private spawned(call: Call): Task<unknown> {
    const frame = requireFrame("pool.submit()");
    this.admit(frame.loop);
    const begin = (): Promise<unknown> => call.begin(ambientScope() as Scope, this.enqueue); // the task's own
    const task = spawn<unknown>(
      frame.loop,
      begin,
      { name: call.options.name ?? call.fn.id, eager: true },
      "pool.submit()",
      frame,
    );
    call.task = task;
    this.tasks.add(task);
    return task;
  }

  protected override async *beginStream(
    { fn, args }: AnyCall,
    options: CheckedCallOptions = DEFAULT_CALL,
  ): AsyncGenerator<unknown, void, undefined> {
    const items = new Queue<{ readonly item: unknown }>();
    const { onProgress } = options;
    const extras: WireExtras = {
      variables: carriedContext(),
      credit: CREDIT,
      progress: onProgress !== undefined,
    };
    const site = callSite(this.beginStream);
    const call: Call = new Call(
      this,
      fn,
      args,
      options,
      extras,
      (reply) => {
        if (reply[1] === ITEM) items.putNowait({ item: reply[2] });
        else if (reply[1] === PROGRESS && onProgress !== undefined) call.loop.callSoon(onProgress, reply[2]);
      },
      site,
    );
    const task = this.spawned(call);
    task.observe(new Watcher(() => items.shutdown(), null));
    let taken = 0;
    try {
      for await (const { item } of items) {
        yield item;
        if (++taken % (CREDIT / 2) === 0) call.worker?.addCredit(call, CREDIT / 2);
      }
      await task;
    } finally {
      if (!task.done()) {
        task.cancel("the loop over stream() was left");
        await uncancellable(() => wait([task]), { grace: null });
      }
      task.markRetrieved();
    }
  }

  /** May a call be made, and here? */
  private admit(loop: Loop): void {
    if (this.broken !== null) throw this.brokenError();
    if (this.loop !== null && this.loop !== loop) {
      throw new RuntimeError("this pool is used in another event loop already: make one for each run()");
    }
    if (this.loop === null) {
      if (importedByWorker()) throw nested();
      this.loop = loop;
      loop.resources.add(this);
    }
    if (this.idle.length === 0 && this.queue.size >= this.limits.queueLimit) {
      throw new QueueFull(
        `${this.queue.size} calls wait for a worker already, which is the queueLimit: await pool.room() before pool.submit()`,
      );
    }
  }

  private readonly enqueue = (call: Call): void => {
    this.active++;
    this.queue.add(call);
    if (this.idle.length > 0 && this.queue.size === 1) this.flush();
    else this.flushSoon();
  };

  over(call: Call): void {
    this.leave(call);
  }

  dropped(call: Call): void {
    this.queue.delete(call);
    this.leave(call);
    this.flushSoon();
  }

  private leave(call: Call): void {
    this.counts[call.ending]++;
    this.active--;
    if (call.task !== null) this.tasks.delete(call.task);
    if (this.active === 0) this.notify();
  }

  // -- which worker gets what --------------------------------------------------------------------------

  /** After what is running now: so that calls made together are sent together. */
  private flushSoon(): void {
    if (this.flushing) return;
    this.flushing = true;
    process.nextTick(() => {
      this.flushing = false;
      this.flush();
    });
  }

  private flush(): void {
    if (this.queue.size > 0) {
      const { idle } = this;
      this.idle = [];
      while (idle.length > 0 && this.queue.size > 0) {
        const worker = idle.pop() as PoolWorker; // there is one
        this.feed(worker, Math.ceil(this.queue.size / (idle.length + 1)));
      }
      this.idle = idle.concat(this.idle);
      if (this.queue.size > 0) for (const worker of this.workers) this.feed(worker, this.queue.size);
    }
    this.grow();
    this.wakeWaiting();
  }

  /** Sends a worker what it should have, at most `share` calls. */
  private feed(worker: PoolWorker, share: number): void {
    const count = Math.min(worker.room, share);
    if (count <= 0) return;
    const calls: Call[] = [];
    for (const call of this.queue) {
      if (calls.length >= count) break;
      if (!call.patient && (worker.busy || calls.length > 0)) break;
      this.queue.delete(call);
      calls.push(call);
    }
    if (calls.length > 0) worker.send(calls);
    if (!worker.busy) this.idle.push(worker); // none of them could be sent
  }

  relieved(worker: PoolWorker): void {
    if (worker.busy) {
      if (this.queue.size > 0) this.feed(worker, Math.ceil(this.queue.size / this.workers.size));
      this.wakeWaiting();
      return;
    }
    if (this.queue.size > 0) this.feed(worker, Math.ceil(this.queue.size / this.workers.size));
    if (!worker.busy) this.help(worker);
    if (!worker.busy) this.rests(worker);
    this.wakeWaiting();
  }

  /** A worker with nothing to do takes what another has not begun. */
  private help(worker: PoolWorker): void {
    let most: PoolWorker | null = null;
    for (const other of this.workers) if (other.ahead > (most?.ahead ?? 0)) most = other;
    if (most === null) return;
    const calls = most.takeBackSome(Math.ceil(most.ahead / 2));
    if (calls.length > 0) worker.send(calls);
  }

  private rests(worker: PoolWorker): void {
    if (this.idle.includes(worker)) return;
    this.idle.push(worker);
    worker.idleSince = performance.now();
    if (this.workers.size > this.limits.minWorkers) this.reapLater();
  }

  // -- how many workers there are ----------------------------------------------------------------------

  private grow(): void {
    const { maxWorkers } = this.limits;
    while (this.queue.size > this.starting && this.workers.size < maxWorkers && this.broken === null)
      this.add();
    if (this.starting > 0) return;
    // Calls that were sent ahead could be run by another.
    let ahead = 0;
    for (const worker of this.workers) ahead += worker.ahead;
    if (ahead > 0 && this.workers.size < maxWorkers && this.broken === null) this.add();
  }

  private add(): void {
    this.starting++;
    this.workers.add(new PoolWorker(this));
  }

  ready(worker: PoolWorker): void {
    this.starting--;
    this.failures = 0;
    this.relieved(worker);
    this.notify();
  }

  unfit(_worker: PoolWorker, thrown: ThrownData): void {
    this.fail(reviveError(thrown));
  }

  ended(worker: PoolWorker, end: WorkerEnd, left: Call[]): void {
    this.workers.delete(worker);
    this.idle = this.idle.filter((other) => other !== worker);
    if (worker.endedIn === "starting") this.starting--;
    if (left.length > 0) this.queue = new Set([...left, ...this.queue]);
    if (worker.endedIn === "starting" && ++this.failures >= MOST_FAILURES) {
      this.fail(
        end.cause ?? new Error(`${end.worker} ${end.how} (${end.signal ?? `exit code ${end.exitCode}`})`),
      );
    }
    if (worker.endedIn === "serving") {
      this.counts.replaced++;
      if (end.cause !== undefined && !worker.lostCall) this.report(end);
    }
    if (this.broken === null) {
      this.flush();
      while (!this.closed && this.workers.size < this.limits.minWorkers) this.add();
    }
    this.notify();
  }

  /** Something in it went wrong that belongs to no call. */
  private report({ worker, cause }: WorkerEnd): void {
    this.loop?.callExceptionHandler({
      message: `${worker} of ${this} ended while it was idle`,
      exception: cause,
    });
  }

  /** It is of no use any more. */
  private fail(cause: unknown): void {
    if (this.broken !== null) return;
    this.broken = { cause };
    const { queue } = this;
    this.queue = new Set();
    for (const call of queue) {
      call.lost(this.brokenError());
      this.leave(call);
    }
    for (const worker of this.workers) worker.close();
    this.wakeWaiting();
  }

  private brokenError(): BrokenExecutorError {
    const cause = this.broken?.cause;
    const why = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    return new BrokenExecutorError(`the pool is broken, its workers can't be started: ${why}`, { cause });
  }

  private reapLater(): void {
    if (this.reaper !== null) return;
    const { idleTimeout, minWorkers } = this.limits;
    this.reaper = setTimeout(() => {
      this.reaper = null;
      const limit = performance.now() - idleTimeout;
      for (const worker of [...this.idle]) {
        if (this.workers.size <= minWorkers || worker.idleSince > limit) break;
        this.idle.splice(this.idle.indexOf(worker), 1);
        worker.close();
      }
      if (this.idle.length > 0 && this.workers.size > minWorkers) this.reapLater();
    }, idleTimeout);
    this.reaper.unref();
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
    const { loop } = requireScope("pool.warmUp()");
    this.admit(loop);
    while (this.workers.size < Math.min(count, this.limits.maxWorkers)) this.add();
    while (this.starting > 0 && this.broken === null) await this.changed.wait();
    if (this.broken !== null) throw this.brokenError();
  }

  /**
   * Waits until the queue has room for one call more: see `queueLimit`. Who goes on from here can submit one at once.
   *
   * *Cancel safety*: nothing is lost.
   */
  room(): Promise<void> {
    const scope = ambientScope();
    if (scope === undefined) return outsideTask("pool.room()");
    if (this.hasRoom && !this.lot.alive) return immediate(scope, undefined);
    const waiting = new Wait<void>(scope, this);
    this.lot.add(waiting);
    return waiting.begin();
  }

  private get hasRoom(): boolean {
    return (
      this.idle.length > 0 || this.queue.size < this.limits.queueLimit || this.broken !== null || this.closed
    );
  }

  private wakeWaiting(): void {
    if (this.lot.length > 0 && this.hasRoom) this.lot.grantNext();
  }

  /** @internal */
  take(waiting: Wait<void>): undefined {
    this.lot.remove(waiting);
    // The next one's turn comes when this one has made its call, or has not.
    this.loop?.soon(() => this.wakeWaiting());
  }

  /** @internal */
  withdraw(waiting: Wait<void>): undefined {
    this.lot.remove(waiting);
    this.wakeWaiting();
  }

  // -- its end -----------------------------------------------------------------------------------------

  protected override cancelCalls(reason: string): void {
    for (const task of [...this.tasks]) task.cancel(reason);
  }

  protected override async finish(): Promise<void> {
    while (this.active > 0) await this.changed.wait();
    for (const worker of [...this.workers]) worker.close();
    while (this.workers.size > 0) await this.changed.wait();
    this.release();
  }

  private release(): void {
    if (this.reaper !== null) clearTimeout(this.reaper);
    this.reaper = null;
    this.loop?.resources.delete(this);
  }

  /** @internal */
  loopCloses(): void {
    this.shut();
    this.release();
    for (const worker of this.workers) worker.host.kill();
  }

  override toString(): string {
    const { workers, busy, queued } = this.statistics();
    return `<${this.constructor.name}, ${busy} of ${workers} workers busy, ${queued} queued>`;
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
