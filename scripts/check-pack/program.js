// A user's first program: plain JavaScript, on the packed package, on whatever Node the system has.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import * as http from "@brio/http";
import * as downloads from "@brio/http/download";
import { ConnectError, sql } from "@brio/sql";
import { postgres } from "@brio/sql/postgres";
import { sqlite } from "@brio/sql/sqlite";
import * as brio from "brio";
import {
  currentTask,
  gather,
  interruptible,
  Queue,
  run,
  sleep,
  TimeoutError,
  taskGroup,
  timeout,
} from "brio";
import * as inspect from "brio/inspect";
import { describeTask } from "brio/inspect";
import * as testing from "brio/testing";
import { runVirtual, VirtualClock } from "brio/testing";
import * as threads from "brio/threads";
import { ProcessPool, references, ThreadPool, toThread } from "brio/threads";

const started = performance.now();
const sums = await run(async () => {
  const queue = new Queue(2);
  const results = [];
  await timeout("10s", () =>
    taskGroup(async (group) => {
      group.createTask(async () => {
        for await (const item of queue) results.push(item);
      });
      const items = await gather(
        () => sleep(20, 1),
        () => sleep("10ms", 2),
      );
      for (const item of items) await queue.put(item);
      queue.shutdown();
    }),
  );
  await assert.rejects(
    timeout(5, () => sleep("1h")),
    TimeoutError,
  );
  return results;
});
assert.deepEqual(sums, [1, 2]);
assert.ok(performance.now() - started < 5_000);

const clock = new VirtualClock();
assert.equal(await run(() => sleep("1h", "an hour later"), { clock }), "an hour later");
await runVirtual(async () => {
  assert.equal(describeTask(currentTask()).state, "running");
});

const { gzipSync } = references("node:zlib");
const { basename } = references("node:path");
await run(async () => {
  for (const pool of [new ThreadPool({ maxWorkers: 1 }), new ProcessPool({ maxWorkers: 1 })]) {
    assert.equal((await pool.submit(gzipSync, "text"))[0], 0x1f);
    await assert.rejects(pool.submit(references("node:zlib").noSuchFunction), threads.FunctionNotFoundError);
    await pool.close();
  }
  assert.equal(await toThread(basename, "/tmp/a.txt"), "a.txt");
});

const server = createServer((request, response) => response.end(`content of ${request.url}`));
server.listen(0, "127.0.0.1");
await once(server, "listening");
const url = `http://127.0.0.1:${server.address().port}`;
await run(async () => {
  const client = new http.HttpClient({ baseUrl: url });
  assert.equal(await (await client.get("/a")).text(), "content of /a");
  const { path } = await downloads.download(`${url}/file`, { client, directory: "downloads" });
  assert.equal(readFileSync(path, "utf8"), "content of /file");
  await client.close();
  const fetched = await http.fetch(`${url}/b`, { headers: { connection: "close" } });
  assert.equal(await interruptible(fetched.text()), "content of /b");
});
server.close();
assert.match(execFileSync("npx", ["brio-get", "--help"], { encoding: "utf8" }), /brio-get URL\.\.\./);

// Reports and stack traces show these names.
for (const [name, value] of Object.entries({
  ...brio,
  ...inspect,
  ...testing,
  ...threads,
  ...http,
  ...downloads,
})) {
  if (typeof value === "function") assert.equal(value.name, name);
}
await assert.rejects(
  runVirtual(() => gather(() => new Queue(3).get())),
  /queue\.get on <Queue 0 of 3>/,
);

// A driver is installed beside @brio/sql by who needs it. SQLite comes with Node, but for old ones.
await run(async () => {
  const db = postgres();
  await assert.rejects(db.query(sql`select 1`), (error) => {
    return error instanceof ConnectError && /npm install pg/.test(error.message);
  });
  await db.close();
});
await run(async () => {
  const db = sqlite({ file: ":memory:" });
  try {
    assert.deepEqual(await db.query(sql`select ${1} as one`), [{ one: 1 }]);
  } catch (error) {
    assert.match(error.message, /npm install libsql/);
  } finally {
    await db.close();
  }
});

console.log(
  "run, gather, timeout, taskGroup, Queue, VirtualClock, inspect, pools, HttpClient, download, brio-get and SQL work.",
);
