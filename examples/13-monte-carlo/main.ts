// What an option is worth, by chance: random paths of a share's price are followed until the estimate is good enough; what
// has been begun beyond that is cancelled. First on the threads of this process; then, with not a line changed, on two
// worker processes over Redis, if there is one. Each batch has its seed, so both come to the same figure.
//
//   node examples/13-monte-carlo/main.ts [--error 0.01] [--paths 100000]
//   BRIO_EXECUTOR=processes:2 node examples/13-monte-carlo/main.ts      elsewhere: one run, as it says
import process from "node:process";
import { parseArgs } from "node:util";
import { getRunningLoop, run } from "brio";
import { createExecutor, type Executor } from "brio/threads";
import { type CallOption, simulate } from "./simulate.ts";
import { answers, withWorkers } from "./workers.ts";

export const OPTION: CallOption = { price: 100, strike: 105, years: 1, rate: 0.03, volatility: 0.2 };

/** What Black and Scholes say that {@link OPTION} is worth: the estimate should come close. */
export const EXACT = 7.1281;

export interface Estimate {
  readonly value: number;
  /** The standard error: in two of three cases, the value is closer than that. */
  readonly error: number;
  readonly paths: number;
}

/** Estimates to within `error`. Batches are made and run as results are taken, in order. */
export async function estimate(executor: Executor, error: number, paths: number): Promise<Estimate> {
  const total = { paths: 0, sum: 0, squares: 0 };
  const batches = (function* () {
    for (let seed = 1; ; seed++) yield { seed, paths, option: OPTION };
  })();
  for await (const sums of executor.map(simulate, batches, { lookAhead: 8 })) {
    total.paths += sums.paths;
    total.sum += sums.sum;
    total.squares += sums.squares;
    const now = estimateOf(total);
    if (now.error <= error) return now; // leaving the loop cancels what is under way
  }
  throw new Error("there is no last batch");
}

function estimateOf({ paths, sum, squares }: { paths: number; sum: number; squares: number }): Estimate {
  const value = sum / paths;
  return { value, error: Math.sqrt((squares / paths - value ** 2) / paths), paths };
}

async function estimateOn(spec: string, title: string, error: number, paths: number): Promise<Estimate> {
  await using executor = await createExecutor(spec);
  const loop = getRunningLoop();
  const started = loop.time();
  const found = await estimate(executor, error, paths);
  const took = ((loop.time() - started) / 1000).toFixed(2);
  const { value, error: left, paths: count } = found;
  console.log(
    `${title}: ${value.toFixed(4)} ± ${left.toFixed(4)}, exactly ${EXACT}, of ${count} paths in ${took} s`,
  );
  return found;
}

export async function main(args: readonly string[]): Promise<void> {
  const text = { type: "string" } as const;
  const { values } = parseArgs({ args: [...args], options: { error: text, paths: text } });
  const error = Number(values.error ?? 0.01);
  const paths = Number(values.paths ?? 100_000);
  const spec = process.env.BRIO_EXECUTOR;
  if (spec !== undefined) {
    await estimateOn(spec, spec, error, paths);
    return;
  }
  const here = await estimateOn("threads:2", "on two threads", error, paths);

  const redis = new URL(process.env.BRIO_REDIS_URL ?? "redis://127.0.0.1:6379");
  if (!(await answers(redis))) {
    console.log(
      `not on worker processes: no Redis at ${redis.host}; start redis-server, or set BRIO_REDIS_URL`,
    );
    return;
  }
  const place = { connection: redis.href, queue: `monte-carlo-${process.pid}` };
  const module = new URL("./simulate.ts", import.meta.url);
  const there = await withWorkers(2, module, place, async () => {
    const queue = new URL(redis);
    queue.pathname = place.queue;
    return await estimateOn(queue.href, "on two worker processes", error, paths);
  });
  console.log(here.value === there.value ? "the same to the last digit" : "not the same: something is wrong");
}

if (import.meta.main) await run(() => main(process.argv.slice(2)));
