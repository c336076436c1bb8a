// Migrations are Kysely's and Drizzle's own, over a database of this package.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Database, drizzleCallback, sql } from "@brio/sql";
import { gather } from "brio";
import { drizzle as mysqlDrizzle } from "drizzle-orm/mysql-proxy";
import { migrate as migrateMysql } from "drizzle-orm/mysql-proxy/migrator";
import { drizzle as sqliteDrizzle } from "drizzle-orm/sqlite-proxy";
import { migrate as migrateSqlite } from "drizzle-orm/sqlite-proxy/migrator";
import { type Migration, Migrator } from "kysely/migration";
import { expect, onTestFinished, test } from "vitest";
import { leavesNothing } from "../../brio/test/left-behind.ts";
import { describeEach, describeWithMysql, type Kind, withMysql, withSqlite } from "./databases.ts";
import { kyselyOn } from "./kysely-on.ts";

leavesNothing();

const MIGRATIONS: Record<string, Migration> = {
  "1-users": {
    up: async (db) => {
      await db.schema
        .createTable("users")
        .addColumn("id", "integer", (column) => column.primaryKey())
        .execute();
    },
    down: async (db) => await db.schema.dropTable("users").execute(),
  },
  "2-names": {
    up: async (db) => await db.schema.alterTable("users").addColumn("name", "varchar(50)").execute(),
    down: async (db) => await db.schema.alterTable("users").dropColumn("name").execute(),
  },
};

function migratorOf(db: Database, name: Kind["name"], migrations: Record<string, Migration>): Migrator {
  return new Migrator({
    db: kyselyOn<unknown>(db, name),
    provider: { getMigrations: async () => migrations },
  });
}

describeEach("Kysely's Migrator", ({ name, use }) => {
  test("migrates up, each step once, also when two programs do it at the same time; and down", () =>
    use(async (db) => {
      const { "1-users": first } = MIGRATIONS;
      const early = migratorOf(db, name, { "1-users": first as Migration });
      const { error, results } = await early.migrateToLatest();
      expect([error, results?.map(({ status }) => status)]).toEqual([undefined, ["Success"]]);
      await db.execute(sql`insert into users (id) values (1)`);
      // SQLite has one connection that writes, and Kysely's lock there is that.
      const programs = name === "sqlite" ? 1 : 2;
      const both = await gather(
        Array.from({ length: programs }, () => () => migratorOf(db, name, MIGRATIONS).migrateToLatest()),
      );
      expect(both.map((one) => one.error)).toEqual(Array(programs).fill(undefined));
      expect(both.flatMap((one) => one.results?.map(({ migrationName }) => migrationName))).toEqual([
        "2-names",
      ]);
      expect(await db.query(sql`select id, name from users`)).toEqual([{ id: 1, name: null }]);
      expect((await migratorOf(db, name, MIGRATIONS).migrateDown()).error).toBeUndefined();
      expect(await db.query(sql`select * from users`)).toEqual([{ id: 1 }]);
      expect(db.statistics().inUse).toBe(0);
    }));

  test("tells of a step that fails, and undoes it where it can", () =>
    use(async (db) => {
      const broken: Migration = {
        up: async (kysely) => {
          await kysely.schema.createTable("half").addColumn("id", "integer").execute();
          throw new Error("no");
        },
      };
      const { error } = await migratorOf(db, name, { "1-broken": broken }).migrateToLatest();
      expect(String(error)).toContain("no");
      const half = db.query(sql`select * from half`);
      // MySQL commits by itself what changes a table, and on SQLite Kysely uses no transaction.
      if (name === "postgres") await expect(half).rejects.toMatchObject({ code: "42P01" });
      else expect(await half).toEqual([]);
      expect(db.statistics().inUse).toBe(0);
    }));
});

/** A folder as drizzle-kit makes it. */
function drizzleFolder(...statements: string[]): string {
  const folder = mkdtempSync(join(tmpdir(), "brio-drizzle-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, "meta"));
  const entries = statements.map((statement, index) => {
    const tag = `000${index}_step`;
    writeFileSync(join(folder, `${tag}.sql`), statement);
    return { idx: index, when: 1_700_000_000_000 + index, tag, breakpoints: true };
  });
  writeFileSync(join(folder, "meta/_journal.json"), JSON.stringify({ version: "7", entries }));
  return folder;
}

const FIRST =
  "create table users (id integer primary key);\n--> statement-breakpoint\ninsert into users (id) values (7);";
const SECOND = "alter table users add column name varchar(50);";

/** What Drizzle's `migrate` of proxy drivers asks for: runs statements, all or none. */
const runAll = (db: Database) => async (texts: string[]) =>
  await db.transaction(async (tx) => {
    for (const text of texts) await tx.execute(sql.unsafe(text));
  });

test("Drizzle's migrate runs each step once, sqlite", () =>
  withSqlite(async (db) => {
    const orm = sqliteDrizzle(drizzleCallback(db));
    await migrateSqlite(orm, runAll(db), { migrationsFolder: drizzleFolder(FIRST) });
    const migrationsFolder = drizzleFolder(FIRST, SECOND);
    for (let i = 0; i < 2; i++) await migrateSqlite(orm, runAll(db), { migrationsFolder });
    expect(await db.query(sql`select id, name from users`)).toEqual([{ id: 7, name: null }]);
  }));

describeWithMysql("Drizzle's migrate, mysql", () => {
  test("runs each step once", () =>
    withMysql(async (db) => {
      const orm = mysqlDrizzle(drizzleCallback(db));
      await migrateMysql(orm, runAll(db), { migrationsFolder: drizzleFolder(FIRST) });
      const migrationsFolder = drizzleFolder(FIRST, SECOND);
      for (let i = 0; i < 2; i++) await migrateMysql(orm, runAll(db), { migrationsFolder });
      expect(await db.query(sql`select id, name from users`)).toEqual([{ id: 7, name: null }]);
    }));
});
