// Hostile text at every place where a program can put some, on real servers: it comes back as it was, and what it asks for
// does not happen.
import { type Database, type Sql, SqlError, sql } from "@brio/sql";
import { expect, test } from "vitest";
import { leavesNothing } from "../../brio/test/left-behind.ts";
import { describeEach, describeWithPostgres, sqlitePlace, withPostgres, withSqlite } from "./databases.ts";

leavesNothing();

const EVIL = [
  `'; drop table canary; --`,
  `'); drop table canary; --`,
  `" ; drop table canary; --`,
  "`; drop table canary; --",
  `\\'; drop table canary; #`,
  "\\",
  "' or '1'='1",
  "1; drop table canary",
  "*/ drop table canary; /*",
  "$1 ? :a @b",
  "' || (select 1) || '",
  "\u02bc; drop table canary; --", // an apostrophe in some character sets
  "\u00bf\u0027 or 1=1 --",
  "\r\n; drop table canary\r\n",
  "%27%20or%201=1",
];

/** The table that must not be dropped, with its only row, and one for texts. */
async function prepared(db: Database): Promise<void> {
  await db.execute(sql`create table canary (a int)`);
  await db.execute(sql`insert into canary values (1)`);
  await db.execute(sql`create table texts (id int, s varchar(200))`);
}

async function intact(db: Database): Promise<void> {
  expect(await db.query(sql`select a from canary`)).toEqual([{ a: 1 }]);
}

const stored = async (db: Database): Promise<unknown[]> =>
  (await db.query(sql`select s from texts order by id`)).map(({ s }) => s);

const rows = EVIL.map((s, id) => ({ id, s }));

