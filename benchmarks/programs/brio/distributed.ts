import { DistributedExecutor, DistributedWorker } from "@brio/distributed";
import { run } from "brio";
import { doubled } from "../distributed-job.ts";
import { concurrency, connection, obliterate, queueOf } from "../jobs.ts";
import { check, type Peer, range, sumBelow } from "../peer.ts";

const queue = queueOf("brio");
let executor: DistributedExecutor | undefined;
let worker: DistributedWorker | undefined;

async function jobs(tasks: number, turns: number): Promise<void> {
  if (executor === undefined) {
    const modules = [new URL("../distributed-job.ts", import.meta.url)];
    worker = new DistributedWorker({ connection, queue, modules, concurrency, isolate: "inline" });
    await worker.start();
    executor = new DistributedExecutor({ connection, queue });
  }
  const there = executor;
  for (let turn = 0; turn < turns; turn++) {
    const results = await Promise.all(range(tasks).map((n) => there.submit(doubled, n)));
    check(
      "the sum",
      results.reduce((a, b) => a + b, 0),
      2 * sumBelow(tasks),
    );
  }
}

const peer: Peer = {
  main: async (measurement) => {
    await run(async () => {
      await measurement();
      await executor?.close();
      await worker?.close();
    });
    await obliterate(queue);
  },
  programs: { jobs },
};

export default peer;
