import { mkdtempDisposable, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "@brio/sql";
import { postgres } from "@brio/sql/postgres";
import { sqlite } from "@brio/sql/sqlite";
import { createTask, Event, run, sleep } from "brio";
import { expect, test } from "vitest";
import { describeWithPostgres, postgresPlace } from "../../packages/sql/test/databases.ts";
import { ingest } from "../17-ingest/main.ts";
import { report } from "../18-report/main.ts";
import { createTable, enqueue, type Job, workOnce } from "../19-job-queue/jobs.ts";
import { Program } from "./program.ts";

const temporaryDirectory = () => mkdtempDisposable(join(tmpdir(), "brio-databases-test-"));

/** So many lines, over two days. */
const lines = (count: number): string =>
  Array.from({ length: count }, (_, i) => {
    const at = `2026-01-0${i < count / 2 ? 1 : 2}T00:00:00Z`;
    return `${JSON.stringify({ at, level: i % 3 === 0 ? "warning" : "info", text: `line ${i}` })}\n`;
  }).join("");

test("17-ingest goes on where it was stopped, without a line lost or loaded twice", async () => {
  await using folder = await temporaryDirectory();
  await writeFile(join(folder.path, "a.jsonl"), lines(30_000));
  await writeFile(join(folder.path, "b.jsonl"), lines(2500));
  const file = join(folder.path, "log.db");
  await run(async () => {
    await using db = sqlite({ file });
    const count = async (): Promise<unknown> => (await db.one(sql`select count(*) as n from log`)).n;
    const first = createTask(() => ingest(db, folder.path));
    while (Number(await count().catch(() => 0)) < 5000) await sleep(1);
    first.cancel();
    await first.then(undefined, () => {});
    const before = Number(await count());
    expect(before % 1000).toBe(0);
    expect(await ingest(db, folder.path)).toBe(32_500 - before);
    expect(await db.one(sql`select count(*) as n, count(distinct text) as texts from log`)).toEqual({
      n: 32_500,
      texts: 30_000,
    });
    expect(await ingest(db, folder.path)).toBe(0);

    const out = join(folder.path, "report.csv");
    await report(db, out);
    const rows = (await readFile(out, "utf8")).trimEnd().split("\n");
    expect(rows[0]).toBe("level,lines,first,last");
    expect(rows.slice(1).map((row) => row.split(",").slice(0, 2).join(" "))).toEqual([
      "info 10833",
      "warning 5417",
      "info 10833",
      "warning 5417",
    ]);
  });
});

describeWithPostgres("19-job-queue", () => {
  test("gives each job to one worker, and that of a cancelled one to another", async () => {
    const connection = await postgresPlace();
    await run(async () => {
      await using db = postgres({ connection });
      await createTable(db);
      for (let i = 1; i <= 3; i++) await enqueue(db, { i });
      const begun = new Event();
      const cancelled = createTask(() =>
        workOnce(db, async () => {
          begun.set();
          await new Event().wait();
        }),
      );
      await begun.wait();
      const done: number[] = [];
      const work = async ({ id }: Job): Promise<void> => void done.push(id);
      expect(await workOnce(db, work)).toBe(true);
      expect(done).toEqual([2]);
      cancelled.cancel();
      await cancelled.then(undefined, () => {});
      while (await workOnce(db, work));
      expect(done).toEqual([2, 1, 3]);

      // One that fails is tried three times.
      await enqueue(db, { i: 4 });
      let tries = 0;
      const fail = async (): Promise<void> => {
        tries++;
        throw new Error("no");
      };
      while (await workOnce(db, fail));
      expect(tries).toBe(3);
      expect(await db.query(sql`select state, tries from jobs where id = 4`)).toEqual([
        { state: "failed", tries: 3 },
      ]);
    });
  });

  test("runs as a program", async () => {
    const { host, port, user, database, options } = (await postgresPlace()) as Record<string, string>;
    const variables = {
      PGHOST: host,
      PGPORT: String(port),
      PGUSER: user,
      PGDATABASE: database,
      PGOPTIONS: options,
    };
    await using program = new Program("19-job-queue/main.ts", ["--jobs", "12", "--workers", "3"], variables);
    const { code, lines, stderr } = await program.ended();
    expect(stderr).toBe("");
    expect(lines.at(-1)).toBe("12 done, 0 waiting");
    expect(new Set(lines).size).toBe(13);
    expect(code).toBe(0);
  });
});
