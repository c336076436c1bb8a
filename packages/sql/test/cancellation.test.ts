import { type Database, sql } from "@brio/sql";
import type { SqliteDatabase } from "@brio/sql/sqlite";
import { CancelledError, createTask, sleep, type Task, TimeoutError, timeout } from "brio";
import { expect, test } from "vitest";
import { leavesNothing } from "../../brio/test/left-behind.ts";
import { describeEach, type Kind } from "./databases.ts";

leavesNothing();

/** Resolves when the server runs a statement of another connection. */
async function untilRunning({ running }: Kind, db: Database): Promise<void> {
  while ((await running(db)) === 0) await sleep(1);
}

const usedBy = (db: Database): number => {
  const { inUse, readers } = db.statistics() as ReturnType<SqliteDatabase["statistics"]>;
  return inUse + (readers?.inUse ?? 0);
};

describeEach("cancellation", (kind) => {
  const { use, endless, name } = kind;

  test("a cancelled statement has stopped on the server when the task ends, and the pool serves the next", async () => {
    await use(async (db) => {
      const task = createTask(() => db.query(endless));
      await untilRunning(kind, db);
      task.cancel("no longer needed");
      await expect(task).rejects.toThrow(CancelledError);
      expect(await kind.running(db)).toBe(0);
      expect(usedBy(db)).toBe(0);
      expect(await db.one(sql`select 1 as one`)).toEqual({ one: 1 });
    });
  });

  test("a time-out is a TimeoutError, in a pool of one too", async () => {
    await use(
      async (db) => {
        for (let i = 0; i < 3; i++) {
          await expect(timeout(30, () => db.query(endless))).rejects.toThrow(TimeoutError);
          expect(await db.one(sql`select ${i} + 0 as i`)).toEqual({ i });
        }
      },
      { max: 1 },
    );
  });

  test("a statement that has just been sent is stopped as well, though the request may overtake it", async () => {
    await use(
      async (db) => {
        for (let i = 0; i < 20; i++) {
          await db.one(sql`select 1 as one`);
          const task = createTask(() => db.query(endless));
          while (usedBy(db) === 0) await sleep(0);
          task.cancel();
          await expect(task).rejects.toThrow(CancelledError);
          expect(await kind.running(db)).toBe(0);
        }
      },
      { max: 1, cancelTimeout: "1h" },
    );
  });

  test("a task that waits for a connection is cancelled without having had one", async () => {
    await use(
      async (db) => {
        await db.session(async () => {
          const task = createTask(() => db.execute(sql`select 1`));
          while (db.statistics().waiting === 0) await sleep(0);
          task.cancel();
          await expect(task).rejects.toThrow(CancelledError);
          expect(db.statistics().waiting).toBe(0);
        });
        expect(usedBy(db)).toBe(0);
        await db.execute(sql`select 1`);
      },
      { max: 1 },
    );
  });

  test("a cancelled transaction is rolled back", async () => {
    await use(async (db) => {
      await db.execute(sql`create table t (a int)`);
      const task = createTask(() =>
        db.transaction(async (tx) => {
          await tx.execute(sql`insert into t values (1)`);
          await tx.query(endless);
        }),
      );
      await untilRunning(kind, db);
      task.cancel();
      await expect(task).rejects.toThrow(CancelledError);
      expect(await db.one(sql`select count(*) as n from t`)).toEqual({ n: 0 });
      await db.execute(sql`insert into t values (2)`);
    });
  });

  test("a cancelled stream frees its connection", async () => {
    await use(async (db) => {
      await db.execute(sql`create table t (a int)`);
      await db.bulkInsert(
        "t",
        ["a"],
        [...Array(3000).keys()].map((a) => [a]),
      );
      let seen = 0;
      const task = createTask(async () => {
        for await (const _ of db.stream(sql`select x.a from t x, t y`, { batch: 500 })) seen++;
      });
      while (seen < 2000) await sleep(1);
      task.cancel();
      await expect(task).rejects.toThrow(CancelledError);
      expect(usedBy(db)).toBe(0);
      expect(await kind.running(db)).toBe(0);
    });
  });

  test("1,000 cancellations at random moments: nothing leaks, and every answer is the right one", async () => {
    const tasks = 1000;
    await use(
      async (db) => {
        await db.execute(sql`create table t (a int primary key, b int)`);
        await db.bulkInsert(
          "t",
          ["a", "b"],
          [...Array(1000).keys()].map((a) => [a, a * 7]),
        );
        let right = 0;
        const wrong: unknown[] = [];
        const query = async (a: number): Promise<void> => {
          const rows = await db.query(sql<{ a: number; b: number }>`select a, b from t where a = ${a}`);
          if (rows.length === 1 && rows[0]?.a === a && rows[0].b === a * 7) right++;
          else wrong.push([a, rows]);
        };
        const update = async (a: number): Promise<void> => {
          await db.transaction(async (tx) => {
            const { b } = await tx.one(sql<{ b: number }>`select b from t where a = ${a}`);
            if (b !== a * 7) wrong.push([a, b]);
            await tx.execute(sql`update t set b = ${b} where a = ${a}`);
          });
        };
        const random = generator(20_260_101);
        const running = new Set<Task<void>>();
        let cancelled = 0;
        for (let i = 0; i < tasks; i++) {
          const work = random() < 0.8 ? query : update;
          const task = createTask(() => work(Math.floor(random() * 1000)));
          running.add(task);
          task.addDoneCallback(() => running.delete(task));
          // Some at once, some in the middle, some too late.
          for (let turns = Math.floor(random() * 4); turns > 0; turns--) await sleep(0);
          if (random() < 0.3) await sleep(random() * 3);
          const some = [...running];
          const victim = some[Math.floor(random() * some.length)];
          if (victim?.cancel() === true) cancelled++;
        }
        for (const task of [...running]) await task.then(undefined, () => {});
        expect(wrong).toEqual([]);
        expect(cancelled).toBeGreaterThan(tasks / 2);
        // At full strength: all connections can be used at the same time.
        expect(usedBy(db)).toBe(0);
        await Promise.all([...Array(20).keys()].map((a) => createTask(() => query(a))));
        expect(wrong).toEqual([]);
        expect(right).toBeGreaterThanOrEqual(20);
        expect(await kind.running(db)).toBe(0);
        expect(db.statistics().size).toBeLessThanOrEqual(name === "sqlite" ? 1 : 5);
        expect(await db.one(sql`select count(*) as n from t where b = a * 7`)).toEqual({ n: 1000 });
      },
      { max: 5 },
    );
  }, 60_000);
});

/** Random numbers that are the same each time. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
