import { inspect } from "node:util";
import type { Executor } from "./executor.ts";
import { InlineExecutor } from "./inline-executor.ts";
import { ProcessPool, type ProcessPoolOptions } from "./process-pool.ts";
import { ThreadPool, type ThreadPoolOptions } from "./thread-pool.ts";

/** Options for whatever executor is made; each takes those that it knows. */
export interface ExecutorOptions extends ThreadPoolOptions, ProcessPoolOptions {}

/** What `@brio/distributed` exports for us. */
interface Distributed {
  createDistributedExecutor(url: string, options: object): Executor;
}

/** Not a literal in the import: it is there only for those who have installed it. */
const DISTRIBUTED: string = "@brio/distributed";

/**
 * Makes the executor that a word names: so that the same program runs in one thread in a test, on the threads of a laptop,
 * and on other machines, as its environment says.
 *
 * - `"threads"` (also empty or undefined), `"threads:4"`: a `ThreadPool`, with so many threads
 * - `"processes"`, `"processes:2"`: a `ProcessPool`
 * - `"inline"`: an `InlineExecutor`
 * - `"redis://host:port/queue"`, `"rediss://..."`: a `DistributedExecutor` of the package `@brio/distributed`
 *
 * *Cancel safety*: there is nothing to cancel but the import of a package, which goes on.
 *
 * @throws RangeError if the word is unknown; Error if `@brio/distributed` is needed and not installed.
 *
 * @example
 * ```ts
 * import { run } from "brio";
 * import { createExecutor, references } from "brio/threads";
 *
 * const path = references<typeof import("node:path")>("node:path");
 *
 * await run(async () => {
 *   await using executor = await createExecutor(process.env.BRIO_EXECUTOR);
 *   console.log(await executor.submit(path.basename, "/tmp/a.txt")); // a.txt
 * });
 * ```
 */
export async function createExecutor(spec?: string, options: ExecutorOptions = {}): Promise<Executor> {
  if (spec !== undefined && typeof spec !== "string") throw unknown(spec);
  const named = /^(?:(threads|processes)(?::(\d+))?|inline)?$/.exec(spec ?? "");
  if (named !== null) {
    const [word, kind, count] = named;
    const size = count === undefined ? {} : { maxWorkers: Number(count) };
    if (word === "inline") return new InlineExecutor();
    return kind === "processes"
      ? new ProcessPool({ ...options, ...size })
      : new ThreadPool({ ...options, ...size });
  }
  if (spec === undefined || !/^rediss?:\/\//.test(spec)) throw unknown(spec);
  return (await distributed(spec)).createDistributedExecutor(spec, options);
}

function unknown(spec: unknown): RangeError {
  return new RangeError(
    `createExecutor() knows "threads", "threads:4", "processes:2", "inline" and "redis://host:port/queue"; got ${inspect(spec)}`,
  );
}

async function distributed(spec: string): Promise<Distributed> {
  try {
    return (await import(/* @vite-ignore */ DISTRIBUTED)) as Distributed; // which promises it
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw cause;
    throw new Error(
      `createExecutor(${inspect(spec)}) needs the package ${DISTRIBUTED}: npm install ${DISTRIBUTED}`,
      {
        cause,
      },
    );
  }
}
