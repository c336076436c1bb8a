import { CancelledError, createTask, Event, interruptible, type Task, timeout, uncancellable } from "brio";
import { PoolError } from "../statement/errors.ts";
import { Line } from "./line.ts";
import { type PoolLimits, type PoolOptions, type PoolStatistics, poolLimits } from "./options.ts";

/** What a pool has to know of what it keeps. */
export interface Poolable {
  /** False once it is broken, or its state is unknown: then it is not used again. */
  readonly usable: boolean;
  /** Asks whether it still answers. Rejects if it does not. */
  check(): Promise<void>;
  /** Says goodbye, and ends. */
  close(): Promise<void>;
  /** Ends at once. */
  destroy(): void;
}

/** A connection, and what the pool knows of it. */
interface Kept<C> {
  readonly connection: C;
  readonly born: number;
  /** Since when it is idle, or in use. */
  since: number;
}

/*
 * There are `max` places. One is taken by each connection in use, and by each that is being made or checked:
 *
 *   acquire ── idle one, that needs no check ─────────────────> in use ── release ──> the first in line has it
 *      ├── a place is free: check an idle one, or make one ──────┘ │                  └── nobody: idle (or closed)
 *      └── in line ── handed over: a connection in use, or a place └─ not usable: destroyed; the place is free,
 *                                                                     or handed over
 *
 * An idle connection has no place, and is there only while nobody waits in line: so when a place is free and nothing is
 * idle, fewer than `max` connections exist.
 */

/**
 * Keeps connections: gives them to tasks, first come, first served, and takes them back.
 *
 * @example
 * ```ts
 * import { run } from "brio";
 * import { Pool } from "@brio/sql";
 *
 * await run(async () => {
 *   const make = async () => ({ usable: true, async check() {}, async close() {}, destroy() {} });
 *   await using pool = new Pool(make, { max: 2 });
 *   await pool.use(async () => console.log(pool.statistics().inUse)); // 1
 *   console.log(pool.statistics().idle); // 1
 * });
 * ```
 */
export class Pool<C extends Poolable> implements AsyncDisposable {
  private readonly make: () => Promise<C>;
  private readonly limits: PoolLimits;
  /** The one that came back last is the first to be given out: the others may grow old. */
  private readonly idle: Kept<C>[] = [];
  private readonly used = new Map<C, Kept<C>>();
  /** Who waits gets a connection, or a place (null), for which it makes one. */
  private readonly line: Line<C | null>;
  /** Places of connections that are being made or checked. */
  private making = 0;
  private made = 0;
  private closed = 0;
  private discarded = 0;
  private timeouts = 0;
  private ended = false;
  private timer: NodeJS.Timeout | null = null;
  private refill: Task<void> | null = null;
  private readonly farewells = new Set<Promise<void>>();
  /** Set when no place is taken. */
  private readonly empty = new Event();
  /** Always set: who waits for it lets others run, now and then. */
  private readonly turn = new Event();

  /** @param make makes a connection; cancelled, it has made none */
  constructor(make: () => Promise<C>, options: PoolOptions = {}) {
    this.make = make;
    this.limits = poolLimits(options);
    const { acquireTimeout, max } = this.limits;
    this.line = new Line(acquireTimeout, () => {
      this.timeouts++;
      const message = `no connection came back within ${acquireTimeout} ms: all ${max} are in use, and ${this.line.length} other tasks wait`;
      return new PoolError(message, "time-out");
    });
    this.empty.set();
    this.turn.set();
  }

  /**
   * Runs `fn` with a connection, and takes it back whatever happens.
   *
   * *Cancel safety*: cancelled while it waits, it has nothing; later, the connection comes back when `fn` has ended.
   *
   * @throws PoolError if none comes in time, too many wait, or the pool is closed; what making one and `fn` throw.
   */
  async use<T>(fn: (connection: C) => PromiseLike<T> | T): Promise<T> {
    const connection = await this.acquire();
    try {
      return await fn(connection);
    } finally {
      this.release(connection);
    }
  }

