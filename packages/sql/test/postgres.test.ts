import { ConnectError, ConnectionLostError, SqlError, sql } from "@brio/sql";
import { postgres } from "@brio/sql/postgres";
import { createTask, run, TimeoutError, timeout } from "brio";
import pg from "pg";
import { expect, test } from "vitest";
import { leavesNothing } from "../../brio/test/left-behind.ts";
import { describeWithPostgres, postgresPlace, withPostgres } from "./databases.ts";
import { tenMillionRows } from "./ten-million-rows.ts";

leavesNothing();

describeWithPostgres("postgres", () => {
  test("types: integers, exact numbers, dates, lists, intervals", () =>
    withPostgres(async (db) => {
      expect(
        await db.one(sql`select 1::int8 as small, 9007199254740993::int8 as big, 1.10::numeric as exact,
          '2026-01-02'::date as day, '2026-01-02 03:04:05'::timestamp as plain, ${[1, null, 3]}::int[] as list,
          ${['a,"b"', "\\"]}::text[] as texts, array[1, 9007199254740993]::int8[] as bigs, '1 day'::interval as span,
          ${true}::bool as yes, 'NaN'::float8 as nan`),
      ).toEqual({
        small: 1,
        big: 9_007_199_254_740_993n,
        exact: "1.10",
        day: "2026-01-02",
        plain: new Date("2026-01-02T03:04:05Z"),
        list: [1, null, 3],
        texts: ['a,"b"', "\\"],
        bigs: [1, 9_007_199_254_740_993n],
        span: "1 day",
        yes: true,
        nan: Number.NaN,
      });
    }));

  test("COPY stores what a parameter would", () =>
    withPostgres(async (db) => {
      const columns = ["s", "n", "b", "j", "d", "l", "t"];
      const row = [
        "a\\N\tb\r\nc",
        12.5,
        Buffer.from([0, 92, 255]),
        sql.json({ "a\\": ['"\n'] }),
        new Date(0),
        [1, null],
        ['"', "\\", "a,b", "{}"],
      ] as const;
      await db.execute(
        sql`create table t (id serial, s text, n numeric, b bytea, j jsonb, d timestamptz, l int[], t text[])`,
      );
      await db.bulkInsert("t", columns, [row]);
      await db.execute(
        sql`insert into t (s, n, b, j, d, l, t) values (${row[0]}, ${row[1]}, ${row[2]}, ${row[3]}, ${row[4]}, ${[...row[5]]}, ${[...row[6]]})`,
      );
      const [copied, bound] = await db.query(sql`select s, n, b, j, d, l, t from t order by id`);
      expect(copied).toEqual(bound);
      expect(copied).toMatchObject({ s: row[0], j: { "a\\": ['"\n'] }, l: [1, null], t: [...row[6]] });
    }));

  test("what is told over a channel comes in order, and no more after the end", () =>
    withPostgres(async (db) => {
      const seen: string[] = [];
      const subscription = await db.listen("jobs", 'an "other"');
      for (let i = 0; i < 3000; i++) await db.notify(i % 2 === 0 ? "jobs" : 'an "other"', String(i));
      for await (const { channel, payload } of subscription) {
        seen.push(`${channel} ${payload}`);
        if (seen.length === 3000) break;
      }
      expect(seen.slice(0, 2)).toEqual(["jobs 0", 'an "other" 1']);
      expect(seen.at(-1)).toBe('an "other" 2999');
      await expect(subscription.next()).rejects.toThrow(/it was closed/);
      expect(
        await db.one(
          sql`select count(*) as n from pg_stat_activity where query like 'listen %' and application_name = current_setting('application_name')`,
        ),
      ).toEqual({ n: 0 });
    }));

  test("a listener whose connection is cut is told so; a wait for a notification can be cancelled", () =>
    withPostgres(async (db) => {
      await using subscription = await db.listen("jobs");
      await expect(timeout(5, () => subscription.next())).rejects.toThrow(TimeoutError);
      const waiting = createTask(() => subscription.next());
      await db.query(
        sql`select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen %' and application_name = current_setting('application_name')`,
      );
      await expect(waiting).rejects.toThrow(ConnectionLostError);
    }));

  test("a connection that the server cuts is an error of its type, and is replaced", () =>
    withPostgres(async (db) => {
      const cut = db.query(sql`select pg_terminate_backend(pg_backend_pid())`);
      await expect(cut).rejects.toThrow(ConnectionLostError);
      expect(await db.one(sql`select 1 as one`)).toEqual({ one: 1 });
      expect(db.statistics()).toMatchObject({ discarded: 1, size: 1 });
    }));

  test(
    "ten million rows are streamed in a memory that does not grow with them",
    () =>
      withPostgres((db) =>
        tenMillionRows(db.stream(sql<{ i: number }>`select generate_series(1, 10000000) as i`)),
      ),
    180_000,
  );

  test("a pool of the user's own is used, and left open", async () => {
    const own = new pg.Pool({ ...(await postgresPlace()), max: 2 });
    await run(async () => {
      await using db = postgres({ pool: own });
      expect(db.statistics().max).toBe(2);
      await Promise.all([1, 2, 3, 4].map((i) => createTask(() => db.query(sql`select ${i}::int`))));
      await expect(timeout(20, () => db.query(sql`select pg_sleep(60)`))).rejects.toThrow(TimeoutError);
      expect(await db.one(sql`select 1 as one`)).toEqual({ one: 1 });
    });
    expect((await own.query("select 2 as two")).rows).toEqual([{ two: 2 }]);
    expect([own.totalCount, own.idleCount]).toEqual([own.idleCount, own.totalCount]);
    await own.end();
  });

  test("a server that isn't there, a wrong database and a wrong channel are told apart", async () => {
    const place = await postgresPlace();
    await run(async () => {
      await using nowhere = postgres({ connection: { host: "127.0.0.1", port: 1 } });
      await expect(nowhere.query(sql`select 1`)).rejects.toMatchObject({
        name: "ConnectError",
        reason: "unreachable",
      });
      await using wrong = postgres({ connection: { ...place, database: "no such" } });
      const error = await wrong.query(sql`select 1`).catch((error) => error);
      expect(error).toBeInstanceOf(ConnectError);
      expect(error).toMatchObject({ reason: "refused", code: "3D000" });
      await using db = postgres({ connection: place });
      await expect(db.listen()).rejects.toThrow(TypeError);
      await expect(db.query(sql`select 1 / ${0}::int`)).rejects.toThrow(SqlError);
    });
  });
});
