// Two workers of a queue, as processes of their own: what `npx brio-worker` starts, here from the repository's sources.
import { connect } from "node:net";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { DistributedExecutor } from "@brio/distributed";
import { interruptible, taskGroup } from "brio";
import type { StreamReader } from "brio/streams";
import { createSubprocessExec, PIPE, type Process } from "brio/subprocess";

const COMMAND = fileURLToPath(new URL("../../packages/distributed/src/command/main.ts", import.meta.url));

/** Does a server answer there? */
export async function answers(address: URL): Promise<boolean> {
  return await interruptible(
    new Promise<boolean>((resolve) => {
      const socket = connect(Number(address.port || 6379), address.hostname, () => {
        socket.destroy();
        resolve(true);
      });
      socket.on("error", () => resolve(false));
    }),
  );
}

/** Runs `body` while so many workers run the functions of `module` for `queue`, and ends them in order. */
export async function withWorkers<T>(
  count: number,
  module: URL,
  { connection, queue }: { connection: string; queue: string },
  body: () => Promise<T>,
): Promise<T> {
  const command = [...process.execArgv, COMMAND, fileURLToPath(module)];
  const args = [...command, "--queue", queue, "--connection", connection, "--concurrency", "1"];
  const workers: Process<null, null, StreamReader>[] = [];
  try {
    for (let n = 0; n < count; n++)
      workers.push(await createSubprocessExec(process.execPath, args, { stderr: PIPE }));
    await taskGroup((group) => {
      for (const worker of workers) group.createTask(() => untilReady(worker));
    });
    return await body();
  } finally {
    for (const worker of workers) worker.terminate();
    for (const worker of workers) await worker[Symbol.asyncDispose]();
    await using executor = new DistributedExecutor({ connection, queue });
    await (await executor.queue()).obliterate({ force: true }); // BullMQ would keep the results for an hour
  }
}

async function untilReady(worker: Process<null, null, StreamReader>): Promise<void> {
  for await (const line of worker.stderr) if (line.toString().startsWith("brio-worker: ready")) return;
  throw new Error("a worker has ended before it was ready");
}
