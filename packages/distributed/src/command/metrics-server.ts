import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { interruptible, timeout } from "brio";
import type { DistributedExecutor } from "../executor/distributed-executor.ts";
import type { DistributedWorker } from "../worker/distributed-worker.ts";

/** How long Redis may take to answer, for a worker that is said to be healthy. */
const PATIENCE = "5s";

/** What a metrics server tells of. */
export interface Observed {
  readonly executor: DistributedExecutor;
  readonly worker: DistributedWorker;
  readonly queue: string;
  /** Is it ready: has it started, and not begun to stop? */
  ready(): boolean;
  /** Runs something in the loop. */
  run<T>(body: () => Promise<T>): Promise<T>;
}

/**
 * Serves `/metrics`, of the queue as BullMQ counts it and of this worker's pool, in the format of Prometheus; and `/health`: 200,
 * or 503 if Redis doesn't answer or the worker stops.
 */
export async function serveMetrics(observed: Observed, port: number, host: string): Promise<Server> {
  const server = createServer(async (request, response) => {
    const page = pages[request.url ?? ""];
    if (page === undefined) {
      response.writeHead(404).end("there are /metrics and /health\n");
      return;
    }
    try {
      const { status, type, text } = await observed.run(() => timeout(PATIENCE, () => page(observed)));
      response.writeHead(status, { "content-type": type }).end(text);
    } catch (error) {
      response.writeHead(503, { "content-type": "text/plain" }).end(`${String(error)}\n`);
    }
  });
  server.listen(port, host);
  await interruptible(once(server, "listening"));
  return server;
}

/** The port that a server listens at. */
export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port; // it listens, and to TCP
}

interface Page {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

const pages: Readonly<Record<string, (observed: Observed) => Promise<Page>>> = {
  "/health": async ({ executor, ready }) => {
    const health = await executor.health();
    const text = `${JSON.stringify({ ready: ready(), ...health, lastError: undefined })}\n`;
    return { status: ready() ? 200 : 503, type: "application/json", text };
  },
  "/metrics": async ({ executor, worker, queue }) => {
    const ofQueue = await interruptible((await executor.queue()).exportPrometheusMetrics());
    const type = "text/plain; version=0.0.4";
    return { status: 200, type, text: `${ofQueue}\n${ofWorker(worker, queue)}` };
  },
};

const POOL = {
  completed: ["counter", "Functions that gave a result in this worker"],
  failed: ["counter", "Functions that failed in this worker"],
  cancelled: ["counter", "Functions that were cancelled in this worker"],
  replaced: ["counter", "Threads or processes of this worker that had to be replaced"],
  busy: ["gauge", "Threads or processes of this worker that run a function"],
  workers: ["gauge", "Threads or processes of this worker"],
} as const;

function ofWorker(worker: DistributedWorker, queue: string): string {
  const statistics = worker.statistics();
  if (statistics === null) return "";
  const label = `{queue="${queue.replace(/[\\"\n]/g, "\\$&")}"}`;
  return Object.entries(POOL)
    .map(([name, [type, help]]) => {
      const metric = `brio_worker_${name}${type === "counter" ? "_total" : ""}`;
      const value = statistics[name as keyof typeof POOL]; // its own key
      return `# HELP ${metric} ${help}\n# TYPE ${metric} ${type}\n${metric}${label} ${value}\n`;
    })
    .join("");
}
