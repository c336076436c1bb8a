import {
  CommitUnknownError,
  ConnectError,
  ConnectionLostError,
  type Database,
  SqlError,
  sql,
} from "@brio/sql";
import { mysql } from "@brio/sql/mysql";
import { postgres } from "@brio/sql/postgres";
import { createTask, Event, run, sleep, type Task, TimeoutError, taskGroup, timeout } from "brio";
import { expect, test } from "vitest";
import { leavesNothing } from "../../brio/test/left-behind.ts";
import { describeWith } from "../../brio/test/services.ts";
import { BreakableWay } from "./breakable-way.ts";
import {
  describeWithMysql,
  describeWithPostgres,
  MYSQL,
  mysqlPlace,
  type Options,
  POSTGRES,
  postgresPlace,
} from "./databases.ts";
import { installed, PrivateServer } from "./private-server.ts";

leavesNothing();

type Open = (connection: Record<string, unknown>, options?: Options) => Database;

const KINDS = [
  {
    name: "postgres",
    describe: describeWithPostgres,
    address: POSTGRES,
    place: postgresPlace,
    open: ((connection, options) => postgres({ connection, ...options })) as Open,
    sleeping: sql`select pg_sleep(60)`,
    whole: { user: "root", database: "postgres" },
    describePrivate: describeWith(
      "PostgreSQL on this machine",
      installed("initdb", "postgres"),
      "install postgresql",
    ),
  },
  {
    name: "mysql",
    describe: describeWithMysql,
    address: MYSQL,
    place: mysqlPlace,
    open: ((connection, options) => mysql({ connection, ...options })) as Open,
    sleeping: sql`select sleep(60)`,
    whole: { user: "root", database: "mysql" },
    describePrivate: describeWith(
      "MariaDB on this machine",
      installed("mariadb-install-db", "mariadbd"),
      "install mariadb-server",
    ),
  },
] as const;

