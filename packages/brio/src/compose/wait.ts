import { inspect } from "node:util";
import { requireScope } from "../cancel/scope.ts";
import { PlainSource, Wait } from "../cancel/wait.ts";
import { type Duration, optionalMilliseconds } from "../loop/duration.ts";
import { isIterable } from "../tasks/awaitable.ts";
import { isThenable } from "../tasks/coroutine.ts";
import { Future } from "../tasks/future.ts";
import { Watcher } from "../tasks/listeners.ts";

/** `wait` returns as soon as one of its futures is done. */
export const FIRST_COMPLETED = "FIRST_COMPLETED";
/** `wait` returns as soon as one of its futures has failed, or when all are done. A cancelled one has not failed. */
export const FIRST_EXCEPTION = "FIRST_EXCEPTION";
/** `wait` returns when all of its futures are done. */
export const ALL_COMPLETED = "ALL_COMPLETED";

/** When {@link wait} returns. */
export type ReturnWhen = typeof FIRST_COMPLETED | typeof FIRST_EXCEPTION | typeof ALL_COMPLETED;

/** Options of {@link wait}. */
export interface WaitOptions {
  /** Return at the latest after this time, with what is done by then. Default: no limit. */
  timeout?: Duration | null;
  /** Return when all are done (default), when the first is, or when the first has failed. */
  returnWhen?: ReturnWhen;
}

/** What {@link wait} resolves with: its futures, in two sets. */
export interface WaitResult<F> {
  readonly done: Set<F>;
  readonly pending: Set<F>;
}

/** The futures of one call. */
class Futures extends PlainSource<undefined> {
  private readonly futures: ReadonlySet<Future<unknown>>;

  constructor(futures: ReadonlySet<Future<unknown>>) {
    super(`${futures.size} future${futures.size === 1 ? "" : "s"}`, "wait");
    this.futures = futures;
  }

  blockers(): Iterable<object> {
    return [...this.futures].filter((future) => !future.done());
  }
}

const MODES: readonly string[] = [FIRST_COMPLETED, FIRST_EXCEPTION, ALL_COMPLETED];

/**
 * Waits for tasks or futures, and tells which are done. It never throws their errors, cancels none of them, and
 * a timeout is no error.
 *
 * *Cancel safety*: the futures go on.
 *
 * @throws RangeError if there is nothing to wait for, or `returnWhen` is unknown; TypeError for anything that is
 * not a future.
 *
 * @example
 * ```ts
 * import { createTask, FIRST_COMPLETED, run, sleep, wait } from "brio";
 *
 * await run(async () => {
 *   const tasks = [createTask(() => sleep("10ms", "fast")), createTask(() => sleep("1h", "slow"))];
 *   const { done, pending } = await wait(tasks, { returnWhen: FIRST_COMPLETED });
 *   console.log(done.size, pending.size); // 1 1
 * });
 * ```
 */
export async function wait<F extends Future<unknown>>(
  futures: Iterable<F>,
  options: WaitOptions = {},
): Promise<WaitResult<F>> {
  const { returnWhen = ALL_COMPLETED } = options;
  if (!isIterable(futures)) {
    throw new TypeError(`wait() takes an iterable of futures: wait([task]); got ${inspect(futures)}`);
  }
  const all = new Set(futures);
  if (all.size === 0) throw new RangeError("wait() was given nothing to wait for: pass at least one future");
  if (!MODES.includes(returnWhen)) {
    throw new RangeError(`returnWhen must be one of ${MODES.join(", ")}; got ${inspect(returnWhen)}`);
  }
  for (const future of all) {
    if (future instanceof Future) continue;
    const what =
      typeof future === "function" || isThenable(future)
        ? "a coroutine, function or promise"
        : inspect(future);
    throw new TypeError(`wait() takes tasks and futures, got ${what}: wait([createTask(work)])`);
  }
  const limit = optionalMilliseconds(options.timeout, "timeout");
  const scope = requireScope("wait()");
  const { loop } = scope;

  const suspension = new Wait<undefined>(scope, new Futures(all));
  const alarm = limit === null ? null : loop.alarm(loop.time() + limit, () => void suspension.grant());
  let open = all.size;
  const watcher = new Watcher((future) => {
    open--;
    if (open > 0 && returnWhen === ALL_COMPLETED) return;
    if (open > 0 && returnWhen === FIRST_EXCEPTION && !future.rejected) return;
    alarm?.cancel();
    suspension.grant();
  }, scope.owner);
  for (const future of all) future.observe(watcher);
  try {
    await suspension.begin();
  } finally {
    alarm?.cancel();
    for (const future of all) future.unobserve(watcher);
  }
  const done = new Set<F>();
  const pending = new Set<F>();
  for (const future of all) (future.done() ? done : pending).add(future);
  return { done, pending };
}
