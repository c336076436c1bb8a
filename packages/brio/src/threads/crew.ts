import process from "node:process";
import type { Call } from "./call.ts";
import { reviveError, type ThrownData } from "./error-data.ts";
import { BrokenExecutorError, type WorkerEnd } from "./errors.ts";
import type { CheckedPoolOptions } from "./pool-options.ts";
import { PoolWorker, type WorkerOwner } from "./pool-worker.ts";
import type { WorkerStart } from "./protocol.ts";
import type { HostListener, WorkerHost } from "./worker-host.ts";

/** Whom a crew works for. */
export interface CrewOwner {
  host(start: WorkerStart, listener: HostListener): WorkerHost;
  /** A call is over. */
  over(call: Call): void;
  /** Workers came or went. */
  changed(): void;
  /** There may be room in the queue. */
  relieved(): void;
  /** A worker has ended for a reason that has to do with no call. */
  diedIdle(end: WorkerEnd): void;
}

/** Milliseconds for which a worker may be silent while others have nothing to do, until they take of its calls. */
const HELP = 1;
/** So many workers one after the other that ended before they were ready are no accident. */
const MOST_FAILURES = 3;

/**
 * The workers of a pool, and the queue before them: which call goes to whom, and how many workers there are.
 *
 * A call goes to a worker that is idle. If none is, calls are sent ahead to busy ones as well, as long as they are so short
 * that the way there would take longer; a worker that has nothing to do takes such calls from one that has not begun them.
 */
export class Crew implements WorkerOwner {
  readonly start: WorkerStart;
  /** How many workers took the place of others. */
  replaced = 0;
  private readonly owner: CrewOwner;
  private readonly limits: CheckedPoolOptions;
  private readonly workers = new Set<PoolWorker>();
  /** Those without a call, the one that has worked last at the end. */
  private idle: PoolWorker[] = [];
  /** Calls that no worker has been sent. */
  private queue = new Set<Call>();
  private starting = 0;
  private failures = 0;
  private trouble: { readonly cause: unknown } | null = null;
  private closing = false;
  private flushing = false;
  private reaper: NodeJS.Timeout | null = null;
  private helper: NodeJS.Timeout | null = null;

  constructor(owner: CrewOwner, limits: CheckedPoolOptions) {
    this.owner = owner;
    this.limits = limits;
    this.start = limits.start;
  }

  host(start: WorkerStart, listener: HostListener): WorkerHost {
    return this.owner.host(start, listener);
  }

  // -- how it stands -----------------------------------------------------------------------------------

  get size(): number {
    return this.workers.size;
  }

  /** How many workers have nothing to do. */
  get resting(): number {
    return this.idle.length;
  }

  get busy(): number {
    let count = 0;
    for (const worker of this.workers) if (worker.busy) count++;
    return count;
  }

  /** How many calls no worker has been sent. */
  get waiting(): number {
    return this.queue.size;
  }

  /** How many calls have been sent ahead to busy workers. */
  get ahead(): number {
    let count = 0;
    for (const worker of this.workers) count += worker.ahead;
    return count;
  }

  /** Are there workers that are not ready yet, and may be? */
  get growing(): boolean {
    return this.starting > 0 && this.trouble === null;
  }

  get broken(): boolean {
    return this.trouble !== null;
  }

  /** Why its workers can't be started. */
  brokenError(): BrokenExecutorError {
    const cause = this.trouble?.cause;
    const why = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    return new BrokenExecutorError(`the pool is broken, its workers can't be started: ${why}`, { cause });
  }

  // -- which worker gets what --------------------------------------------------------------------------

  add(call: Call): void {
    this.queue.add(call);
    // The first call goes at once: its caller may go on to compute. Others are made by those whose calls are over.
    if (this.idle.length > 0 && this.busy === 0 && this.queue.size === 1) this.flush();
    else this.flushSoon();
  }

  /** A call was cancelled before it was begun. */
  drop(call: Call): void {
    this.queue.delete(call);
    this.flushSoon();
  }

