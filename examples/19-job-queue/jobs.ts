import { type Database, sql } from "@brio/sql";
import type { PostgresDatabase } from "@brio/sql/postgres";
import { moveOnAfter, taskGroup } from "brio";

/** A job, as it stands in the table. */
export interface Job {
  readonly id: number;
  readonly payload: unknown;
  /** How often it has been tried before. */
  readonly tries: number;
}

const MOST_TRIES = 3;

export async function createTable(db: Database): Promise<void> {
  await db.execute(sql`
    create table if not exists jobs (
      id bigint generated always as identity primary key,
      payload jsonb not null,
      tries int not null default 0,
      state text not null default 'waiting' check (state in ('waiting', 'done', 'failed'))
    )`);
}

/** The job is there if the transaction of `db` commits; only then are the workers told. */
export async function enqueue(db: Database, payload: unknown): Promise<void> {
  await db.transaction(async (tx) => {
    await tx.execute(sql`insert into jobs (payload) values (${sql.json(payload)})`);
    await tx.execute(sql`select pg_notify('jobs', '')`);
  });
}

/**
 * Does one job, if one waits: it is locked while it is done, and others skip it. When the worker is cancelled, or dies, or
 * loses its connection, the lock goes with the transaction, and another worker gets the job.
 */
export async function workOnce(db: Database, work: (job: Job) => Promise<void>): Promise<boolean> {
  return await db.transaction(
    async (tx) => {
      const job = await tx.maybeOne(sql<Job>`
        select id, payload, tries from jobs where state = 'waiting' order by id limit 1 for update skip locked`);
      if (job === null) return false;
      let state = "done";
      try {
        // What it has done in the database is undone when it fails; that it has failed is not.
        await tx.transaction(() => work(job));
      } catch (error) {
        if ((error as Error).name === "CancelledError") throw error;
        state = job.tries + 1 < MOST_TRIES ? "waiting" : "failed";
      }
      await tx.execute(sql`update jobs set state = ${state}, tries = tries + 1 where id = ${job.id}`);
      return true;
    },
    { retries: 0 },
  );
}

/** Works with so many workers, until it is cancelled; `tried` is called when a job's state is stored. They wait for news, and look by themselves now and then. */
export async function workForever(
  db: PostgresDatabase,
  workers: number,
  work: (job: Job) => Promise<void>,
  tried: () => void,
): Promise<void> {
  await taskGroup((group) => {
    for (let i = 1; i <= workers; i++) {
      const loop = async (): Promise<void> => {
        await using news = await db.listen("jobs");
        for (;;) {
          while (await workOnce(db, work)) tried();
          await moveOnAfter("10s", () => news.next());
        }
      };
      group.createTask(loop, { name: `worker ${i}` });
    }
  });
}
