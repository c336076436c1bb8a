import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { ConflictError, ConnectError, ConstraintError, SqlError, StorageFullError, sql } from "@brio/sql";
import { sqlite } from "@brio/sql/sqlite";
import { CancelledError, createTask, run, sleep } from "brio";
import { describe, expect, onTestFinished, test } from "vitest";
import { leavesNothing } from "../../brio/test/left-behind.ts";
import { smallDisk } from "../../brio/test/small-disk.ts";
import { constraintKinds } from "./constraint-kinds.ts";
import { sqlitePlace, withSqlite } from "./databases.ts";
import { tenMillionRows } from "./ten-million-rows.ts";

leavesNothing();

const integrity = (file: string): unknown => {
  const database = new DatabaseSync(file);
  const result = database.prepare("pragma integrity_check").get();
  database.close();
  return result?.integrity_check;
};

test("one writes while others read what was committed", () =>
  withSqlite(async (db) => {
    await db.execute(sql`create table t (a int)`);
    expect(await db.one(sql`pragma journal_mode`)).toEqual({ journal_mode: "wal" });
    await db.transaction(async (tx) => {
      await tx.execute(sql`insert into t values (1)`);
      expect(await db.one(sql`select count(*) as n from t`)).toEqual({ n: 0 });
      expect(db.statistics()).toMatchObject({ inUse: 1, readers: { inUse: 0 } });
    });
    expect(
      await db.one(sql`-- a comment
      /* and another */ select count(*) as n from t`),
    ).toEqual({ n: 1 });
    expect(await db.query(sql`with x as (select 2 as a) insert into t select a from x returning a`)).toEqual([
      { a: 2 },
    ]);
    await db.transaction(
      async (tx) => {
        await expect(tx.execute(sql`insert into t values (3)`)).rejects.toMatchObject({
          code: "SQLITE_READONLY",
        });
      },
      { readOnly: true },
    );
  }));

test("functions and aggregates of a module can be called in SQL", () =>
  run(async () => {
    const functions = new URL("./sqlite-functions.ts", import.meta.url);
    await using db = sqlite({ file: ":memory:", functions });
    expect(await db.one(sql`select slug(${"Ada Lovelace"}) as s`)).toEqual({ s: "ada-lovelace" });
    await db.execute(sql`create table t as select 2 as a union select 3 union select 7`);
    expect(await db.one(sql`select product(a) as p from t`)).toEqual({ p: 42 });
  }));

test("a backup is a whole database, made while others write", () =>
  withSqlite(async (db) => {
    const copy = `${sqlitePlace()}.copy`;
    await db.execute(sql`create table t (a int)`);
    await db.bulkInsert(
      "t",
      ["a"],
      [...Array(20_000).keys()].map((a) => [a]),
    );
    const writing = createTask(async () => {
      for (;;) await db.execute(sql`insert into t values (-1)`);
    });
    await db.backup(copy);
    await using _ = writing;
    expect(integrity(copy)).toBe("ok");
    const database = new DatabaseSync(copy);
    expect(database.prepare("select count(*) as n from t where a >= 0").get()).toEqual({ n: 20_000 });
    database.close();
    await expect(db.backup(copy)).rejects.toThrow(SqlError);
  }));

test("a database that another program has locked is a ConflictError, after the busy time-out", async () => {
  const file = sqlitePlace();
  await run(async () => {
    await using db = sqlite({ file, busyTimeout: 20 });
    await db.execute(sql`create table t (a int)`);
    const other = new DatabaseSync(file);
    other.exec("begin immediate");
    await expect(db.execute(sql`insert into t values (1)`)).rejects.toMatchObject({
      kind: "locked",
      code: "SQLITE_BUSY",
    });
    const writing = db.transaction((tx) => tx.execute(sql`insert into t values (1)`), { retries: 1 });
    await expect(writing).rejects.toThrow(ConflictError);
    // Reading is possible meanwhile, and a transaction that is tried again gets through in the end.
    expect(await db.one(sql`select count(*) as n from t`)).toEqual({ n: 0 });
    const patient = createTask(() =>
      db.transaction((tx) => tx.execute(sql`insert into t values (2)`), { retries: 100 }),
    );
    await sleep(0);
    other.exec("commit");
    other.close();
    await patient;
    expect(await db.one(sql`select a from t`)).toEqual({ a: 2 });
  });
});

