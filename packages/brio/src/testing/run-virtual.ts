import { run } from "../run/run.ts";
import type { RunOptions } from "../run/runner.ts";
import type { Source } from "../tasks/coroutine.ts";
import { VirtualClock } from "./virtual-clock.ts";

/**
 * Like `run`, in virtual time: sleeps take no time, and a program that can't go on gets its `DeadlockError` at once.
 * Signals are left alone.
 *
 * *Cancel safety*: cancelled through `options.signal`, it ends as soon as main has ended.
 *
 * @throws what main throws; DeadlockError; RuntimeError inside a running loop.
 *
 * @example
 * ```ts
 * import { getRunningLoop, sleep } from "brio";
 * import { runVirtual } from "brio/testing";
 *
 * await runVirtual(async () => {
 *   await sleep("1h");
 *   console.log(getRunningLoop().time()); // 3600000
 * });
 * ```
 */
export function runVirtual<T>(main: Source<T>, options: Omit<RunOptions, "clock"> = {}): Promise<T> {
  return run(main, { handleSignals: false, ...options, clock: new VirtualClock() });
}
