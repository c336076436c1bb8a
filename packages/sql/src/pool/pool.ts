import {
  CancelledError,
  createTask,
  interruptible,
  Semaphore,
  type Task,
  TimeoutError,
  timeout,
  uncancellable,
} from "brio";
import { PoolError } from "../statement/errors.ts";
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

/** Something in the pool, and since when. */
interface Idle<C> {
  readonly connection: C;
  readonly since: number;
}

/*
 * A permit of `permits` stands for the right to hold a connection or to make one. So there are at most `max`:
 *
 *   acquire ── permit ──> idle one, that passes its check ──> in use ── release ──> idle (or closed), permit back
 *                   └───> none idle: make one ───────────────┘   └─ not usable: destroyed, permit back
 *
 * An idle connection has no permit, and all permits that are out are of connections in use or being made: so when a
 * permit is got and nothing is idle, fewer than `max` connections exist. Refilling to `min` takes a permit as well.
 * Permits are handed over first come first served, and a cancelled wait takes none: that is the semaphore's promise.
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
  private readonly permits: Semaphore;
  /** The one that came back last is the first to be given out: the others may grow old. */
  private readonly idle: Idle<C>[] = [];
  private readonly used = new Map<C, number>();
  private readonly born = new WeakMap<C, number>();
  private making = 0;
  private waiting = 0;
  private made = 0;
  private closed = 0;
  private discarded = 0;
  private timeouts = 0;
  private ended = false;
  private timer: NodeJS.Timeout | null = null;
  private refill: Task<void> | null = null;
  private readonly farewells = new Set<Promise<void>>();

  /** @param make makes a connection; cancelled, it has made none */
  constructor(make: () => Promise<C>, options: PoolOptions = {}) {
    this.make = make;
    this.limits = poolLimits(options);
    this.permits = new Semaphore(this.limits.max);
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
    if (this.ended) throw this.closedError();
    await this.permit();
    try {
      return await this.take();
    } catch (error) {
      this.permits.release();
      throw error;
    }
  }

  /** Gives a connection back. One that is not usable any more is destroyed. */
  release(connection: C): void {
    if (!this.used.delete(connection)) {
      throw new Error("pool.release() takes what pool.acquire() gave, once");
    }
    if (!connection.usable) {
      this.discard(connection);
    } else if (this.ended || this.tooOld(connection)) {
      this.dismiss(connection);
    } else {
      this.idle.push({ connection, since: performance.now() });
      this.lookLater();
    }
    this.permits.release();
  }

  /** Its state. */
  statistics(): PoolStatistics {
    const { max, min } = this.limits;
    return {
      size: this.size,
      idle: this.idle.length,
      inUse: this.used.size,
      waiting: this.waiting,
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
    try {
      await uncancellable(async () => {
        // Who has all the permits knows that nobody has a connection. Those who wait are refused when they get theirs.
        for (let i = 0; i < this.limits.max; i++) await this.permits.acquire();
        for (let i = 0; i < this.limits.max; i++) this.permits.release();
      });
    } finally {
      for (const connection of this.used.keys()) connection.destroy();
      await uncancellable(() => Promise.all(this.farewells), { grace: null });
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  toString(): string {
    const { used, limits, waiting } = this;
    return `<Pool ${used.size} of ${limits.max} in use, ${waiting} waiting>`;
  }

  private get size(): number {
    return this.idle.length + this.used.size + this.making;
  }

  private async permit(): Promise<void> {
    if (!this.permits.locked()) {
      await this.permits.acquire();
      return;
    }
    const { acquireTimeout, maxWaiting, max } = this.limits;
    if (this.waiting >= maxWaiting) {
      const message = `all ${max} connections are in use, and ${this.waiting} tasks wait for one already: no more may (maxWaiting)`;
      throw new PoolError(message, "too many waiting");
    }
    this.waiting++;
    try {
      if (acquireTimeout === null) await this.permits.acquire();
      else await timeout(acquireTimeout, () => this.permits.acquire());
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error;
      this.timeouts++;
      const message = `no connection came back within ${acquireTimeout} ms: all ${max} are in use, and ${this.waiting - 1} other tasks wait`;
      throw new PoolError(message, "time-out");
    } finally {
      this.waiting--;
    }
  }

  /** With a permit in hand. */
  private async take(): Promise<C> {
    if (this.ended) throw this.closedError();
    for (let found = this.idle.pop(); found !== undefined; found = this.idle.pop()) {
      const { connection, since } = found;
      this.used.set(connection, since);
      if (await this.stillGood(connection, since)) return connection;
      this.used.delete(connection);
    }
    const connection = await this.another();
    this.used.set(connection, performance.now());
    this.keepMinimum();
    return connection;
  }

  private async another(): Promise<C> {
    this.making++;
    try {
      const connection = await this.make();
      this.made++;
      this.born.set(connection, performance.now());
      if (!this.ended) return connection;
      this.dismiss(connection);
      throw this.closedError();
    } finally {
      this.making--;
    }
  }

  private async stillGood(connection: C, since: number): Promise<boolean> {
    const { checkAfter, checkTimeout } = this.limits;
    if (!connection.usable) {
      this.discard(connection);
      return false;
    }
    if (this.tooOld(connection)) {
      this.dismiss(connection);
      return false;
    }
    if (checkAfter === null || performance.now() - since < checkAfter) return true;
    try {
      await timeout(checkTimeout, () => interruptible(connection.check()));
      if (connection.usable) return true;
    } catch (error) {
      if (error instanceof CancelledError) {
        // It may still be answering: nobody can tell.
        this.used.delete(connection);
        this.discard(connection);
        throw error;
      }
    }
    this.discard(connection);
    return false;
  }

  private tooOld(connection: C): boolean {
    const { maxLifetime } = this.limits;
    return maxLifetime !== null && performance.now() - (this.born.get(connection) ?? 0) >= maxLifetime;
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
          while (!this.ended && this.size < this.limits.min && !this.permits.locked()) {
            await this.permits.acquire();
            try {
              const connection = await this.another();
              this.idle.push({ connection, since: performance.now() });
            } finally {
              this.permits.release();
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
