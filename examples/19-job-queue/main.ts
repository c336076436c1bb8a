// A queue of jobs in a table of PostgreSQL: `for update skip locked` gives each job to one worker, and a worker that is
// stopped in the middle of a job leaves it to another. Needs a PostgreSQL; PGHOST, PGUSER, PGDATABASE say which.
//
//   node examples/19-job-queue/main.ts [--workers 4] [--jobs 20]
import process from "node:process";
import { parseArgs } from "node:util";
import { sql } from "@brio/sql";
import { postgres } from "@brio/sql/postgres";
import { createTask, Event, run, sleep } from "brio";
import { createTable, enqueue, type Job, workForever } from "./jobs.ts";

export async function main(args: readonly string[]): Promise<void> {
  const options = {
    workers: { type: "string", default: "4" },
    jobs: { type: "string", default: "20" },
  } as const;
  const { values } = parseArgs({ args: [...args], options });
  const jobs = Number(values.jobs);
  await using db = postgres();
  await createTable(db);
  const all = new Event();
  let done = 0;
  const work = async ({ id, payload }: Job): Promise<void> => {
    await sleep("10ms"); // stands for the work
    console.log(`job ${id}: ${JSON.stringify(payload)}`);
  };
  const tried = (): void => {
    if (++done === jobs) all.set();
  };
  await using workers = createTask(() => workForever(db, Number(values.workers), work, tried));
  for (let i = 1; i <= jobs; i++) await enqueue(db, { mail: `user-${i}@example.com` });
  await all.wait();
  workers.cancel("all is done");
  await workers.then(undefined, () => {});
  const { n } = await db.one(sql<{ n: number }>`select count(*) as n from jobs where state = 'waiting'`);
  console.log(`${done} done, ${n} waiting`);
}

if (import.meta.main) await run(() => main(process.argv.slice(2)));
