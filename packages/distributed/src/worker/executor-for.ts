import { type Executor, InlineExecutor, ThreadPool } from "brio/threads";
import type { CheckedWorkerOptions } from "./options.ts";

/** The pool on which a worker runs functions. */
export function executorFor({ isolate, concurrency, pool }: CheckedWorkerOptions): Executor {
  if (isolate === "inline") return new InlineExecutor();
  return new ThreadPool({ ...pool, maxWorkers: concurrency });
}
