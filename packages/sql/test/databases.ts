import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Database, type DatabaseOptions, type Sql, sql } from "@brio/sql";
import { type MysqlDatabase, mysql } from "@brio/sql/mysql";
import { type PostgresDatabase, postgres } from "@brio/sql/postgres";
import { type SqliteDatabase, sqlite } from "@brio/sql/sqlite";
import { run } from "brio";
import { describe, onTestFinished } from "vitest";
import { accepts, type Describe, describeWith } from "../../brio/test/services.ts";

/** Where the tests' servers are. They share them with others: each test has a schema or a database of its own. */
export const POSTGRES: string = process.env.BRIO_POSTGRES ?? "127.0.0.1:5432";
export const MYSQL: string = process.env.BRIO_MYSQL ?? "127.0.0.1:3306";

export const describeWithPostgres: Describe = describeWith(
  `PostgreSQL at ${POSTGRES}`,
  await accepts(POSTGRES),
  "start one that trusts root, with a database test, or set BRIO_POSTGRES",
);
export const describeWithMysql: Describe = describeWith(
  `MySQL or MariaDB at ${MYSQL}`,
  await accepts(MYSQL),
  "start one where root has no password, with a database test, or set BRIO_MYSQL",
);

/** Options of the test's own, beside where the database is. */
export type Options = Omit<DatabaseOptions, never>;

let places = 0;
const unique = (): string => `brio_${process.pid}_${++places}`;

/** What pg is to be told, for a schema of the test's own. */
export async function postgresPlace(address: string = POSTGRES): Promise<Record<string, unknown>> {
  const [host = "", port = ""] = address.split(":");
  const schema = unique();
  const connection = { host, port: Number(port), user: "root", database: "test" };
  const admin = async (statement: Sql): Promise<void> =>
    await run(async () => {
      await using db = postgres({ connection });
      await db.execute(statement);
    });
  await admin(sql`create schema ${sql.id(schema)}`);
  onTestFinished(() => admin(sql`drop schema ${sql.id(schema)} cascade`));
  return { ...connection, application_name: schema, options: `-c search_path=${schema}` };
}

/** What mysql2 is to be told, for a database of the test's own. */
export async function mysqlPlace(address: string = MYSQL): Promise<Record<string, unknown>> {
  const [host = "", port = ""] = address.split(":");
  const database = unique();
  const connection = { host, port: Number(port), user: "root" };
  const admin = async (statement: Sql): Promise<void> =>
    await run(async () => {
      await using db = mysql({ connection });
      await db.execute(statement);
    });
  await admin(sql`create database ${sql.id(database)}`);
  onTestFinished(() => admin(sql`drop database ${sql.id(database)}`));
  return { ...connection, database };
}

/** A file of the test's own. */
export function sqlitePlace(): string {
  const folder = mkdtempSync(join(tmpdir(), "brio-sqlite-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, "test.db");
}

/** Runs `body` with a database of the test's own. */
export type With<D extends Database> = (body: (db: D) => Promise<void>, options?: Options) => Promise<void>;

export const withPostgres: With<PostgresDatabase> = async (body, options) => {
  const connection = await postgresPlace();
  await run(async () => {
    await using db = postgres({ connection, ...options });
    await body(db);
  });
};

export const withMysql: With<MysqlDatabase> = async (body, options) => {
  const connection = await mysqlPlace();
  await run(async () => {
    await using db = mysql({ connection, ...options });
    await body(db);
  });
};

export const withSqlite: With<SqliteDatabase> = async (body, options) => {
  const file = sqlitePlace();
  await run(async () => {
    await using db = sqlite({ file, ...options });
    await body(db);
  });
};

/** One of the databases, for tests that hold for all. */
export interface Kind {
  readonly name: "postgres" | "mysql" | "sqlite";
  readonly use: With<Database>;
  /** A statement that doesn't end for a minute at least. */
  readonly endless: Sql;
  /** Statements of this database's connections that the server runs, beside the one that asks. */
  running(db: Database): Promise<number>;
}

const RECURSIVE = sql`with recursive r (n) as (select 1 union all select n + 1 from r) select count(*) as n from r`;

const KINDS: readonly (Kind & { describe: Describe })[] = [
  {
    name: "postgres",
    describe: describeWithPostgres,
    use: withPostgres,
    endless: sql`select pg_sleep(60)`,
    running: async (db) =>
      (
        await db.one(sql<{ n: number }>`
          select count(*)::int as n from pg_stat_activity
          where state = 'active' and pid <> pg_backend_pid() and application_name = current_setting('application_name')`)
      ).n,
  },
  {
    name: "mysql",
    describe: describeWithMysql,
    use: withMysql,
    endless: sql`select sleep(60)`,
    running: async (db) =>
      (
        await db.one(sql<{ n: number }>`
          select count(*) as n from information_schema.processlist
          where command in ('Query', 'Execute') and id <> connection_id() and db = database()`)
      ).n,
  },
  {
    name: "sqlite",
    describe,
    use: withSqlite,
    endless: RECURSIVE,
    // What runs is in a process that has a connection: a statement that runs has it, and no other can.
    running: async (db) => {
      const { inUse, readers } = (db as SqliteDatabase).statistics();
      return inUse + readers.inUse;
    },
  },
];

/** Tests for each of the databases that answers. */
export function describeEach(name: string, body: (kind: Kind) => void): void {
  for (const kind of KINDS) kind.describe(`${name}, ${kind.name}`, () => body(kind));
}
