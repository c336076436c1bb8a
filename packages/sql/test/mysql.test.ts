import { ConnectError, ConnectionLostError, sql } from "@brio/sql";
import { mysql } from "@brio/sql/mysql";
import { createTask, run, TimeoutError, timeout } from "brio";
import mysql2 from "mysql2";
import mysql2Promise from "mysql2/promise";
import { expect, test } from "vitest";
import { leavesNothing } from "../../brio/test/left-behind.ts";
import { constraintKinds } from "./constraint-kinds.ts";
import { describeWithMysql, mysqlPlace, withMysql } from "./databases.ts";
import { tenMillionRows } from "./ten-million-rows.ts";

leavesNothing();

describeWithMysql("mysql", () => {
  test("integers that no number can say are bigints, in rows, lists and streams", () =>
    withMysql(async (db) => {
      const big = 9_007_199_254_740_993n;
      const statement = sql`select 9007199254740993 as a, 9007199254740993 as a, ${1} as b`;
      expect(await db.one(statement)).toEqual({ a: big, b: 1 });
      expect(await db.table(statement)).toEqual({ columns: ["a", "a", "b"], rows: [[big, big, 1]] });
      for await (const row of db.stream(statement)) expect(row).toEqual({ a: big, b: 1 });
    }));

  test.each(["with callbacks", "with promises"])(
    "a pool of the user's own, %s, is used, and left open",
    async (kind) => {
      const options = { ...(await mysqlPlace()), connectionLimit: 2 };
      const own =
        kind === "with callbacks" ? mysql2.createPool(options).promise() : mysql2Promise.createPool(options);
      await run(async () => {
        await using db = mysql({ pool: kind === "with callbacks" ? own.pool : own });
        expect(db.statistics().max).toBe(2);
        await Promise.all([1, 2, 3, 4].map((i) => createTask(() => db.query(sql`select ${i}`))));
        await expect(timeout(20, () => db.query(sql`select sleep(60)`))).rejects.toThrow(TimeoutError);
        expect(await db.one(sql`select 1 as one`)).toEqual({ one: 1 });
      });
      expect((await own.query("select 2 as two"))[0]).toEqual([{ two: 2 }]);
      await own.end();
    },
  );

  test("a connection that the server cuts is an error of its type, and is replaced", () =>
    withMysql(async (db) => {
      const cut = db.session(async (session) => {
        const { id } = await session.one(sql<{ id: number }>`select connection_id() as id`);
        const waiting = createTask(() => session.query(sql`select sleep(60)`));
        await db.execute(sql.unsafe(`kill connection ${id}`));
        await waiting;
      });
      await expect(cut).rejects.toThrow(ConnectionLostError);
      expect(await db.one(sql`select 1 as one`)).toEqual({ one: 1 });
      expect(db.statistics()).toMatchObject({ inUse: 0, discarded: 1 });
    }));

  test(
    "ten million rows are streamed in a memory that does not grow with them",
    () =>
      withMysql(async (db) => {
        await db.execute(sql`create table d (d int)`);
        await db.bulkInsert(
          "d",
          ["d"],
          [...Array(10).keys()].map((d) => [d]),
        );
        await tenMillionRows(
          db.stream(sql<{ i: number }>`
          select a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d + 100000 * g.d + 1000000 * h.d + 1 as i
          from d a, d b, d c, d e, d f, d g, d h`),
        );
      }),
    180_000,
  );

  test("constraints have their kinds, and a wrong database is told apart", async () => {
    await withMysql(async (db) => {
      await db.execute(
        sql`create table t (a int not null unique, b int references t (a), check (a > 0)) engine = innodb`,
      );
      expect(await constraintKinds(db)).toEqual(["not null", "check", "foreign key", undefined, "unique"]);
    });
    const place = await mysqlPlace();
    await run(async () => {
      await using wrong = mysql({ connection: { ...place, database: "no_such" } });
      const error = await wrong.query(sql`select 1`).catch((error) => error);
      expect(error).toBeInstanceOf(ConnectError);
      expect(error).toMatchObject({ reason: "refused", code: "ER_BAD_DB_ERROR" });
    });
  });
});