for (const { name, describe, address, place, open, sleeping, whole, describePrivate } of KINDS) {
  describe(`a network that fails, ${name}`, () => {
    test("a connection that is cut while a statement runs is an error of its type, and the pool recovers", async () => {
      const connection = await place();
      const proxy = await BreakableWay.to(address);
      await run(async () => {
        await using db = open({ ...connection, port: proxy.port });
        const running = createTask(() => db.query(sleeping));
        const idle = createTask(() => db.query(sql`select 1`));
        await idle;
        while (db.statistics().inUse === 0 || db.statistics().idle === 0) await sleep(1);
        proxy.cut();
        await expect(running).rejects.toThrow(ConnectionLostError);
        // What was idle is broken as well, and its socket says so in a moment.
        await until(() => db.query(sql`select 1`));
        expect(await db.one(sql`select 1 as one`)).toEqual({ one: 1 });
        expect(db.statistics().inUse).toBe(0);
      });
    });

    test("a network that stalls holds up no task that has a time limit, and its connections are thrown away", async () => {
      const connection = await place();
      const proxy = await BreakableWay.to(address);
      await run(async () => {
        const limits = { cancelTimeout: 30, checkTimeout: 30, checkAfter: 0, max: 2 } as const;
        await using db = open({ ...connection, port: proxy.port }, limits);
        await db.query(sql`select 1`);
        const running = createTask(() => timeout(200, () => db.query(sleeping)));
        while (db.statistics().inUse === 0) await sleep(1);
        proxy.stall();
        await expect(running).rejects.toThrow(TimeoutError);
        expect(db.statistics()).toMatchObject({ inUse: 0, idle: 0, discarded: 1 });
        // No new connection can be made, either.
        await expect(timeout(50, () => db.query(sql`select 1`))).rejects.toThrow(TimeoutError);
        proxy.resume();
        expect(await db.one(sql`select 1 as one`)).toEqual({ one: 1 });
        // One that is idle when the network stalls is asked, does not answer, and is replaced when there is a network.
        proxy.stall();
        const next = createTask(() => db.one(sql`select 2 as two`));
        while (db.statistics().discarded < 2) await sleep(1);
        proxy.resume();
        expect(await next).toEqual({ two: 2 });
        expect(db.statistics()).toMatchObject({ inUse: 0 });
      });
    });

    test("a stall in the middle of a stream, and a cut before a commit", async () => {
      const connection = await place();
      const proxy = await BreakableWay.to(address);
      await run(async () => {
        await using db = open({ ...connection, port: proxy.port }, { cancelTimeout: 30 });
        await db.execute(sql`create table t (a int)`);
        await db.bulkInsert(
          "t",
          ["a"],
          [...Array(2000).keys()].map((a) => [a]),
        );
        const reading = timeout(200, async () => {
          let seen = 0;
          for await (const _ of db.stream(sql`select x.a from t x, t y`, { batch: 10 }))
            if (++seen === 20) proxy.stall();
        });
        await expect(reading).rejects.toThrow(TimeoutError);
        proxy.resume();
        const committing = db.transaction(async (tx) => {
          await tx.execute(sql`insert into t values (-1)`);
          proxy.cut();
          while (db.statistics().inUse === 0) await sleep(0);
        });
        const error = await committing.catch((error) => error);
        expect(error).toBeInstanceOf(ConnectionLostError);
        expect(await db.one(sql`select count(*) as n from t`)).toEqual({ n: 2000 });
      });
    });
  });

  describe(`a network that fails in the middle of a commit, ${name}`, () => {
    /** Commits a row while `fail` does something to the network; gives how that ended, and the row, if it is there. */
    async function committing(
      fail: (proxy: BreakableWay, task: Task<unknown>, there: () => Promise<boolean>) => Promise<void>,
    ): Promise<readonly [outcome: unknown, there: boolean]> {
      const connection = await place();
      const proxy = await BreakableWay.to(address);
      return await run(async () => {
        await using direct = open(connection);
        await using db = open({ ...connection, port: proxy.port }, { max: 1 });
        await direct.execute(sql`create table t (a int)${name === "mysql" ? sql` engine = innodb` : sql``}`);
        const there = async (): Promise<boolean> => (await direct.maybeOne(sql`select a from t`)) !== null;
        const asked = new Event();
        const task = createTask(() =>
          db.transaction(async (tx) => {
            await tx.execute(sql`insert into t values (1)`);
            proxy.silence();
            asked.set();
          }),
        );
        await asked.wait();
        await fail(proxy, task, there);
        const outcome = await task.then(
          () => "committed",
          (error: unknown) => error,
        );
        proxy.resume();
        expect(await db.one(sql`select 1 as one`)).toEqual({ one: 1 });
        expect(db.statistics()).toMatchObject({ inUse: 0, waiting: 0 });
        return [outcome, await there()];
      });
    }

    test("an answer that is lost is a CommitUnknownError, as the commit may have happened", async () => {
      const [outcome, there] = await committing(async (proxy, _task, there) => {
        while (!(await there())) await sleep(1);
        proxy.cut();
      });
      expect(outcome).toBeInstanceOf(CommitUnknownError);
      expect(there).toBe(true);
    });

    test("a commit that is under way is waited for, though its task is cancelled", async () => {
      const [, there] = await committing(async (proxy, task, there) => {
        while (!(await there())) await sleep(1);
        task.cancel();
        await sleep(20);
        expect(task.done()).toBe(false);
        proxy.resume();
      });
      expect(there).toBe(true);
    });
  });

  describePrivate(`a server that fails, ${name}`, () => {
    test("killed and started again under load: errors are typed, no commit is lost, none is half", async () => {
      const server = await PrivateServer.start(name);
      await run(async () => {
        await using db = open({ ...whole, host: "127.0.0.1", port: server.port }, { max: 4 });
        await until(() => db.query(sql`select 1`));
        await db.execute(sql`create schema brio_faults`);
        const table = sql`brio_faults.t`;
        await db.execute(
          sql`create table ${table} (worker int, n int)${name === "mysql" ? sql` engine = innodb` : sql``}`,
        );
        const acknowledged = new Map<number, number[]>();
        const failures: unknown[] = [];
        let total = 0;
        let goal = Number.POSITIVE_INFINITY;
        let halves = 0;
        let looked = 0;
        await taskGroup(async (group) => {
          // Somebody who looks all the time sees each transaction as a whole, or not at all.
          group.createTask(async () => {
            while (total < goal) {
              try {
                const seen = await db.query(
                  sql`select worker, n from ${table} group by worker, n having count(*) <> 2`,
                );
                halves += seen.length;
                looked++;
              } catch (error) {
                failures.push(error);
                await sleep(5);
              }
            }
          });
          for (let worker = 0; worker < 8; worker++) {
            acknowledged.set(worker, []);
            group.createTask(async () => {
              for (let n = 0; total < goal; n++) {
                try {
                  await db.transaction(async (tx) => {
                    await tx.execute(sql`insert into ${table} values (${worker}, ${n})`);
                    await tx.execute(sql`insert into ${table} values (${worker}, ${n})`);
                  });
                  acknowledged.get(worker)?.push(n);
                  total++;
                } catch (error) {
                  failures.push(error);
                  await sleep(5);
                }
              }
            });
          }
          while (total < 100) await sleep(1);
          await server.crash();
          while (!failures.some((error) => error instanceof ConnectError)) await sleep(1);
          await server.restart();
          goal = total + 100;
        });
        expect(failures.filter((error) => !(error instanceof SqlError))).toEqual([]);
        expect(halves).toBe(0);
        expect(looked).toBeGreaterThan(10);
        expect(failures.some((error) => error instanceof ConnectionLostError)).toBe(true);
        const rows = await db.query(
          sql<{
            worker: number;
            n: number;
            times: number;
          }>`select worker, n, count(*) as times from ${table} group by worker, n`,
        );
        expect(rows.filter(({ times }) => Number(times) !== 2)).toEqual([]);
        const there = new Set(rows.map(({ worker, n }) => `${worker} ${n}`));
        const lost = [...acknowledged].flatMap(([worker, all]) =>
          all.filter((n) => !there.has(`${worker} ${n}`)),
        );
        expect(lost).toEqual([]);
        expect(db.statistics()).toMatchObject({ inUse: 0, waiting: 0 });
      });
    }, 60_000);

    test("a server that has too many connections says so, and serves again when some are gone", async () => {
      const server = await PrivateServer.start(name);
      await run(async () => {
        const connection = { ...whole, host: "127.0.0.1", port: server.port };
        await using first = open(connection, { max: 30 });
        await until(() => first.query(sql`select 1`));
        const error = await taskGroup(async (group) => {
          for (let i = 0; i < 30; i++) group.createTask(() => first.query(sleeping));
        }).catch((group: AggregateError) => group.errors[0]);
        expect(error).toBeInstanceOf(ConnectError);
        expect(error).toMatchObject({ reason: "too many connections" });
        expect(first.statistics()).toMatchObject({ inUse: 0, waiting: 0 });
        await until(() => first.query(sql`select 1`));
      });
    }, 60_000);
  });
}

/** A server that has just begun to accept connections may still refuse them. */
async function until(work: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await work();
      return;
    } catch (error) {
      if (!(error instanceof SqlError)) throw error;
      await sleep(20);
    }
  }
}
