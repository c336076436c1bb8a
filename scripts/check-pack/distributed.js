// The same user's first distributed program: a worker from the package's command, and a caller.
import assert from "node:assert/strict";
import { connect } from "node:net";
import * as distributed from "@brio/distributed";
import { DistributedExecutor } from "@brio/distributed";
import { run } from "brio";
import { createSubprocessExec, DEVNULL, run as runCommand } from "brio/subprocess";
import { area } from "./jobs.js";

const worker = "node_modules/.bin/brio-worker";
const connection = process.env.BRIO_REDIS_URL ?? "redis://127.0.0.1:6379";

for (const [name, value] of Object.entries(distributed)) {
  if (typeof value === "function") assert.equal(value.name, name);
}

await run(async () => {
  const { stdout } = await runCommand(worker, ["--version"]);
  console.log(`brio-worker ${stdout.trim()} is there.`);
});

if (await answers(new URL(connection))) {
  await run(async () => {
    const place = { connection, queue: `check-pack-${process.pid}` };
    const args = ["./jobs.js", "--queue", place.queue, "--connection", connection, "--concurrency", "1"];
    const executor = new DistributedExecutor(place);
    const child = await createSubprocessExec(worker, args, { stderr: DEVNULL });
    assert.equal(await executor.submit(area, 10), 314);
    assert.throws(() => executor.submit((radius) => radius * 2, 10), /export const work = reference/);
    child.terminate();
    assert.equal(await child.wait(), 0);
    await (await executor.queue()).obliterate({ force: true });
    await executor.close();
  });
  console.log("A function ran in a worker process, and the worker ended in order.");
} else {
  assert.notEqual(process.env.BRIO_REQUIRE_SERVICES, "1", `no Redis at ${connection}`);
  console.log(`No Redis at ${connection}: no job was run.`);
}

function answers({ hostname, port }) {
  return new Promise((resolve) => {
    const socket = connect(Number(port || 6379), hostname, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