test("a full disk is a StorageFullError, and the database goes on", () =>
  withSqlite(async (db) => {
    await db.execute(sql`create table t (b blob)`);
    await db.session(async (session) => {
      // SQLite's own limit is reported as a full disk is.
      const { page_count: pages } = await session.one(sql<{ page_count: number }>`pragma page_count`);
      await session.query(sql.unsafe(`pragma max_page_count = ${pages + 2}`));
      const insert = sql`insert into t values (zeroblob(1000000))`;
      await expect(session.execute(insert)).rejects.toThrow(StorageFullError);
      await session.query(sql.unsafe("pragma max_page_count = 1000000"));
      await session.execute(insert);
    });
    expect(await db.one(sql`select count(*) as n from t`)).toEqual({ n: 1 });
  }));

test(
  "ten million rows are streamed in a memory that does not grow with them, here and in the process",
  () =>
    withSqlite(async (db) => {
      const numbers = sql<{ i: number }>`
      with recursive r (i) as (select 1 union all select i + 1 from r where i < 10000000) select i from r`;
      const both = (): number => {
        const children = execFileSync("ps", ["-o", "rss=", "--ppid", String(process.pid)]).toString();
        const kilobytes = children.trim().split(/\s+/).map(Number);
        return process.memoryUsage.rss() + kilobytes.reduce((sum, each) => sum + each * 1024, 0);
      };
      await tenMillionRows(db.stream(numbers), both, 2);
    }),
  180_000,
);

describe("on a disk that is really full", () => {
  test("what does not fit is a StorageFullError, what was committed stays, and it goes on when there is space", async ({
    skip,
  }) => {
    const disk = smallDisk(4);
    if (disk === null) return skip("making a small disk (mount -t tmpfs) needs root");
    const file = join(disk, "test.db");
    writeFileSync(join(disk, "other"), Buffer.alloc(2_000_000));
    await run(async () => {
      await using db = sqlite({ file });
      await db.execute(sql`create table t (n int, b blob)`);
      let committed = 0;
      const insert = (n: number) =>
        db.transaction(async (tx) => {
          await tx.execute(sql`insert into t values (${n}, zeroblob(50000))`);
          await tx.execute(sql`insert into t values (${n}, zeroblob(50000))`);
        });
      const filling = async (): Promise<void> => {
        for (; ; committed++) await insert(committed);
      };
      await expect(filling()).rejects.toThrow(StorageFullError);
      expect(committed).toBeGreaterThan(1);
      await expect(insert(-1)).rejects.toThrow(StorageFullError);
      const count = sql`select count(*) as rows, max(n) as last from t`;
      expect(await db.one(count)).toEqual({ rows: 2 * committed, last: committed - 1 });
      rmSync(join(disk, "other"));
      await insert(committed);
      expect(await db.one(count)).toEqual({ rows: 2 * committed + 2, last: committed });
    });
    expect(integrity(file)).toBe("ok");
  });
});

test("a program that is killed in the middle of its writes loses no commit, and leaves no half of one", async () => {
  const file = sqlitePlace();
  const program = fileURLToPath(new URL("./fixtures/sqlite-writer.ts", import.meta.url));
  const child = spawn(process.execPath, ["--conditions=brio-source", program, file], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  let acknowledged = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged = Number(line);
    if (acknowledged === 200) child.kill("SIGKILL");
  }
  await exited;
  expect(integrity(file)).toBe("ok");
  await run(async () => {
    await using db = sqlite({ file });
    // Each transaction writes its number twice.
    const { most, halves } = await db.one(sql<{ most: number; halves: number }>`
      select max(a) as most, (select count(*) from (select a from t group by a having count(*) <> 2)) as halves from t`);
    expect(most).toBeGreaterThanOrEqual(acknowledged);
    expect(halves).toBe(0);
    await db.execute(sql`insert into t values (0)`);
  });
});