  /**
   * Takes a connection; waits while all are in use. Whoever takes it gives it back: see {@link Pool.use}.
   *
   * *Cancel safety*: a cancelled `acquire` has taken no connection.
   */
  async acquire(): Promise<C> {
    // A program that takes and gives back without ever waiting must let sockets have their turn.
    await this.turn.wait();
    return this.takeReady() ?? (await this.take());
  }

  /** @internal One that is idle and needs no check, for who waits for something of it anyway; or null. */
  takeReady(): C | null {
    if (this.ended) return null;
    const now = performance.now();
    for (let kept = this.idle.pop(); kept !== undefined; kept = this.idle.pop()) {
      if (!this.living(kept, now)) continue;
      if (this.checkDue(kept, now)) {
        this.idle.push(kept);
        return null;
      }
      return this.lend(kept, now);
    }
    return null;
  }

  /** Gives a connection back. One that is not usable any more is destroyed. */
  release(connection: C): void {
    const kept = this.used.get(connection);
    if (kept === undefined) {
      throw new Error("pool.release() takes what pool.acquire() gave, once");
    }
    this.used.delete(connection);
    const now = performance.now();
    if (this.ended && connection.usable) this.dismiss(connection);
    else if (this.living(kept, now)) {
      this.offer(kept, now);
      return;
    }
    this.freePlace();
  }

  /** Its state. */
  statistics(): PoolStatistics {
    const { max, min } = this.limits;
    return {
      size: this.size,
      idle: this.idle.length,
      inUse: this.used.size,
      waiting: this.line.length,
      max,
      min,
      made: this.made,
      closed: this.closed,
      discarded: this.discarded,
      timeouts: this.timeouts,
    };
  }

