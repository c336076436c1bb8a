import { drizzleCallback, sql } from "@brio/sql";
import { CancelledError, createTask, sleep } from "brio";
import { eq } from "drizzle-orm";
import * as mysqlCore from "drizzle-orm/mysql-core";
import { drizzle as mysqlDrizzle } from "drizzle-orm/mysql-proxy";
import * as pgCore from "drizzle-orm/pg-core";
import { drizzle as pgDrizzle } from "drizzle-orm/pg-proxy";
import * as sqliteCore from "drizzle-orm/sqlite-core";
import { drizzle as sqliteDrizzle } from "drizzle-orm/sqlite-proxy";
import { sql as kyselySql } from "kysely";
import { expect, test } from "vitest";
import { leavesNothing } from "../../brio/test/left-behind.ts";
import {
  describeEach,
  describeWithMysql,
  describeWithPostgres,
  withMysql,
  withPostgres,
  withSqlite,
} from "./databases.ts";
import { kyselyOn } from "./kysely-on.ts";

leavesNothing();

interface Tables {
  users: { id: number; name: string };
}

describeEach("kysely", (kind) => {
  test("asks, changes, streams and introspects", () =>
    kind.use(async (db) => {
      const kysely = kyselyOn<Tables>(db, kind.name);
      await kysely.schema
        .createTable("users")
        .addColumn("id", "integer", (column) => column.primaryKey())
        .addColumn("name", "varchar(50)")
        .execute();
      await kysely
        .insertInto("users")
        .values([...Array(500).keys()].map((id) => ({ id, name: `user ${id}` })))
        .execute();
      const ada = await kysely.selectFrom("users").selectAll().where("id", "=", 7).executeTakeFirstOrThrow();
      expect(ada).toEqual({ id: 7, name: "user 7" });
      const { numUpdatedRows } = await kysely
        .updateTable("users")
        .set({ name: "x" })
        .where("id", "<", 10)
        .executeTakeFirst();
      expect(numUpdatedRows).toBe(10n);
      let seen = 0;
      for await (const _ of kysely.selectFrom("users").selectAll().stream(100)) if (++seen === 250) break;
      expect(seen).toBe(250);
      expect((await kysely.introspection.getTables()).some((table) => table.name === "users")).toBe(true);
      expect(db.statistics()).toMatchObject({ inUse: 0 });
    }));

  test("a task that is cancelled in a transaction of its rolls it back, and frees the connection", () =>
    kind.use(async (db) => {
      const kysely = kyselyOn<Tables>(db, kind.name);
      await db.execute(sql`create table users (id int primary key, name varchar(50))`);
      const task = createTask(() =>
        kysely.transaction().execute(async (tx) => {
          await tx.insertInto("users").values({ id: 1, name: "x" }).execute();
          const { native } = kind.endless;
          expect(native).toBeNull();
          await kyselySql.raw(kind.endless.texts.join("")).execute(tx);
        }),
      );
      const busy = async (): Promise<boolean> => {
        if (kind.name === "sqlite") return db.statistics().inUse > 0;
        return (await kind.running(db)) > 0;
      };
      while (!(await busy())) await sleep(1);
      task.cancel();
      await expect(task).rejects.toThrow(CancelledError);
      expect(await db.one(sql`select count(*) as n from users`)).toEqual({ n: 0 });
      expect(db.statistics().inUse).toBe(0);
      await kysely.insertInto("users").values({ id: 1, name: "y" }).execute();
    }));
});

const at = new Date("2026-01-02T03:04:05.000Z");

describeWithPostgres("drizzle, postgres", () => {
  test("asks and changes, in a transaction too", () =>
    withPostgres(async (db) => {
      const users = pgCore.pgTable("users", {
        id: pgCore.serial().primaryKey(),
        name: pgCore.text().notNull(),
        at: pgCore.timestamp({ withTimezone: true }),
        data: pgCore.jsonb(),
        big: pgCore.bigint({ mode: "bigint" }),
      });
      await db.execute(
        sql`create table users (id serial primary key, name text, at timestamptz, data jsonb, big int8)`,
      );
      const orm = pgDrizzle(drizzleCallback(db));
      const row = { name: "Ada", at, data: { a: [1] }, big: 9_007_199_254_740_993n };
      expect(await orm.insert(users).values(row).returning()).toEqual([{ id: 1, ...row }]);
      const failing = db.transaction(async (tx) => {
        await pgDrizzle(drizzleCallback(tx)).update(users).set({ name: "x" });
        throw new Error("no");
      });
      await expect(failing).rejects.toThrow("no");
      expect(await orm.select({ name: users.name }).from(users).where(eq(users.id, 1))).toEqual([
        { name: "Ada" },
      ]);
    }));
});

describeWithMysql("drizzle, mysql", () => {
  test("asks and changes", () =>
    withMysql(async (db) => {
      const users = mysqlCore.mysqlTable("users", {
        id: mysqlCore.int().autoincrement().primaryKey(),
        name: mysqlCore.varchar({ length: 50 }).notNull(),
        at: mysqlCore.datetime(),
      });
      await db.execute(
        sql`create table users (id int auto_increment primary key, name varchar(50), at datetime)`,
      );
      const orm = mysqlDrizzle(drizzleCallback(db));
      expect(await orm.insert(users).values({ name: "Ada", at }).$returningId()).toEqual([{ id: 1 }]);
      expect(await orm.select().from(users).where(eq(users.name, "Ada"))).toEqual([
        { id: 1, name: "Ada", at },
      ]);
    }));
});

test("drizzle, sqlite: asks and changes", () =>
  withSqlite(async (db) => {
    const users = sqliteCore.sqliteTable("users", {
      id: sqliteCore.integer().primaryKey(),
      name: sqliteCore.text().notNull(),
      at: sqliteCore.integer({ mode: "timestamp" }),
    });
    await db.execute(sql`create table users (id integer primary key, name text, at int)`);
    const orm = sqliteDrizzle(drizzleCallback(db));
    expect(await orm.insert(users).values({ name: "Ada", at }).returning()).toEqual([
      { id: 1, name: "Ada", at },
    ]);
    await orm.update(users).set({ name: "Lovelace" }).run();
    expect(await orm.select().from(users).where(eq(users.id, 1)).get()).toEqual({
      id: 1,
      name: "Lovelace",
      at,
    });
    expect(await orm.select().from(users).all()).toHaveLength(1);
  }));
