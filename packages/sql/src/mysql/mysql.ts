import { interruptible } from "brio";
import { Database, type DatabaseOptions } from "../database/database.ts";
import type { Driver, DriverConnection } from "../database/driver.ts";
import { optionalDriver } from "../database/optional-driver.ts";
import { MYSQL } from "../statement/dialect.ts";
import { type MysqlClient, MysqlConnection, READING } from "./connection.ts";
import { connectError } from "./errors.ts";

/** A pool of mysql2's, as far as it is needed here: with callbacks, or with promises (which has the other in it). */
export interface MysqlPool {
  // biome-ignore lint/suspicious/noExplicitAny: the two kinds of pools agree in nothing but the name
  getConnection(...callback: any[]): unknown;
}

/** Options of {@link mysql}. */
export interface MysqlOptions extends DatabaseOptions {
  /** `mysql://user:password@host:port/database`, or options of mysql2's connections. Default: root at localhost:3306. */
  readonly connection?: string | Readonly<Record<string, unknown>>;
  /** A pool of mysql2's that the program has already: its connections are used, and it is left open. `max` is then its own. */
  readonly pool?: MysqlPool;
}

const driver: Driver = {
  dialect: MYSQL,
  maxParameters: 65_535,
  begin: ({ isolation, readOnly }) => [
    ...(isolation === undefined ? [] : [`set transaction isolation level ${isolation}`]),
    readOnly ? "start transaction read only" : "start transaction",
  ],
};

/** A MySQL or MariaDB database. Made by {@link mysql}. */
export class MysqlDatabase extends Database {
  /** @internal */
  constructor(options: MysqlOptions) {
    const { pool } = options;
    if (pool === undefined) {
      super(driver, () => connectTo(options), options);
      return;
    }
    const inner = ((pool as { pool?: MysqlPool }).pool ?? pool) as InnerPool;
    const { connectionLimit } = inner.config;
    super(driver, () => adopted(inner), { ...options, max: connectionLimit || 10, min: 0, idleTimeout: 0 });
  }
}

/** A pool of mysql2's with callbacks. */
interface InnerPool {
  getConnection(callback: (error: Error | null, client: MysqlClient) => void): void;
  readonly config: {
    readonly connectionLimit: number;
    readonly connectionConfig: Readonly<Record<string, unknown>>;
  };
}

type MysqlModule = typeof import("mysql2");

const load = (): Promise<MysqlModule> =>
  optionalDriver("mysql2", async () => (await import("mysql2")).default as unknown as MysqlModule);

function configOf({ connection }: MysqlOptions): Record<string, unknown> {
  const usual = { ...READING, timezone: "Z", connectTimeout: 5000 };
  return typeof connection === "string" ? { ...usual, uri: connection } : { ...usual, ...connection };
}

async function connectTo(options: MysqlOptions): Promise<DriverConnection> {
  const mysql = await load();
  const config = configOf(options);
  const kill = (threadId: number, patience: number): Promise<void> =>
    killQuery(mysql, config, threadId, patience);
  return await interruptible(async (signal) => {
    const client = connectionOf(mysql, config);
    const connection = new MysqlConnection(client, kill);
    const cut = (): void => connection.destroy();
    signal.addEventListener("abort", cut, { once: true });
    try {
      await connected(client);
    } catch (error) {
      connection.destroy();
      throw signal.aborted ? signal.reason : connectError(error, addressOf(client));
    } finally {
      signal.removeEventListener("abort", cut);
    }
    // It was made all the same.
    if (signal.aborted) connection.destroy();
    signal.throwIfAborted();
    return connection;
  });
}

/** A connection that comes from the user's own pool, and goes back there. */
async function adopted(pool: InnerPool): Promise<DriverConnection> {
  const mysql = await load();
  // Without what mysql2 has made of the options, and does not take for one.
  const { maxPacketSize: _size, clientFlags: _flags, ...config } = pool.config.connectionConfig;
  const kill = (threadId: number, patience: number): Promise<void> =>
    killQuery(mysql, config, threadId, patience);
  return await interruptible(async (signal) => {
    const client = await new Promise<MysqlClient>((resolve, reject) => {
      pool.getConnection((error, found) =>
        error ? reject(connectError(error, "a pool's address")) : resolve(found),
      );
    });
    if (signal.aborted) client.release?.();
    signal.throwIfAborted();
    return new MysqlConnection(client, kill, true);
  });
}

/** Stops what a connection does, over a connection of its own. */
async function killQuery(
  mysql: MysqlModule,
  config: Record<string, unknown>,
  threadId: number,
  patience: number,
): Promise<void> {
  const client = connectionOf(mysql, config);
  client.on("error", () => {});
  let late: NodeJS.Timeout | undefined;
  const patient = new Promise<never>((_, reject) => {
    late = setTimeout(() => reject(new Error("KILL QUERY got no answer in time")), patience);
  });
  const asked = async (): Promise<void> => {
    await connected(client);
    await new Promise<void>((resolve, reject) => {
      client.query(`kill query ${Number(threadId)}`, (error: Error | null) =>
        error ? reject(error) : resolve(),
      );
    });
  };
  try {
    await Promise.race([asked(), patient]);
  } finally {
    clearTimeout(late);
    client.stream.destroy();
  }
}

function connectionOf(mysql: MysqlModule, config: Record<string, unknown>): MysqlClient {
  return mysql.createConnection(
    config as Parameters<MysqlModule["createConnection"]>[0],
  ) as unknown as MysqlClient; // with what its declarations lack
}

function connected(client: MysqlClient): Promise<void> {
  return new Promise((resolve, reject) => {
    client.connect((error: Error | null) => (error ? reject(error) : resolve()));
  });
}

function addressOf({ config }: MysqlClient): string {
  const { host, port, socketPath } = config as { host?: string; port?: number; socketPath?: string };
  return socketPath ?? `${host ?? "localhost"}:${port ?? 3306}`;
}

/**
 * A MySQL or MariaDB database, over the driver `mysql2` (which is installed beside this package).
 *
 * @throws RangeError or TypeError for options; the server is asked later.
 *
 * @example
 * ```ts mysql
 * import { sql } from "@brio/sql";
 * import { mysql } from "@brio/sql/mysql";
 * import { run } from "brio";
 *
 * const connection = process.env.MYSQL_URL ?? "mysql://root@127.0.0.1/test";
 * await run(async () => {
 *   await using db = mysql({ connection, max: 20 });
 *   await db.session(async (session) => {
 *     await session.execute(sql`create temporary table users (id int auto_increment primary key, name text)`);
 *     const { insertId } = await session.execute(sql`insert into users ${sql.insert({ name: "Ada" })}`);
 *     console.log(insertId); // 1
 *   });
 * });
 * ```
 */
export function mysql(options: MysqlOptions = {}): MysqlDatabase {
  return new MysqlDatabase(options);
}