test.each([
  ["is killed", "SIGKILL"],
  ["exits", "SIGUSR2"],
] as const)(
  "a program that %s takes its processes with it, also those in the middle of a statement",
  async (_, signal) => {
    const file = sqlitePlace();
    const program = fileURLToPath(new URL("./fixtures/sqlite-endless.ts", import.meta.url));
    const child = spawn(process.execPath, ["--conditions=brio-source", program, file], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const pids = new Set<number>();
    onTestFinished(() => {
      for (const pid of pids) if (existsSync(`/proc/${pid}`)) process.kill(pid, "SIGKILL");
    });
    for await (const line of createInterface({ input: child.stdout })) {
      pids.add(Number(line));
      if (pids.size === 3) child.kill(signal); // the reader, the writer and the idle one
    }
    // They have its stdout too: here, it has ended for all of them.
    expect([...pids].filter((pid) => existsSync(`/proc/${pid}`) && !zombie(pid))).toEqual([]);
    expect(integrity(file)).toBe("ok");
    await run(async () => {
      await using db = sqlite({ file });
      await db.execute(sql`insert into t values (2)`); // nobody has it locked
      expect(await db.query(sql`select a from t`)).toEqual([{ a: 2 }]);
    });
  },
);

test("a process that is killed is an error of its type, its transaction is gone, and it is replaced", () =>
  withSqlite(async (db) => {
    await db.execute(sql`create table t (a int)`);
    await expect(
      db.transaction(async (tx) => {
        await tx.execute(sql`insert into t values (1)`);
        process.kill(tx.raw as number, "SIGKILL");
        await tx.execute(sql`insert into t values (2)`);
      }),
    ).rejects.toMatchObject({ name: "ConnectionLostError" });
    expect(await db.one(sql`select count(*) as n from t`)).toEqual({ n: 0 });
    await db.execute(sql`insert into t values (3)`);
  }));

test("a file that can't be opened is a ConnectError, and constraints have their kinds", async () => {
  await run(async () => {
    await using db = sqlite({ file: "/no/such/folder/x.db" });
    await expect(db.query(sql`select 1`)).rejects.toThrow(ConnectError);
    expect(() => sqlite({ file: 1 as never })).toThrow(/file must be a path/);
  });
  await withSqlite(async (db) => {
    await db.execute(sql`create table t (a int not null unique check (a > 0), b int references t (a))`);
    expect(await constraintKinds(db)).toEqual(["not null", "check", "foreign key", undefined, "unique"]);
  });
});

test("a cancelled statement's process is gone", () =>
  withSqlite(async (db) => {
    const pid = await db.session((session) => session.raw as number);
    const endless = sql`insert into t with recursive r (n) as (select 1 union all select n + 1 from r) select count(*) from r`;
    await db.execute(sql`create table t (a int)`);
    const task = createTask(() => db.execute(endless));
    while (db.statistics().inUse === 0) await sleep(0);
    await sleep(0);
    task.cancel();
    await expect(task).rejects.toThrow(CancelledError);
    while (existsSync(`/proc/${pid}`) && !zombie(pid)) await sleep(1);
    await db.execute(sql`insert into t values (1)`);
  }));

const zombie = (pid: number): boolean =>
  execFileSync("ps", ["-o", "stat=", "-p", String(pid)])
    .toString()
    .startsWith("Z");

test("a transaction that can't begin does nothing, however often it is tried, and is a conflict", () =>
  run(async () => {
    const file = sqlitePlace();
    await using db = sqlite({ file, busyTimeout: 1 });
    await db.execute(sql`create table t (a int)`);
    const other = new DatabaseSync(file);
    other.exec("begin immediate");
    const insert = sql`insert into t values (1)`;
    await expect(db.transaction((tx) => tx.execute(insert), { retries: 0 })).rejects.toThrow(ConflictError);
    await db.transaction(async (tx) => {
      await expect(tx.execute(insert)).rejects.toThrow(ConflictError);
      await expect(tx.execute(insert)).rejects.toThrow(ConflictError);
      other.exec("rollback");
      await tx.execute(insert);
      await expect(tx.execute(sql`insert into nowhere values (1)`)).rejects.toThrow(SqlError);
      expect(await tx.one(sql`select count(*) as n from t`)).toEqual({ n: 1 });
      // Others don't see it yet: it has begun.
      expect(other.prepare("select count(*) as n from t").get()).toEqual({ n: 0 });
    });
    expect(other.prepare("select count(*) as n from t").get()).toEqual({ n: 1 });
    other.close();
  }));

test("a transaction whose first statement fails has begun, and one without statements never was", () =>
  withSqlite(async (db) => {
    await db.execute(sql`create table t (a int unique)`);
    await db.execute(sql`insert into t values (1)`);
    const failing = db.transaction(async (tx) => {
      await expect(tx.execute(sql`insert into t values (1)`)).rejects.toThrow(ConstraintError);
      await tx.execute(sql`insert into t values (2)`);
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    expect(await db.transaction(async () => "nothing")).toBe("nothing");
    await db.execute(sql`insert into t values (3)`);
    expect(await db.query(sql`select a from t order by a`)).toEqual([{ a: 1 }, { a: 3 }]);
  }));

test("a bulk load within a transaction is undone alone when a row of it fails", () =>
  withSqlite(async (db) => {
    await db.execute(sql`create table t (a int unique)`);
    await db.transaction(async (tx) => {
      await tx.execute(sql`insert into t values (5)`);
      const rows = Array.from({ length: 3000 }, (_, a) => [a]);
      await expect(tx.bulkInsert("t", ["a"], rows)).rejects.toThrow(ConstraintError);
      expect(await tx.bulkInsert("t", ["a"], rows.slice(10))).toBe(2990);
    });
    expect(await db.one(sql`select count(*) as n, min(a) as least from t`)).toEqual({ n: 2991, least: 5 });
  }));
