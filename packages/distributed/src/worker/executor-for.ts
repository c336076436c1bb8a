import { type Executor, InlineExecutor } from "brio/threads";
import type { CheckedWorkerOptions } from "./options.ts";

/** The pool on which a worker runs functions. */
export function executorFor({ isolate }: CheckedWorkerOptions): Executor {
  if (isolate === "inline") return new InlineExecutor();
  return new InlineExecutor();
}
