import { parseArgs } from "node:util";
import { type Duration, milliseconds } from "brio";
import type { DistributedWorkerOptions } from "../worker/options.ts";

export const USAGE = `Runs the functions of some modules, as workers of a queue.

  brio-worker MODULE... --queue NAME [options]

  --queue NAME             the queue (required)
  --connection URL         where Redis is (default: $BRIO_REDIS_URL, or redis://127.0.0.1:6379)
  --prefix PREFIX          what the queue's keys begin with (default: bull)
  --concurrency N          how many jobs run at once (default: one for each processor)
  --isolate KIND           where they run: threads (default), processes, or inline
  --memory MB              the heap of each thread
  --name NAME              this worker's name (default: host and process id)
  --limit MAX/TIME         at most so many jobs, over all workers of the queue: 100/1s
  --max-result-bytes N     how large results may be (default: 1048576)
  --max-stalled-count N    how often a job is begun again because its worker was lost (default: 1)
  --lock-duration TIME     after which time without a sign of life a worker counts as lost (default: 30s)
  --stalled-interval TIME  how often is looked for jobs of lost workers (default: 30s)
  --drain TIME             how long running jobs may take to end after SIGTERM or SIGINT (default: 30s)
  --metrics-port PORT      serve /metrics (Prometheus) and /health at this port
  --metrics-host HOST      ... of this address (default: 127.0.0.1)
  --quiet                  write errors only
  --help, --version

SIGTERM or SIGINT: takes no more jobs, and ends when those that run have ended. What has not ended after --drain, or when a
second signal comes, is cancelled and given back to the queue; a third signal kills.

Exit codes: 0 stopped, all jobs ended; 1 could not start; 2 wrong usage; 143 or 130 stopped, and jobs were given back.`;

/** What is to be done: print something, or work. */
export type Command =
  | { readonly do: "print"; readonly what: "usage" | "version" }
  | {
      readonly do: "work";
      readonly worker: DistributedWorkerOptions;
      readonly drain: Duration;
      readonly metrics: { readonly port: number; readonly host: string } | null;
      readonly quiet: boolean;
    };

/** Wrong usage: what is wrong. */
export class UsageError extends Error {
  override name = "UsageError";
}

const text = { type: "string" } as const;
const flag = { type: "boolean" } as const;

/** @throws UsageError */
export function commandOf(args: readonly string[], env: NodeJS.ProcessEnv): Command {
  const { values, positionals } = parsed(args);
  if (values.help === true) return { do: "print", what: "usage" };
  if (values.version === true) return { do: "print", what: "version" };
  if (positionals.length === 0)
    throw new UsageError("say whose functions to run: brio-worker ./jobs.js --queue NAME");
  if (values.queue === undefined) throw new UsageError("say which queue to work for: --queue NAME");
  const { isolate, limit } = values;
  const heap = whole("memory", values.memory);
  if (isolate !== undefined && !["threads", "processes", "inline"].includes(isolate))
    throw new UsageError(`--isolate is threads, processes or inline; got ${isolate}`);
  return {
    do: "work",
    worker: {
      modules: positionals,
      queue: values.queue,
      connection: values.connection ?? env.BRIO_REDIS_URL ?? "redis://127.0.0.1:6379",
      prefix: values.prefix,
      concurrency: whole("concurrency", values.concurrency),
      isolate: isolate as DistributedWorkerOptions["isolate"], // checked above
      pool: heap === undefined ? undefined : { resourceLimits: { maxOldGenerationSizeMb: heap } },
      name: values.name,
      limiter: limit === undefined ? undefined : limiter(limit),
      maxResultBytes: whole("max-result-bytes", values["max-result-bytes"]),
      maxStalledCount: whole("max-stalled-count", values["max-stalled-count"]),
      lockDuration: duration("lock-duration", values["lock-duration"]),
      stalledInterval: duration("stalled-interval", values["stalled-interval"]),
    },
    drain: duration("drain", values.drain) ?? "30s",
    metrics: metrics(values["metrics-port"], values["metrics-host"]),
    quiet: values.quiet === true,
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        queue: text,
        connection: text,
        prefix: text,
        concurrency: text,
        isolate: text,
        memory: text,
        name: text,
        limit: text,
        "max-result-bytes": text,
        "max-stalled-count": text,
        "lock-duration": text,
        "stalled-interval": text,
        drain: text,
        "metrics-port": text,
        "metrics-host": text,
        quiet: flag,
        help: { ...flag, short: "h" },
        version: flag,
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message); // what parseArgs throws
  }
}

function whole(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value)) return Number(value);
  throw new UsageError(`--${name} takes a whole number; got ${value}`);
}

/** A number without a unit is milliseconds. */
function duration(name: string, value: string | undefined): Duration | undefined {
  if (value === undefined) return undefined;
  const given = (/^\d+$/.test(value) ? Number(value) : value) as Duration; // or milliseconds() throws
  try {
    milliseconds(given, `--${name}`);
    return given;
  } catch (error) {
    throw new UsageError((error as Error).message); // what milliseconds() throws
  }
}

function limiter(value: string): { max: number; duration: number } {
  const [max, time] = value.split("/");
  if (max === undefined || time === undefined || !/^\d+$/.test(max))
    throw new UsageError(`--limit takes jobs per time, as in 100/1s; got ${value}`);
  return { max: Number(max), duration: milliseconds(duration("limit", time) ?? 0) };
}

function metrics(port: string | undefined, host = "127.0.0.1"): { port: number; host: string } | null {
  const number = whole("metrics-port", port);
  return number === undefined ? null : { port: number, host };
}
