import type { Source } from "../tasks/coroutine.ts";
import { Runner, type RunOptions } from "./runner.ts";

/**
 * Runs `main` in an event loop of its own: the way into brio. When main has ended, the tasks that are left are
 * cancelled and waited for, errors that nobody has seen are reported, and signal handlers are removed.
 *
 * SIGINT and SIGTERM cancel main (exit codes 130 and 143); the second one ends the process at once. When nothing is
 * left that could wake main, it is cancelled, and `run` throws a {@link DeadlockError}.
 *
 * *Cancel safety*: cancelled through `options.signal`, it ends as soon as main has ended.
 *
 * @throws what main throws; RuntimeError inside a running loop.
 *
 * @example
 * ```ts
 * import { run, sleep } from "brio";
 *
 * const answer = await run(async () => {
 *   await sleep("10ms");
 *   return 42;
 * });
 * console.log(answer); // 42
 * ```
 */
export async function run<T>(main: Source<T>, options: RunOptions = {}): Promise<T> {
  const runner = new Runner(options);
  try {
    return await runner.run(main);
  } finally {
    await runner.close();
  }
}
