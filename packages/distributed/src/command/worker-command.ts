import { readFileSync } from "node:fs";
import process from "node:process";
import { CancelledError, type EventLoop, ExceptionGroup, getRunningLoop, run } from "brio";
import { type Service, serve } from "brio/streams";
import { DistributedExecutor } from "../executor/distributed-executor.ts";
import { DistributedWorker } from "../worker/distributed-worker.ts";
import { type Command, commandOf, USAGE, UsageError } from "./arguments.ts";
import { portOf, serveMetrics } from "./metrics-server.ts";

/** What `brio-worker` does. Sets the exit code. */
export async function workerCommand(args: readonly string[]): Promise<void> {
  try {
    const command = commandOf(args, process.env);
    if (command.do === "work") await workUntilStopped(command);
    else console.log(command.what === "usage" ? USAGE : version());
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(`brio-worker: ${error.message}\n\n${USAGE}`);
      process.exitCode = 2;
      return;
    }
    for (const each of error instanceof ExceptionGroup ? error.errors : [error]) say(told(each));
    process.exitCode = 1;
  }
}

type Work = Extract<Command, { do: "work" }>;

async function workUntilStopped(command: Work): Promise<void> {
  const outcome = { drained: false };
  try {
    await run(() =>
      serve((service) => setUp(service, command, outcome), { drain: command.drain, grace: "10s" }),
    );
  } catch (error) {
    if (!(error instanceof CancelledError)) throw error;
    // Otherwise it is that of the signal, which `run` has set.
    if (outcome.drained) process.exitCode = 0;
  }
}

async function setUp(service: Service, command: Work, outcome: { drained: boolean }): Promise<void> {
  const { quiet, metrics } = command;
  const worker = service.use(
    new DistributedWorker({ ...command.worker, onError: (error) => say(told(error)) }),
  );
  await worker.start();
  tell(worker, quiet);
  service.work(
    async () => {
      await service.whenStopping();
      if (!quiet) say("stopping: no more jobs are taken");
      await worker.close();
      outcome.drained = true;
      if (!quiet) say("stopped: all jobs have ended");
    },
    { name: "jobs of the worker" },
  );
  if (metrics !== null) {
    const { connection, queue, prefix } = command.worker;
    const executor = service.use(new DistributedExecutor({ connection, queue, prefix }));
    const loop = getRunningLoop();
    const server = service.add(
      await serveMetrics(
        {
          executor,
          worker,
          queue,
          ready: () => service.ready,
          run: (body) => runIn(loop, body),
        },
        metrics.port,
        metrics.host,
      ),
    );
    say(`metrics at http://${metrics.host}:${portOf(server)}/metrics`);
  }
  const { functions } = worker;
  if (!quiet) {
    say(`ready: ${worker}`);
    say(`functions: ${functions.length === 0 ? "none" : functions.join(", ")}`);
  }
}

/** Runs something as a task, from a request: what is awaited there belongs to no task. */
function runIn<T>(loop: EventLoop, body: () => Promise<T>): Promise<T> {
  const task = loop.createTask(body, { name: "metrics" });
  return new Promise((resolve, reject) => {
    task.addDoneCallback(() => {
      try {
        resolve(task.result());
      } catch (error) {
        reject(error);
      }
    });
  });
}

/** Has the worker's events written. */
function tell({ worker }: DistributedWorker, quiet: boolean): void {
  worker?.on("stalled", (id) => say(`job ${id}: its worker was lost, it is begun again`));
  if (quiet) return;
  worker?.on("failed", (job, error) => {
    const { id, name, attemptsMade, opts } = job ?? { id: "?", name: "?", attemptsMade: 0, opts: {} };
    say(`job ${id} (${name}) failed, attempt ${attemptsMade} of ${opts.attempts || 1}: ${error.message}`);
  });
}

function told(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

function say(what: string): void {
  console.error(`brio-worker: ${what}`);
}

/** That of the package: two folders up, of the sources as of what is built. */
function version(): string {
  const manifest = new URL("../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version; // packages have one
}
