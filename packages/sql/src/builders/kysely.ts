import type { Database } from "../database/database.ts";
import type { DriverConnection, Result, TransactionOptions } from "../database/driver.ts";
import { finish, perform } from "../database/perform.ts";
import { compile } from "../statement/compile.ts";
import { sql } from "../statement/sql.ts";

/** A query that Kysely has written. */
interface KyselyQuery {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

/** What Kysely gets for one. */
interface KyselyResult<R> {
  readonly rows: R[];
  readonly numAffectedRows?: bigint;
  readonly insertId?: bigint;
}

/** A connection, for Kysely. */
export interface KyselyConnection {
  executeQuery<R>(query: KyselyQuery): Promise<KyselyResult<R>>;
  streamQuery<R>(query: KyselyQuery, chunkSize: number): AsyncIterableIterator<KyselyResult<R>>;
}

/** A driver, for a dialect of Kysely. */
export interface KyselyDriver {
  init(): Promise<void>;
  acquireConnection(): Promise<KyselyConnection>;
  beginTransaction(
    connection: KyselyConnection,
    settings: { readonly isolationLevel?: string; readonly accessMode?: string },
  ): Promise<void>;
  commitTransaction(connection: KyselyConnection): Promise<void>;
  rollbackTransaction(connection: KyselyConnection): Promise<void>;
  releaseConnection(connection: KyselyConnection): Promise<void>;
  destroy(): Promise<void>;
}

class Connection implements KyselyConnection {
  readonly inner: DriverConnection;
  private readonly db: Database;

  constructor(inner: DriverConnection, db: Database) {
    this.inner = inner;
    this.db = db;
  }

  async executeQuery<R>(query: KyselyQuery): Promise<KyselyResult<R>> {
    const statement = this.compiled(query);
    const { rows, affected, insertId } = await perform(this.inner, this.db.patience, () =>
      this.inner.run(statement, false),
    );
    return {
      rows: rows as R[], // as Kysely's types say
      numAffectedRows: BigInt(affected),
      ...(insertId === null ? undefined : { insertId: BigInt(insertId) }),
    };
  }

  async *streamQuery<R>(query: KyselyQuery, chunkSize: number): AsyncIterableIterator<KyselyResult<R>> {
    const statement = this.compiled(query);
    const cursor = await perform(this.inner, this.db.patience, () => this.inner.open(statement));
    try {
      for (;;) {
        const rows = await perform(this.inner, this.db.patience, () => cursor.read(chunkSize));
        if (rows.length === 0) return;
        yield { rows: rows as R[] }; // as Kysely's types say
      }
    } finally {
      await finish(this.inner, this.db.patience, () => cursor.close());
    }
  }

  /** A statement around a transaction. */
  say(text: string): Promise<Result> {
    return this.inner.run({ text, parameters: [], constant: false, script: true }, true);
  }

  private compiled({ sql: text, parameters }: KyselyQuery) {
    return compile(sql.unsafe(text, parameters), this.db.driver.dialect);
  }
}

/**
 * A driver for Kysely over a database of this package: its queries are cancelled with the task that asks them. On SQLite
 * all of them go to the connection that writes.
 *
 * *Cancel safety*: as `query`, and transactions of Kysely's are rolled back.
 *
 * @example
 * ```ts
 * import { run } from "brio";
 * import { kyselyDriver } from "@brio/sql";
 * import { sqlite } from "@brio/sql/sqlite";
 * import { Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler, sql } from "kysely";
 *
 * await run(async () => {
 *   await using db = sqlite({ file: ":memory:" });
 *   const kysely = new Kysely<{ users: { id: number; name: string } }>({
 *     dialect: {
 *       createAdapter: () => new SqliteAdapter(),
 *       createDriver: () => kyselyDriver(db),
 *       createIntrospector: (kysely) => new SqliteIntrospector(kysely),
 *       createQueryCompiler: () => new SqliteQueryCompiler(),
 *     },
 *   });
 *   await sql`create table users (id integer primary key, name text)`.execute(kysely);
 *   await kysely.insertInto("users").values({ id: 1, name: "Ada" }).execute();
 *   console.log(await kysely.selectFrom("users").selectAll().execute()); // [ { id: 1, name: 'Ada' } ]
 * });
 * ```
 */
export function kyselyDriver(db: Database): KyselyDriver {
  const own = (connection: KyselyConnection): Connection => connection as Connection; // Kysely gives back what it got
  return {
    init: async () => {},
    acquireConnection: async () => new Connection(await db.checkOut(), db),
    beginTransaction: async (connection, { isolationLevel, accessMode }) => {
      const options = {
        isolation: isolationLevel,
        readOnly: accessMode === "read only",
      } as TransactionOptions; // checked by the server
      const { inner } = own(connection);
      for (const text of db.driver.begin(options)) {
        await perform(inner, db.patience, () => own(connection).say(text));
      }
    },
    commitTransaction: async (connection) => {
      await perform(own(connection).inner, db.patience, () => own(connection).say("commit"), false);
    },
    // In a task that is cancelled, too; and nobody gets a connection that was not rolled back.
    rollbackTransaction: async (connection) => {
      const { inner } = own(connection);
      if (!inner.usable) return;
      await finish(inner, db.patience, () => own(connection).say("rollback")).catch(() => inner.distrust());
    },
    releaseConnection: async (connection) => db.checkIn(own(connection).inner),
    // Who has made the database closes it.
    destroy: async () => {},
  };
}
