import { type Duration, milliseconds } from "brio";
import type { PoolOptions, PoolStatistics } from "../pool/options.ts";
import { Pool } from "../pool/pool.ts";
import type { Driver, DriverConnection, TransactionOptions } from "./driver.ts";
import { Queryable } from "./queryable.ts";
import { Session, Transaction } from "./session.ts";
import { attempt, outermost, retried } from "./transaction.ts";

/** Options that all databases have. */
export interface DatabaseOptions extends PoolOptions {
  /** How long a server may take to stop a cancelled statement; then the connection is cut. Default "5s". */
  readonly cancelTimeout?: Duration;
}

/**
 * A database: a pool of connections, and what can be asked of it. `postgres()`, `mysql()` and `sqlite()` make one.
 *
 * It connects when it is first asked. `await using` closes it.
 *
 * @example
 * ```ts
 * import { type Database, sql } from "@brio/sql";
 * import { sqlite } from "@brio/sql/sqlite";
 * import { run } from "brio";
 *
 * async function loaded(db: Database): Promise<number> {
 *   await db.execute(sql`create table points (x int, y int)`);
 *   return await db.bulkInsert("points", ["x", "y"], [[1, 1], [2, 4], [3, 9]]);
 * }
 *
 * await run(async () => {
 *   await using db = sqlite({ file: ":memory:" }); // or postgres(), mysql()
 *   console.log(await loaded(db)); // 3
 *   for await (const { x } of db.stream(sql`select x from points where y > ${3}`)) console.log(x); // 2, then 3
 *   console.log(db.statistics().inUse); // 0
 * });
 * ```
 */
export class Database extends Queryable implements AsyncDisposable {
  /** @internal */ readonly driver: Driver;
  /** @internal */ readonly patience: number;
  /** @internal */ protected readonly pool: Pool<DriverConnection>;

  /** @internal */
  constructor(driver: Driver, connect: () => Promise<DriverConnection>, options: DatabaseOptions) {
    super();
    this.driver = driver;
    this.patience = milliseconds(options.cancelTimeout ?? "5s", "cancelTimeout");
    this.pool = new Pool(connect, options);
  }

  /**
   * Runs `fn` in a transaction: commits when it returns, rolls back when it throws or is cancelled. Given nothing else,
   * it is run again, up to three times, when another transaction was in its way: so it should do nothing but ask `tx`.
   *
   * *Cancel safety*: cancelled before the commit has begun, everything is rolled back; then the commit is waited for.
   *
   * @throws what `fn` throws; ConflictError when the retries are used up; CommitUnknownError if the connection breaks
   * while it commits; TypeError or RangeError for options; otherwise as `query`.
   */
  async transaction<T>(
    fn: (tx: Transaction) => PromiseLike<T> | T,
    options: TransactionOptions = {},
  ): Promise<T> {
    const frame = outermost(this.driver, options);
    return await retried(async () => {
      const connection = await this.borrow(options.readOnly === true ? READS : null);
      try {
        return await attempt(
          connection,
          this,
          frame,
          (depth) => new Transaction(connection, this, depth),
          fn,
        );
      } finally {
        this.giveBack(connection);
      }
    }, options);
  }

  /**
   * Runs `fn` with a connection that is its own meanwhile.
   *
   * *Cancel safety*: cancelled, the connection comes back when `fn` has ended.
   *
   * @throws what `fn` throws; otherwise as `query`.
   */
  async session<T>(fn: (session: Session) => PromiseLike<T> | T): Promise<T> {
    return await this.pool.use(async (connection) => {
      const session = new Session(connection, this);
      try {
        return await fn(session);
      } finally {
        session.end();
      }
    });
  }

  /** @internal A connection, for who gives it back. */
  checkOut(): Promise<DriverConnection> {
    return this.borrow(null);
  }

  /** @internal */
  checkIn(connection: DriverConnection): void {
    this.giveBack(connection);
  }

  /** The state of its pool. */
  statistics(): PoolStatistics {
    return this.pool.statistics();
  }

  /**
   * Gives out no more connections, waits for those in use, and closes all.
   *
   * *Cancel safety*: cancelled, it cuts the connections that are still in use 5 seconds later.
   */
  close(): Promise<void> {
    return this.pool.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  override toString(): string {
    return `<${this.constructor.name} ${this.pool}>`;
  }

  /** @internal */
  protected atomically<T>(fn: (inner: Queryable) => Promise<T>): Promise<T> {
    return this.transaction(fn, { retries: 0 });
  }

  /** @internal */
  protected override borrowReady(_text: string | null): DriverConnection | null {
    return this.pool.takeReady();
  }

  /** @internal */
  protected borrow(_text: string | null): Promise<DriverConnection> {
    return this.pool.take();
  }

  /** @internal */
  protected giveBack(connection: DriverConnection): void {
    this.pool.release(connection);
  }
}

/** Text of a statement that only reads. */
const READS = "select";
