// A report of a table of any size, as CSV: the rows are streamed out of the database and into a file, and memory holds a
// few of them. When it is stopped, the query stops on the database.
//
//   node examples/18-report/main.ts DATABASE REPORT
import process from "node:process";
import { type Database, sql } from "@brio/sql";
import { sqlite } from "@brio/sql/sqlite";
import { run } from "brio";
import { open } from "brio/files";

async function* csv(db: Database): AsyncGenerator<string> {
  yield "level,lines,first,last\n";
  const rows = db.stream(sql<Record<"level" | "n" | "first" | "last", string | number>>`
    select level, count(*) as n, min(at) as first, max(at) as last from log group by level, substr(at, 1, 10) order by 3, 1`);
  for await (const { level, n, first, last } of rows)
    yield `${[level, n, first, last].map(cell).join(",")}\n`;
}

function cell(value: string | number): string {
  const text = String(value);
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Writes the report. */
export async function report(db: Database, file: string): Promise<void> {
  await using out = await open(file, "w");
  for await (const line of csv(db)) await out.write(line);
}

export async function main([file, out]: readonly string[]): Promise<void> {
  if (file === undefined || out === undefined) throw new Error("what: main.ts DATABASE REPORT");
  await using db = sqlite({ file });
  await report(db, out);
}

if (import.meta.main) await run(() => main(process.argv.slice(2)));
