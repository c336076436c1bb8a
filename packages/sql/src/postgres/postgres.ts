import { interruptible } from "brio";
import { Database, type DatabaseOptions } from "../database/database.ts";
import type { Driver, DriverConnection, TransactionOptions } from "../database/driver.ts";
import { optionalDriver } from "../database/optional-driver.ts";
import { perform } from "../database/perform.ts";
import { POSTGRES } from "../statement/dialect.ts";
import { sql } from "../statement/sql.ts";
import type { PgClient } from "./cancel-request.ts";
import { type Pg, PostgresConnection, type PostgresKit } from "./connection.ts";
import { connectError } from "./errors.ts";
import { Subscription } from "./listen.ts";
import { typeParsers } from "./types.ts";

/** A pool of pg's, as far as it is needed here. */
export interface PgPool {
  connect(): Promise<object>;
  readonly options: { readonly max?: number };
}

/** Options of {@link postgres}. */
export interface PostgresOptions extends DatabaseOptions {
  /** `postgres://user:password@host:port/database`, or options of pg's client. Default: as PGHOST, PGUSER, … say. */
  readonly connection?: string | Readonly<Record<string, unknown>>;
  /** A pool of pg's that the program has already: its connections are used, and it is left open. `max` is then its own. */
  readonly pool?: PgPool;
  /** Whether statements of templates are prepared on the server, and kept. Default true; poolers between may want false. */
  readonly prepare?: boolean;
}

const driver: Driver = {
  dialect: POSTGRES,
  maxParameters: 65_535,
  begin: ({ isolation, readOnly }: TransactionOptions) => {
    const level = isolation === undefined ? "" : ` isolation level ${isolation}`;
    return [`begin${level}${readOnly ? " read only" : ""}`];
  },
};

/** A PostgreSQL database. Made by {@link postgres}. */
export class PostgresDatabase extends Database {
  private readonly single: () => Promise<PostgresConnection>;

  /** @internal */
  constructor(options: PostgresOptions) {
    const kit = kitOf(options);
    const timeout = options.checkTimeout ?? "5s";
    const connect = async (): Promise<PostgresConnection> => await connectTo(await kit(), options);
    if (options.pool === undefined) {
      super(driver, connect, options);
    } else {
      const { pool } = options;
      const adopt = async (): Promise<DriverConnection> => await adopted(await kit(), pool);
      super(driver, adopt, {
        ...options,
        max: pool.options.max ?? 10,
        min: 0,
        idleTimeout: 0,
        checkTimeout: timeout,
      });
    }
    this.single = connect;
  }

  /**
   * Listens to channels, over a connection of its own that is none of the pool's. When this resolves, the server knows:
   * nothing that is told from now on is missed.
   *
   * *Cancel safety*: cancelled, nothing listens.
   *
   * @throws ConnectError; TypeError for a channel that can't be a name.
   *
   * @example
   * ```ts postgres
   * import { postgres } from "@brio/sql/postgres";
   * import { run } from "brio";
   *
   * await run(async () => {
   *   await using db = postgres();
   *   await using jobs = await db.listen("brio_docs_jobs");
   *   await db.notify("brio_docs_jobs", "42");
   *   console.log((await jobs.next()).payload); // 42
   * });
   * ```
   */
  async listen(...channels: readonly string[]): Promise<Subscription> {
    const texts = channels.map((channel) => `listen ${sql.id(channel).write('"')}`);
    if (texts.length === 0) throw new TypeError('listen() takes channels: db.listen("jobs")');
    const connection = await this.single();
    const subscription = new Subscription(connection);
    try {
      const statement = { text: texts.join("; "), parameters: [], constant: false, script: true };
      await perform(connection, this.patience, () => connection.run(statement, true));
    } catch (error) {
      await subscription.close();
      throw error;
    }
    return subscription;
  }

  /**
   * Tells something to all who listen to a channel.
   *
   * *Cancel safety*: as `query`.
   *
   * @param payload less than 8000 bytes; default none
   */
  async notify(channel: string, payload = ""): Promise<void> {
    await this.execute(sql`select pg_notify(${channel}, ${payload})`);
  }
}

/** Loads the driver once, when it is needed. */
function kitOf({ prepare = true }: PostgresOptions): () => Promise<PostgresKit> {
  let kit: Promise<PostgresKit> | undefined;
  return () => {
    kit ??= optionalDriver("pg", () => import("pg")).then(({ default: module }) => {
      const pg = module as unknown as Pg; // `Connection` is exported and not declared
      return { pg, types: typeParsers(pg.types), prepare };
    });
    return kit;
  };
}

async function connectTo(kit: PostgresKit, options: PostgresOptions): Promise<PostgresConnection> {
  const { connection: address } = options;
  const config = typeof address === "string" ? { connectionString: address } : address;
  const client = new kit.pg.Client({ connectionTimeoutMillis: 5000, ...config }) as unknown as PgClient; // with what its declarations lack
  const connection = new PostgresConnection(client, kit);
  await interruptible(async (signal) => {
    const cut = (): void => connection.destroy();
    signal.addEventListener("abort", cut, { once: true });
    try {
      await client.connect();
    } catch (error) {
      connection.destroy();
      throw signal.aborted ? signal.reason : connectError(error, `${client.host}:${client.port}`);
    } finally {
      signal.removeEventListener("abort", cut);
    }
    // It was made all the same.
    if (signal.aborted) connection.destroy();
    signal.throwIfAborted();
  });
  return connection;
}

/** A client that comes from the user's own pool, and goes back there. */
async function adopted(kit: PostgresKit, pool: PgPool): Promise<PostgresConnection> {
  return await interruptible(async (signal) => {
    const client = (await pool.connect()) as PgClient & { release(error?: boolean): void };
    if (signal.aborted) client.release();
    signal.throwIfAborted();
    return new PostgresConnection(client, kit, (error) => client.release(error));
  });
}

/**
 * A PostgreSQL database, over the driver `pg` (which is installed beside this package, with `pg-cursor` for `stream` and
 * `pg-copy-streams` for `bulkInsert`).
 *
 * @throws RangeError or TypeError for options; the server is asked later.
 *
 * @example
 * ```ts postgres
 * import { sql } from "@brio/sql";
 * import { postgres } from "@brio/sql/postgres";
 * import { run } from "brio";
 *
 * await run(async () => {
 *   await using db = postgres({ max: 20 }); // where PGHOST, PGUSER, PGDATABASE … say; or { connection: "postgres://…" }
 *   const found = await db.query(sql<{ n: number }>`select n from generate_series(1, 9) n where n = any(${[3, 5, 12]})`);
 *   console.log(found); // [ { n: 3 }, { n: 5 } ]
 * });
 * ```
 */
export function postgres(options: PostgresOptions = {}): PostgresDatabase {
  return new PostgresDatabase(options);
}
