// Compiled against the packed declarations, with skipLibCheck off. Never run.
import { HttpClient, type HttpResponse, serverSentEvents } from "@brio/http";
import { download } from "@brio/http/download";
import { type Database, PoolError, sql } from "@brio/sql";
import { mysql } from "@brio/sql/mysql";
import { postgres } from "@brio/sql/postgres";
import { type SqliteDatabase, sqlite } from "@brio/sql/sqlite";
import { coroutine, gather, Queue, run, sleep, type Task, taskGroup, timeout } from "brio";
import { describeTask } from "brio/inspect";
import { VirtualClock } from "brio/testing";
import { reference, ThreadPool } from "brio/threads";

const fetchData = coroutine(async (url: string) => {
  await sleep("1s");
  return `Data from ${url}`;
});

const answer: Promise<number> = run(
  async () => {
    const [text, count]: [string, number] = await gather(fetchData("url1"), async () => 2);
    const queue = new Queue<string>(10);
    await queue.put(text);
    const first: string = await timeout("30s", () => queue.get());
    const length: number = await taskGroup(async (group) => {
      const task: Task<number> = group.createTask(async () => first.length, { name: "measure" });
      describeTask(task).name satisfies string;
      return task;
    });
    return count + length;
  },
  { clock: new VirtualClock() },
);

void (async () => {
  await using client = new HttpClient({ baseUrl: "https://example.com/", timeout: { idle: "5s" } });
  const response: HttpResponse = await client.post("users", { json: { name: "Ann" } });
  (await response.json<{ id: number }>()).id satisfies number;
  for await (const { data } of serverSentEvents(client, "events")) data satisfies string;
  (await download("https://example.com/file", { client, checksum: "sha256:00" })).path satisfies string;
  // @ts-expect-error A time-out that doesn't exist.
  new HttpClient({ timeout: { idel: "5s" } });
});
async function names(): Promise<string[]> {
  const db: SqliteDatabase = sqlite({ file: "app.db" });
  const all: readonly Database[] = [db, postgres({ max: 5 }), mysql({ connection: "mysql://localhost" })];
  const rows = await Promise.all(
    all.map((db) => db.query(sql<{ name: string }>`select name from users where id = ${1}`)),
  );
  return rows.flat().map((row) => row.name);
}
void names;
new PoolError("no", "closed").reason satisfies string;

// @ts-expect-error A unit that doesn't exist.
void (() => sleep("1 fortnight"));

export const area = reference(import.meta.url, "area", (radius: number) => radius ** 2 * Math.PI);

void (async () => {
  const pool = new ThreadPool({ maxWorkers: 2 });
  const one: number = await pool.with({ timeout: "5s" }).submit(area, 2);
  for await (const each of pool.map(area, [1, 2])) each satisfies number;
  // @ts-expect-error An argument of another type.
  void pool.submit(area, "2");
  return one;
});

await answer;
