import { ConflictError, ConstraintError, type Database, SqlError, sql } from "@brio/sql";
import { createTask, Event, gather } from "brio";
import { expect, test } from "vitest";
import { leavesNothing } from "../../brio/test/left-behind.ts";
import {
  describeEach,
  describeWithMysql,
  describeWithPostgres,
  withMysql,
  withPostgres,
} from "./databases.ts";

leavesNothing();

const numbers = async (db: Database): Promise<unknown[]> =>
  (await db.query(sql`select a from t order by a`)).map(({ a }) => a);

describeEach("transactions", ({ use }) => {
  test("commit what returns, roll back what throws", async () => {
    await use(async (db) => {
      await db.execute(sql`create table t (a int)`);
      expect(
        await db.transaction(async (tx) => {
          await tx.execute(sql`insert into t values (1)`);
          return "done";
        }),
      ).toBe("done");
      const failing = db.transaction(async (tx) => {
        await tx.execute(sql`insert into t values (2)`);
        throw new Error("no");
      });
      await expect(failing).rejects.toThrow("no");
      expect(await numbers(db)).toEqual([1]);
      expect(db.statistics()).toMatchObject({ inUse: 0, discarded: 0 });
    });
  });

  test("one within another goes back to a savepoint, and the outer one goes on", async () => {
    await use(async (db) => {
      await db.execute(sql`create table t (a int primary key)`);
      await db.transaction(async (tx) => {
        await tx.execute(sql`insert into t values (1)`);
        await expect(
          tx.transaction(async (inner) => {
            await inner.execute(sql`insert into t values (2)`);
            await inner.execute(sql`insert into t values (1)`);
          }),
        ).rejects.toThrow(ConstraintError);
        await tx.transaction(async (inner) => {
          await inner.execute(sql`insert into t values (3)`);
          await inner.transaction((innermost) => innermost.execute(sql`insert into t values (4)`));
        });
      });
      expect(await numbers(db)).toEqual([1, 3, 4]);
    });
  });

  test("can't be used after their end, nor while one within runs; their statements run one after the other", async () => {
    await use(async (db) => {
      await db.execute(sql`create table t (a int)`);
      const ended = await db.transaction(async (tx) => {
        await tx.transaction(async () => {
          await expect(tx.query(sql`select 1`)).rejects.toThrow(/a transaction runs within it/);
        });
        await gather(...[1, 2, 3].map((a) => () => tx.execute(sql`insert into t values (${a})`)));
        await expect(tx.transaction(async () => {}, { isolation: "serializable" })).rejects.toThrow(
          TypeError,
        );
        return tx;
      });
      await expect(ended.query(sql`select 1`)).rejects.toThrow(SqlError);
      expect(await numbers(db)).toEqual([1, 2, 3]);
    });
  });

  test("executeMany and bulkInsert within one are parts of it", async () => {
    await use(async (db) => {
      await db.execute(sql`create table t (a int)`);
      const failing = db.transaction(async (tx) => {
        await tx.executeMany([1, 2], (a) => sql`insert into t values (${a})`);
        await tx.bulkInsert("t", ["a"], [[3], [4]]);
        expect(await tx.one(sql`select count(*) as n from t`)).toEqual({ n: 4 });
        throw new Error("no");
      });
      await expect(failing).rejects.toThrow("no");
      expect(await numbers(db)).toEqual([]);
    });
  });

  test("a session keeps its connection", async () => {
    await use(async (db) => {
      await db.session(async (session) => {
        await session.execute(sql`create temporary table own (a int)`);
        await session.transaction((tx) => tx.execute(sql`insert into own values (1)`));
        expect(await session.one(sql`select a from own`)).toEqual({ a: 1 });
        await session.execute(sql`drop table own`);
        expect(session.raw).toBeDefined();
      });
    });
  });

  test("options that don't exist are refused by name", async () => {
    await use(async (db) => {
      const never = async (): Promise<void> => expect.unreachable();
      await expect(db.transaction(never, { isolation: "chaos" as never })).rejects.toThrow(
        /isolation must be one of/,
      );
      await expect(db.transaction(never, { retries: -1 })).rejects.toThrow(/retries must be an integer/);
    });
  });
});

/** Two transactions that take two rows in opposite order: each waits for the other. */
async function deadlock(db: Database): Promise<number> {
  await db.execute(sql`create table t (a int primary key, b int)`);
  await db.bulkInsert(
    "t",
    ["a", "b"],
    [
      [1, 0],
      [2, 0],
    ],
  );
  let runs = 0;
  const both = [new Event(), new Event()] as const;
  const work = (first: 0 | 1) => () =>
    db.transaction(async (tx) => {
      runs++;
      await tx.execute(sql`update t set b = b + 1 where a = ${first + 1}`);
      both[first].set();
      await both[first === 0 ? 1 : 0].wait();
      await tx.execute(sql`update t set b = b + 1 where a = ${2 - first}`);
    });
  await gather(work(0), work(1));
  expect(await db.query(sql`select b from t`)).toEqual([{ b: 2 }, { b: 2 }]);
  return runs;
}

describeWithPostgres("conflicts, postgres", () => {
  test("a deadlock ends one transaction, which is run again", () =>
    withPostgres(async (db) => expect(await deadlock(db)).toBe(3)));

  test("a serialization failure is run again, or thrown if it may not be", () =>
    withPostgres(async (db) => {
      await db.execute(sql`create table t (a int)`);
      let runs = 0;
      const insert = (retries: number) =>
        db.transaction(
          async (tx) => {
            runs++;
            const { n } = await tx.one(sql<{ n: number }>`select count(*)::int as n from t`);
            // Another one that reads and writes the same, and commits first.
            if (runs % 2 === 1) {
              const task = createTask(() =>
                db.transaction(
                  async (other) => {
                    await other.query(sql`select count(*) from t`);
                    await other.execute(sql`insert into t values (${n})`);
                  },
                  { isolation: "serializable" },
                ),
              );
              await task;
            }
            await tx.execute(sql`insert into t values (${n})`);
          },
          { isolation: "serializable", retries },
        );
      await insert(3);
      expect(runs).toBe(2);
      await expect(insert(0)).rejects.toMatchObject({ kind: "serialization", code: "40001" });
      await expect(insert(3).then(() => insert(0))).rejects.toThrow(ConflictError);
    }));

  test("a transaction that only reads can't write", () =>
    withPostgres(async (db) => {
      const writing = db.transaction((tx) => tx.execute(sql`create table t (a int)`), { readOnly: true });
      await expect(writing).rejects.toMatchObject({ code: "25006" });
    }));

  test("a prepared statement whose table has changed is asked anew", () =>
    withPostgres(
      async (db) => {
        await db.execute(sql`create table t (a int)`);
        await db.execute(sql`insert into t values (1)`);
        const all = () => db.query(sql`select * from t`);
        expect(await all()).toEqual([{ a: 1 }]);
        await db.execute(sql`alter table t add column b int default 2`);
        expect(await all()).toEqual([{ a: 1, b: 2 }]);
      },
      { max: 1 },
    ));
});

describeWithMysql("conflicts, mysql", () => {
  test("a deadlock ends one transaction, which is run again", () =>
    withMysql(async (db) => expect(await deadlock(db)).toBe(3)));

  test("a transaction that only reads can't write", () =>
    withMysql(async (db) => {
      await db.execute(sql`create table t (a int)`);
      const writing = db.transaction((tx) => tx.execute(sql`insert into t values (1)`), { readOnly: true });
      await expect(writing).rejects.toMatchObject({ code: "ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION" });
    }));
});
