import { Queue, QueueEvents, Worker } from "bullmq";
import { concurrency, connection, double, obliterate, queueOf } from "../jobs.ts";
import { check, type Peer, range, sumBelow } from "../peer.ts";

const name = queueOf("bullmq");
const options = { connection: { url: connection } };
let parts: { queue: Queue; events: QueueEvents; worker: Worker } | undefined;

async function start() {
  const worker = new Worker(name, async (job) => double(job.data as number), { ...options, concurrency });
  const queue = new Queue(name, {
    ...options,
    defaultJobOptions: { removeOnComplete: { age: 3600, count: 1000 } },
  });
  const events = new QueueEvents(name, options);
  queue.setMaxListeners(0); // each wait for a job listens to its closing
  await Promise.all([worker.waitUntilReady(), queue.waitUntilReady(), events.waitUntilReady()]);
  return { queue, events, worker };
}

async function jobs(tasks: number, turns: number): Promise<void> {
  parts ??= await start();
  const { queue, events } = parts;
  for (let turn = 0; turn < turns; turn++) {
    // As its documentation says that many are added and waited for.
    const added = await queue.addBulk(range(tasks).map((n) => ({ name: "double", data: n })));
    const results = (await Promise.all(added.map((job) => job.waitUntilFinished(events)))) as number[]; // of double()
    check(
      "the sum",
      results.reduce((a, b) => a + b, 0),
      2 * sumBelow(tasks),
    );
  }
}

const peer: Peer = {
  main: async (measurement) => {
    await measurement();
    if (parts !== undefined) {
      await parts.worker.close();
      await parts.events.close();
      await parts.queue.close();
    }
    await obliterate(name);
  },
  programs: { jobs },
};

export default peer;
