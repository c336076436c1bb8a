import { type Executor, InlineExecutor, ProcessPool, ThreadPool } from "brio/threads";
import type { CheckedWorkerOptions } from "./options.ts";

/** The pool on which a worker runs functions. */
export function executorFor({ isolate, concurrency, pool }: CheckedWorkerOptions): Executor {
  // What has come through Redis is a copy already.
  if (isolate === "inline") return new InlineExecutor({ copy: false });
  const options = { ...pool, maxWorkers: concurrency };
  return isolate === "processes" ? new ProcessPool(options) : new ThreadPool(options);
}