  /**
   * Gives out no more connections, waits for those in use, and closes all.
   *
   * *Cancel safety*: cancelled, it destroys the connections that are still in use 5 seconds later.
   */
  async close(): Promise<void> {
    this.ended = true;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.refill?.cancel("the pool was closed");
    for (const { connection } of this.idle.splice(0)) this.dismiss(connection);
    for (let first = this.line.next(); first !== null; first = this.line.next()) {
      first.setException(this.closedError());
    }
    try {
      await uncancellable(() => this.empty.wait());
    } finally {
      for (const connection of this.used.keys()) connection.destroy();
      await uncancellable(() => Promise.all(this.farewells), { grace: null });
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  toString(): string {
    return `<Pool ${this.used.size} of ${this.limits.max} in use, ${this.line.length} waiting>`;
  }

  private get size(): number {
    return this.idle.length + this.used.size + this.making;
  }

  /** How many places are taken. */
  private get taken(): number {
    return this.used.size + this.making;
  }

  /** @internal As `acquire`, for who waits for something of the connection anyway. */
  async take(): Promise<C> {
    if (this.ended) throw this.closedError();
    if (this.taken < this.limits.max) this.making++;
    else {
      const connection = await this.waitInLine();
      if (connection !== null) return connection;
    }
    this.empty.clear();
    // From here on, it has a place.
    try {
      const kept = (await this.idleOne()) ?? (await this.another());
      this.making--;
      const connection = this.lend(kept, performance.now());
      this.keepMinimum();
      return connection;
    } catch (error) {
      this.making--;
      this.freePlace();
      throw error;
    }
  }

  private lend(kept: Kept<C>, now: number): C {
    kept.since = now;
    this.used.set(kept.connection, kept);
    this.empty.clear();
    return kept.connection;
  }

  /** A connection is free: the first in line has it. */
  private offer(kept: Kept<C>, now: number): void {
    kept.since = now;
    const first = this.line.next();
    if (first !== null) {
      this.used.set(kept.connection, kept);
      first.setResult(kept.connection);
      return;
    }
    this.idle.push(kept);
    this.lookLater();
    if (this.taken === 0) this.empty.set();
  }

  /** A place is free: the first in line has it. */
  private freePlace(): void {
    const first = this.taken < this.limits.max ? this.line.next() : null;
    if (first !== null) {
      this.making++;
      first.setResult(null);
    } else if (this.taken === 0) {
      this.empty.set();
    }
  }

  private waitInLine(): Promise<C | null> {
    const { maxWaiting, max } = this.limits;
    if (this.line.length >= maxWaiting) {
      const message = `all ${max} connections are in use, and ${this.line.length} tasks wait for one already: no more may (maxWaiting)`;
      throw new PoolError(message, "too many waiting");
    }
    return this.line.wait((got) => {
      if (got !== null) {
        this.release(got);
        return;
      }
      this.making--;
      this.freePlace();
    });
  }

  /** With a place: an idle one that has passed its check, or null if none is idle. */
  private async idleOne(): Promise<Kept<C> | null> {
    if (this.ended) throw this.closedError();
    for (let kept = this.idle.pop(); kept !== undefined; kept = this.idle.pop()) {
      const now = performance.now();
      if (this.living(kept, now) && (!this.checkDue(kept, now) || (await this.passes(kept.connection)))) {
        return kept;
      }
    }
    return null;
  }

  private async another(): Promise<Kept<C>> {
    const connection = await this.make();
    this.made++;
    const now = performance.now();
    if (!this.ended) return { connection, born: now, since: now };
    this.dismiss(connection);
    throw this.closedError();
  }

  /** False if it is too old or broken: then it is gone. */
  private living({ connection, born }: Kept<C>, now: number): boolean {
    const { maxLifetime } = this.limits;
    if (!connection.usable) this.discard(connection);
    else if (maxLifetime !== null && now - born >= maxLifetime) this.dismiss(connection);
    else return true;
    return false;
  }

  private checkDue({ since }: Kept<C>, now: number): boolean {
    const { checkAfter } = this.limits;
    return checkAfter !== null && now - since >= checkAfter;
  }

  private async passes(connection: C): Promise<boolean> {
    try {
      await timeout(this.limits.checkTimeout, () => interruptible(connection.check()));
      if (connection.usable) return true;
    } catch (error) {
      if (error instanceof CancelledError) {
        // It may still be answering: nobody can tell.
        this.discard(connection);
        throw error;
      }
    }
    this.discard(connection);
    return false;
  }

  private discard(connection: C): void {
    this.discarded++;
    connection.destroy();
    this.keepMinimum();
  }

  private dismiss(connection: C): void {
    if (!connection.usable) {
      this.discard(connection);
      return;
    }
    this.closed++;
    let late: NodeJS.Timeout | undefined;
    const patience = new Promise<never>((_, reject) => {
      late = setTimeout(() => reject(new Error("it has not said goodbye in time")), this.limits.checkTimeout);
    });
    const farewell = Promise.race([connection.close(), patience])
      .catch(() => connection.destroy())
      .finally(() => {
        clearTimeout(late);
        this.farewells.delete(farewell);
      });
    this.farewells.add(farewell);
  }

  /** Makes connections in the background until there are `min`. If that fails, the next that is needed tries again. */
  private keepMinimum(): void {
    if (this.ended || this.refill !== null || this.size >= this.limits.min) return;
    this.refill = createTask(
      async () => {
        try {
          while (!this.ended && this.size < this.limits.min && this.taken < this.limits.max) {
            this.making++;
            this.empty.clear();
            try {
              this.offer(await this.another(), performance.now());
            } finally {
              this.making--;
              this.freePlace();
            }
          }
          this.lookLater();
        } catch {
          // Whoever needs a connection will be told.
        } finally {
          this.refill = null;
        }
      },
      { name: "refill of a connection pool" },
    );
  }

  /** Closes, when it is time, what nobody has needed for long. Keeps neither the program alive nor a task. */
  private lookLater(): void {
    const { idleTimeout, min } = this.limits;
    if (this.timer !== null || this.ended || idleTimeout === null) return;
    const oldest = this.idle[0];
    if (oldest === undefined || this.size <= min) return;
    const wait = Math.max(oldest.since + idleTimeout - performance.now(), 0);
    this.timer = setTimeout(() => {
      this.timer = null;
      for (let next = this.idle[0]; next !== undefined && this.size > min; next = this.idle[0]) {
        if (performance.now() - next.since < idleTimeout) break;
        this.idle.shift();
        this.dismiss(next.connection);
      }
      this.lookLater();
    }, wait);
    this.timer.unref();
  }

  private closedError(): PoolError {
    return new PoolError("the pool is closed: nothing can be asked of it any more", "closed");
  }
}
