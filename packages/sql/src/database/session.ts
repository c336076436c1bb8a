import { Lock } from "brio";
import { SqlError } from "../statement/errors.ts";
import type { Driver, DriverConnection, TransactionOptions } from "./driver.ts";
import { Queryable } from "./queryable.ts";
import { attempt, type Frame, type Kit, outermost, retried } from "./transaction.ts";

/**
 * One connection, for as long as `db.session(fn)` lasts: for temporary tables, settings and locks that belong to a
 * connection, and for what only the driver can do.
 *
 * Tasks may share it: their statements run one after the other.
 *
 * @example
 * ```ts
 * import { sql } from "@brio/sql";
 * import { sqlite } from "@brio/sql/sqlite";
 * import { run } from "brio";
 *
 * await run(async () => {
 *   await using db = sqlite({ file: ":memory:" });
 *   await db.session(async (session) => {
 *     await session.execute(sql`create temporary table seen (id int)`);
 *     await session.execute(sql`insert into seen values (1), (2)`);
 *     console.log(await session.one(sql`select count(*) as n from seen`)); // { n: 2 }
 *   });
 * });
 * ```
 */
export class Session extends Queryable {
  /** @internal */ readonly driver: Driver;
  /** @internal */ readonly patience: number;
  private readonly connection: DriverConnection;
  private readonly lock = new Lock();
  private over = false;
  private inner = false;

  /** @internal */
  constructor(connection: DriverConnection, kit: Kit) {
    super();
    this.connection = connection;
    this.driver = kit.driver;
    this.patience = kit.patience;
  }

  /**
   * The driver's own connection: `pg.Client`, mysql2's `Connection`. What is done with it, brio does not see: it can't
   * cancel it, and whoever leaves a transaction open on it leaves it to the next.
   */
  get raw(): unknown {
    this.checkOpen();
    return this.connection.raw;
  }

  /**
   * Runs `fn` in a transaction of this connection.
   *
   * *Cancel safety*: cancelled, everything is rolled back.
   *
   * @throws what `fn` throws, after the rollback; otherwise as `query`.
   */
  async transaction<T>(
    fn: (tx: Transaction) => PromiseLike<T> | T,
    options: TransactionOptions = {},
  ): Promise<T> {
    const frame = outermost(this.driver, options);
    return await this.nest((connection) =>
      retried(
        () => attempt(connection, this, frame, (depth) => new Transaction(connection, this, depth), fn),
        options,
      ),
    );
  }

  /** @internal It can be used no more. */
  end(): void {
    this.over = true;
  }

  /** @internal While `fn` runs in a transaction within this one, this one is not to be used. */
  protected async nest<T>(fn: (connection: DriverConnection) => Promise<T>): Promise<T> {
    await this.borrow();
    this.inner = true;
    this.lock.release();
    try {
      return await fn(this.connection);
    } finally {
      this.inner = false;
    }
  }

  /** @internal */
  protected atomically<T>(fn: (inner: Queryable) => Promise<T>): Promise<T> {
    return this.transaction(fn, { retries: 0 });
  }

  /** @internal */
  protected async borrow(): Promise<DriverConnection> {
    this.checkOpen();
    await this.lock.acquire();
    try {
      this.checkOpen();
    } catch (error) {
      this.lock.release();
      throw error;
    }
    return this.connection;
  }

  /** @internal */
  protected giveBack(): void {
    this.lock.release();
  }

  private checkOpen(): void {
    if (this.over)
      throw new SqlError("it has ended: nothing can be asked of a transaction or session after that");
    if (this.inner) {
      throw new SqlError("a transaction runs within it: ask that one, which is what its function is given");
    }
  }
}

/**
 * A transaction, for as long as its function runs.
 *
 * @example
 * ```ts
 * import { sql } from "@brio/sql";
 * import { sqlite } from "@brio/sql/sqlite";
 * import { run } from "brio";
 *
 * await run(async () => {
 *   await using db = sqlite({ file: ":memory:" });
 *   await db.execute(sql`create table notes (text text)`);
 *   await db.transaction(async (tx) => {
 *     await tx.execute(sql`insert into notes values ('kept')`);
 *     const inner = tx.transaction(async (savepoint) => {
 *       await savepoint.execute(sql`insert into notes values ('undone')`);
 *       throw new Error("no");
 *     });
 *     await inner.catch((error) => console.log(error.message)); // no
 *   });
 *   console.log(await db.query(sql`select text from notes`)); // [ { text: 'kept' } ]
 * });
 * ```
 */
export class Transaction extends Session {
  private readonly depth: number;

  /** @internal */
  constructor(connection: DriverConnection, kit: Kit, depth: number) {
    super(connection, kit);
    this.depth = depth;
  }

  /**
   * Runs `fn` within this transaction, behind a savepoint: if it fails, only what it did is undone.
   *
   * *Cancel safety*: cancelled, what it did is undone.
   *
   * @throws what `fn` throws, after going back to the savepoint; TypeError for options, which only the outermost has.
   */
  override async transaction<T>(
    fn: (tx: Transaction) => PromiseLike<T> | T,
    options: TransactionOptions = {},
  ): Promise<T> {
    if (options.isolation !== undefined || options.readOnly !== undefined) {
      throw new TypeError(
        "isolation and readOnly are for the outermost transaction, and not for one within it",
      );
    }
    const name = `brio_${this.depth + 1}`;
    const frame: Frame = {
      begin: [`savepoint ${name}`],
      commit: `release savepoint ${name}`,
      rollback: `rollback to savepoint ${name}`,
      depth: this.depth + 1,
    };
    return await this.nest((connection) =>
      attempt(connection, this, frame, (depth) => new Transaction(connection, this, depth), fn),
    );
  }
}