describeEach("hostile text", ({ name, use }) => {
  const ways: Readonly<Record<string, (db: Database) => Promise<unknown>>> = {
    "a value": async (db) => {
      for (const { id, s } of rows) await db.execute(sql`insert into texts (id, s) values (${id}, ${s})`);
    },
    "a value in a template in a template": async (db) => {
      for (const { id, s } of rows) {
        const inner = sql`(${sql`${id}`}, ${s})`;
        await db.execute(sql`insert into texts (id, s) values ${inner}`);
      }
    },
    "sql.insert": (db) => db.execute(sql`insert into texts ${sql.insert(rows)}`),
    "sql.set": async (db) => {
      for (const { id, s } of rows) {
        await db.execute(sql`insert into texts (id, s) values (${id}, '')`);
        await db.execute(sql`update texts set ${sql.set({ s })} where id = ${id}`);
      }
    },
    "sql.join": (db) =>
      db.execute(
        sql`insert into texts (id, s) values ${sql.join(rows.map(({ id, s }) => sql`(${id}, ${s})`))}`,
      ),
    executeMany: (db) =>
      db.executeMany(rows, ({ id, s }) => sql`insert into texts (id, s) values (${id}, ${s})`),
    bulkInsert: (db) =>
      db.bulkInsert(
        "texts",
        ["id", "s"],
        rows.map(({ id, s }) => [id, s]),
      ),
    "a transaction": (db) =>
      db.transaction(async (tx) => {
        for (const { id, s } of rows) await tx.execute(sql`insert into texts values (${id}, ${s})`);
      }),
  };

  test.each(Object.keys(ways))("as %s is stored as it is", (way) =>
    use(async (db) => {
      await prepared(db);
      await ways[way]?.(db);
      expect(await stored(db)).toEqual(EVIL);
      await intact(db);
    }),
  );

  test("to look for finds itself and nothing else: as a value, in a list, in a stream", () =>
    use(async (db) => {
      await prepared(db);
      await db.execute(sql`insert into texts ${sql.insert(rows)}`);
      for (const { id, s } of rows) {
        const conditions: Sql<unknown>[] = [
          sql`s = ${s}`,
          sql`s in ${sql.list([s])}`,
          sql`${sql.id("s")} = ${s}`,
        ];
        for (const condition of conditions) {
          expect(await db.query(sql`select id from texts where ${condition}`)).toEqual([{ id }]);
        }
        const streamed: unknown[] = [];
        for await (const row of db.stream(sql`select id from texts where s = ${s}`)) streamed.push(row);
        expect(streamed).toEqual([{ id }]);
        expect((await db.table(sql`select id from texts where s = ${s}`)).rows).toEqual([[id]]);
      }
      await intact(db);
    }));

  test("as a name is a name: of a table, of columns, in sql.insert, sql.set and bulkInsert", () =>
    use(async (db) => {
      await prepared(db);
      // MySQL takes no name that ends with a space, and none longer than 64 characters.
      for (const evil of EVIL.map((text) => `${text}.`)) {
        const table = sql.id(`t${evil}`);
        const column = sql.id(evil);
        await db.execute(sql`create table ${table} (${column} varchar(200), b int)`);
        await db.execute(sql`insert into ${table} ${sql.insert({ [evil]: "x", b: 1 })}`);
        await db.execute(sql`update ${table} set ${sql.set({ [evil]: "y" })} where ${column} = ${"x"}`);
        await db.bulkInsert(`t${evil}`, [evil, "b"], [["z", 2]]);
        const all = await db.table(sql`select ${column} from ${table} order by b`);
        expect(all).toEqual({ columns: [evil], rows: [["y"], ["z"]] });
        await db.execute(sql`drop table ${table}`);
      }
      await intact(db);
    }));

  test("in JSON comes back as it is, keys and values", () =>
    use(async (db) => {
      await prepared(db);
      const type = { postgres: sql`jsonb`, mysql: sql`json`, sqlite: sql`text` }[name];
      await db.execute(sql`create table j (j ${type})`);
      const value = Object.fromEntries(EVIL.map((text) => [text, [text]]));
      await db.execute(sql`insert into j values (${sql.json(value)})`);
      const { j } = await db.one(sql`select j from j`);
      expect(typeof j === "string" ? JSON.parse(j) : j).toEqual(value);
      await intact(db);
    }));

  test("in place of a number, a list, an object or an option is refused, or a text", () =>
    use(async (db) => {
      await prepared(db);
      for (const evil of EVIL) {
        // What a parser of query strings or JSON may make of a parameter.
        for (const parsed of [{ [evil]: evil }, { toString: evil }, { text: evil }, Object(evil)]) {
          await expect(
            async () => await db.query(sql`select * from texts where s = ${parsed}`),
          ).rejects.toThrow(TypeError);
        }
        const never = async (): Promise<void> => expect.unreachable();
        await expect(db.transaction(never, { isolation: evil as never })).rejects.toThrow(TypeError);
        await expect(db.transaction(never, { retries: evil as never })).rejects.toThrow(RangeError);
        expect(() => db.stream(sql`select 1`, { batch: evil as never })).toThrow(RangeError);
        // Where the server wants a number, it gets a text, and says what it thinks of it.
        await db.query(sql`select s from texts limit ${evil}`).catch((error) => {
          expect(error).toBeInstanceOf(SqlError);
        });
      }
      await intact(db);
    }));
});

describeWithPostgres("hostile text, postgres only", () => {
  test("as a channel and as what is told over it, and in lists, comes back as it is", () =>
    withPostgres(async (db) => {
      await prepared(db);
      await using subscription = await db.listen(...EVIL);
      for (const evil of EVIL) {
        await db.notify(evil, evil);
        expect(await subscription.next()).toMatchObject({ channel: evil, payload: evil });
      }
      expect(await db.one(sql`select ${EVIL}::text[] as list`)).toEqual({ list: EVIL });
      await db.execute(sql`create table lists (l text[])`);
      await db.bulkInsert("lists", ["l"], [[EVIL]]);
      expect(await db.one(sql`select l from lists`)).toEqual({ l: EVIL });
      await intact(db);
    }));
});

test("hostile text as the name of a backup of SQLite is the name of a file", () =>
  withSqlite(async (db) => {
    await prepared(db);
    const file = `${sqlitePlace()}'; drop table canary; --`;
    await db.backup(file);
    await intact(db);
    await expect(db.backup(file)).rejects.toThrow(SqlError); // it is there
  }));
