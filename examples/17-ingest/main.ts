// Loads files of JSON lines into a database: read, parse, load, with a bounded queue between, so that reading does not run
// ahead of the database. How far each file has been loaded is stored in the transaction of its rows: so it can be stopped at
// any moment (Ctrl-C, kill -9, loss of power) and goes on where it was, without a row lost or loaded twice.
//
//   node examples/17-ingest/main.ts FOLDER DATABASE
import { basename } from "node:path";
import process from "node:process";
import { type Database, sql } from "@brio/sql";
import { sqlite } from "@brio/sql/sqlite";
import { Queue, run, taskGroup } from "brio";
import { open, walk } from "brio/files";

/** Lines of a file, and how many of its lines are done with them. */
interface Part {
  readonly file: string;
  readonly rows: readonly (readonly [at: string, level: string, text: string])[];
  readonly until: number;
}

const SIZE = 1000;

async function linesDone(db: Database, file: string): Promise<number> {
  const row = await db.maybeOne(sql<{ lines: number }>`select lines from progress where file = ${file}`);
  return row?.lines ?? 0;
}

/** Puts a file's parts in the queue, from where it was left. */
async function read(db: Database, path: string, parts: Queue<Part>): Promise<void> {
  const name = basename(path);
  const done = await linesDone(db, name);
  let rows: Part["rows"][number][] = [];
  let line = 0;
  await using file = await open(path);
  for await (const text of file) {
    if (++line <= done) continue;
    const { at, level, text: message } = JSON.parse(text) as Record<string, string>; // as the program that logs writes it
    rows.push([at ?? "", level ?? "", message ?? ""]);
    if (rows.length < SIZE) continue;
    await parts.put({ file: name, rows, until: line });
    rows = [];
  }
  if (rows.length > 0) await parts.put({ file: name, rows, until: line });
}

/** Loads all files of a folder; gives how many rows were new. */
export async function ingest(db: Database, folder: string): Promise<number> {
  await db.execute(sql`create table if not exists log (at text, level text, text text)`);
  await db.execute(sql`create table if not exists progress (file text primary key, lines int not null)`);
  const parts = new Queue<Part>(4);
  let loaded = 0;
  await taskGroup(async (group) => {
    group.createTask(async () => {
      for await (const { file, rows, until } of parts) {
        await db.transaction(async (tx) => {
          await tx.bulkInsert("log", ["at", "level", "text"], rows);
          await tx.execute(sql`
            insert into progress values (${file}, ${until}) on conflict (file) do update set lines = excluded.lines`);
        });
        loaded += rows.length;
      }
    });
    for await (const { path, kind } of walk(folder)) {
      if (kind === "file" && path.endsWith(".jsonl")) await read(db, path, parts);
    }
    parts.shutdown();
  });
  return loaded;
}

export async function main([folder, file]: readonly string[]): Promise<void> {
  if (folder === undefined || file === undefined) throw new Error("what: main.ts FOLDER DATABASE");
  await using db = sqlite({ file });
  console.log(`${await ingest(db, folder)} new lines`);
  for (const { level, n } of await db.query(
    sql`select level, count(*) as n from log group by level order by level`,
  )) {
    console.log(`${level}: ${n}`);
  }
}

if (import.meta.main) await run(() => main(process.argv.slice(2)));