  over(call: Call): void {
    this.owner.over(call);
  }

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
    if (!this.closing) this.grow();
    this.owner.relieved();
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
    if (!worker.busy) this.rests(worker); // none of them could be sent
  }

  relieved(worker: PoolWorker): void {
    if (worker.state !== "serving") return;
    if (this.queue.size > 0) this.feed(worker, Math.ceil(this.queue.size / this.workers.size));
    if (!worker.busy) {
      this.rests(worker);
      this.helpLater();
    }
    this.owner.relieved();
  }

  /**
   * A worker with nothing to do takes what another has not begun; but only if that takes long over the one before. Short
   * calls would be over sooner than they can be sent elsewhere.
   */
  private helpLater(): void {
    if (this.helper !== null || this.ahead === 0) return;
    this.helper = setTimeout(() => {
      this.helper = null;
      this.help();
    }, HELP);
  }

  private help(): void {
    const before = performance.now() - HELP;
    for (const other of this.workers) {
      if (this.idle.length === 0) return;
      if (other.ahead === 0 || other.heardAt > before) continue;
      const calls = other.takeBackSome(Math.ceil(other.ahead / 2));
      if (calls.length > 0) (this.idle.pop() as PoolWorker).send(calls); // there is one
    }
    if (this.idle.length > 0) this.helpLater();
  }

  private rests(worker: PoolWorker): void {
    if (this.idle.includes(worker) || worker.state !== "serving") return;
    if (this.broken) {
      worker.close();
      return;
    }
    this.idle.push(worker);
    worker.idleSince = performance.now();
    if (this.kept > this.limits.minWorkers) this.reapLater();
  }

  // -- how many there are ------------------------------------------------------------------------------

  private grow(): void {
    if (this.trouble !== null) return;
    const { maxWorkers } = this.limits;
    while (this.queue.size > this.starting && this.workers.size < maxWorkers && !this.broken) this.hire();
    // Calls that were sent ahead could be run by another.
    if (this.starting === 0 && this.workers.size < maxWorkers && this.ahead > 0 && !this.broken) this.hire();
  }

  /** Starts workers until there are so many. */
  growTo(count: number): void {
    while (this.workers.size < Math.min(count, this.limits.maxWorkers) && !this.broken) this.hire();
  }

  private hire(): void {
    try {
      this.workers.add(new PoolWorker(this));
      this.starting++;
    } catch (error) {
      // Node refuses the options.
      this.fail(error);
      this.owner.changed();
    }
  }

  ready(worker: PoolWorker): void {
    this.starting--;
    this.failures = 0;
    this.relieved(worker);
    this.owner.changed();
  }

  unfit(_worker: PoolWorker, thrown: ThrownData): void {
    this.fail(reviveError(thrown));
  }

  ended(worker: PoolWorker, end: WorkerEnd, left: Call[]): void {
    const { endedIn } = worker;
    this.workers.delete(worker);
    this.idle = this.idle.filter((other) => other !== worker);
    if (left.length > 0) this.queue = new Set([...left, ...this.queue]);
    if (!worker.wasReady) this.starting--;
    if (endedIn === "starting") {
      const how = `${end.worker} ${end.how} (${end.signal ?? `exit code ${end.exitCode}`})`;
      if (++this.failures >= MOST_FAILURES) this.fail(end.cause ?? new Error(`${how} before it was ready`));
    } else if (endedIn === "serving") {
      this.replaced++;
      if (end.cause !== undefined && !worker.lostCall) this.owner.diedIdle(end);
    }
    if (this.trouble === null) {
      this.flush();
      if (!this.closing) this.growTo(this.limits.minWorkers);
    }
    this.owner.changed();
  }

  /** It is of no use any more. */
  private fail(cause: unknown): void {
    if (this.trouble !== null) return;
    this.trouble = { cause };
    const ahead = [...this.workers].flatMap((worker) => worker.takeBackSome(worker.ahead));
    const unbegun = [...ahead, ...this.queue];
    this.queue = new Set();
    for (const call of unbegun) {
      call.lost(this.brokenError());
      this.owner.over(call);
    }
    // What runs may end well.
    for (const worker of this.workers) if (!worker.busy) worker.close();
    this.idle = [];
    this.owner.relieved();
  }

  /** How many workers have not been told to end. */
  private get kept(): number {
    let count = 0;
    for (const { state } of this.workers) if (state !== "closing") count++;
    return count;
  }

  private reapLater(): void {
    if (this.reaper !== null) return;
    const { idleTimeout, minWorkers } = this.limits;
    this.reaper = setTimeout(() => {
      this.reaper = null;
      const limit = performance.now() - idleTimeout;
      for (const worker of [...this.idle]) {
        if (this.kept <= minWorkers || worker.idleSince > limit) break;
        this.idle.splice(this.idle.indexOf(worker), 1);
        worker.close();
      }
      if (this.idle.length > 0 && this.kept > minWorkers) this.reapLater();
    }, idleTimeout);
    this.reaper.unref();
  }

  // -- its end -----------------------------------------------------------------------------------------

  /** There are no calls any more: the workers are told to end. */
  close(): void {
    this.closing = true;
    this.stopTimers();
    this.idle = [];
    for (const worker of this.workers) worker.close();
  }

  /** At once. */
  kill(): void {
    this.closing = true;
    this.stopTimers();
    for (const worker of this.workers) worker.host.kill();
  }

  private stopTimers(): void {
    if (this.reaper !== null) clearTimeout(this.reaper);
    if (this.helper !== null) clearTimeout(this.helper);
    this.reaper = null;
    this.helper = null;
  }
}
