import { ConstraintError, RowCountError, SqlError, sql } from "@brio/sql";
import { expect, test } from "vitest";
import { leavesNothing } from "../../brio/test/left-behind.ts";
import { describeEach } from "./databases.ts";

leavesNothing();

describeEach("queries", ({ name, use }) => {
  const key = {
    postgres: sql`int primary key`,
    mysql: sql`int primary key`,
    sqlite: sql`integer primary key`,
  }[name];

  test("query, one and maybeOne give rows; one and maybeOne insist on their number", async () => {
    await use(async (db) => {
      await db.execute(sql`create table t (a ${key}, b varchar(20))`);
      expect(
        await db.execute(
          sql`insert into t ${sql.insert([
            { a: 1, b: "x" },
            { a: 2, b: "y" },
          ])}`,
        ),
      ).toMatchObject({
        affected: 2,
      });
      expect(await db.query(sql`select * from t order by a`)).toEqual([
        { a: 1, b: "x" },
        { a: 2, b: "y" },
      ]);
      expect(await db.one(sql`select b from t where a = ${2}`)).toEqual({ b: "y" });
      expect(await db.maybeOne(sql`select b from t where a = ${3}`)).toBeNull();
      await expect(db.one(sql`select b from t where a = ${3}`)).rejects.toThrow(RowCountError);
      await expect(db.one(sql`select b from t`)).rejects.toMatchObject({ rows: 2 });
      await expect(db.maybeOne(sql`select b from t`)).rejects.toThrow(RowCountError);
      expect(await db.table(sql`select a, a from t order by a limit ${1}`)).toMatchObject({ rows: [[1, 1]] });
      expect(await db.execute(sql`update t set b = ${"z"}`)).toMatchObject({ affected: 2 });
    });
  });

  test("values come back as they went in", async () => {
    const json = { a: [1, null, "ä"], b: { c: true } };
    const at = new Date("2026-02-03T04:05:06.000Z");
    const bytes = Buffer.from([0, 1, 2, 255]);
    const big = 9_007_199_254_740_993n;
    const types = {
      postgres: sql`i bigint, x float8, s text, d timestamptz, j jsonb, b bytea, n text`,
      mysql: sql`i bigint, x double, s text, d datetime, j json, b blob, n text`,
      sqlite: sql`i integer, x real, s text, d text, j text, b blob, n text`,
    }[name];
    await use(async (db) => {
      await db.execute(sql`create table t (${types})`);
      const row = {
        i: big,
        x: 1.5,
        s: 'it\'s \\ "quoted" 💥 \0'.replace("\0", ""),
        d: at,
        j: sql.json(json),
        b: bytes,
        n: null,
      };
      await db.execute(sql`insert into t ${sql.insert(row)}`);
      const back = await db.one(sql`select * from t`);
      expect(back).toMatchObject({ i: big, x: 1.5, s: row.s, n: null });
      expect(Buffer.from(back.b as Uint8Array)).toEqual(bytes);
      expect(name === "sqlite" ? new Date(back.d as string) : back.d).toEqual(at);
      expect(name === "sqlite" ? JSON.parse(back.j as string) : back.j).toEqual(json);
      // An integer that is exact as a number is one.
      await db.execute(sql`update t set i = ${2 ** 53 - 1}`);
      expect(await db.one(sql`select i from t`)).toEqual({ i: 2 ** 53 - 1 });
      expect(await db.one(sql`select count(*) as n from t where i = ${2n ** 53n - 1n}`)).toEqual({ n: 1 });
    });
  });

  test("executeMany and bulkInsert do all or nothing", async () => {
    await use(async (db) => {
      await db.execute(sql`create table t (a ${key}, b varchar(200))`);
      const insert = (a: number) => sql`insert into t values (${a}, ${`row ${a}`})`;
      expect(await db.executeMany([1, 2, 3], insert)).toBe(3);
      await expect(db.executeMany([4, 5, 1], insert)).rejects.toMatchObject({ kind: "unique" });
      await expect(db.executeMany([4, 5, 1], insert)).rejects.toThrow(ConstraintError);
      expect(await db.one(sql`select count(*) as n from t`)).toEqual({ n: 3 });

      async function* rows() {
        for (let a = 10; a < 2510; a++) yield [a, `tab\t newline\n back\\slash ${a}`] as const;
      }
      expect(await db.bulkInsert("t", ["a", "b"], rows())).toBe(2500);
      expect(await db.one(sql`select b from t where a = ${1234}`)).toEqual({
        b: "tab\t newline\n back\\slash 1234",
      });
      const clash = [...Array(1500).keys()].map((i) => [i + 3000, null] as const);
      await expect(db.bulkInsert("t", ["a", "b"], [...clash, [10, null]])).rejects.toThrow(ConstraintError);
      await expect(db.bulkInsert("t", ["a", "b"], [[1] as never])).rejects.toThrow(/a list of 2 values/);
      expect(await db.one(sql`select count(*) as n from t`)).toEqual({ n: 2503 });
    });
  });

  test("the source of a bulk load that fails undoes it, and the connection is kept", async () => {
    await use(async (db) => {
      await db.execute(sql`create table t (a ${key})`);
      function* rows() {
        for (let a = 0; a < 1500; a++) yield [a];
        throw new Error("the file ends in the middle");
      }
      await expect(db.bulkInsert("t", ["a"], rows())).rejects.toThrow("the file ends in the middle");
      expect(await db.one(sql`select count(*) as n from t`)).toEqual({ n: 0 });
      expect(db.statistics().discarded).toBe(0);
    });
  });

  test("a stream gives all rows, and break closes it", async () => {
    await use(async (db) => {
      await db.execute(sql`create table t (a ${key})`);
      await db.bulkInsert(
        "t",
        ["a"],
        [...Array(5000).keys()].map((a) => [a]),
      );
      let sum = 0;
      for await (const { a } of db.stream(sql<{ a: number }>`select a from t where a >= ${0}`, {
        batch: 700,
      }))
        sum += a;
      expect(sum).toBe((5000 * 4999) / 2);
      let seen = 0;
      for await (const _ of db.stream(sql`select a from t`, { batch: 100 })) if (++seen === 150) break;
      expect(seen).toBe(150);
      expect(db.statistics().inUse).toBe(0);
      expect(await db.one(sql`select count(*) as n from t`)).toEqual({ n: 5000 });
      const none = db.stream(sql`select a from t where a < ${0}`);
      expect(await none.next()).toMatchObject({ done: true });
      expect(() => db.stream(sql`select a from t`, { batch: 0 })).toThrow(RangeError);
    });
  });

  test("a statement that is wrong is an error with the server's code, and the connection is kept", async () => {
    await use(async (db) => {
      await db.query(sql`select 1`);
      const error = await db.query(sql`select * from missing`).catch((error) => error);
      expect(error).toBeInstanceOf(SqlError);
      expect(error.code).toBe({ postgres: "42P01", mysql: "ER_NO_SUCH_TABLE", sqlite: "SQLITE_ERROR" }[name]);
      await expect(db.stream(sql`select * from missing`).next()).rejects.toThrow(SqlError);
      expect(await db.one(sql`select 1 as one`)).toEqual({ one: 1 });
      expect(db.statistics()).toMatchObject({ inUse: 0, discarded: 0 });
    });
  });

  test("a template is one statement: no second one can hide in it", async () => {
    await use(async (db) => {
      await db.execute(sql`create table t (a ${key})`);
      await db.query(sql`select 1; drop table t`).catch(() => {});
      expect(await db.one(sql`select count(*) as n from t`)).toEqual({ n: 0 });
    });
  });
});
