import { type Duration, optionalMilliseconds } from "../loop/duration.ts";
import type { Alarm } from "../loop/handle.ts";
import type { Cancellation } from "./errors.ts";
import { requireScope, Scope } from "./scope.ts";

/** A scope that cancellation from outside does not enter, at most until a grace period is over. */
export class ShieldedScope extends Scope {
  private readonly grace: number | null;
  private alarm: Alarm | null = null;
  private isOpen = false;

  constructor(outer: Scope, grace: number | null) {
    super(outer.loop, outer.owner, outer, outer.variables);
    this.grace = grace;
    if (outer.inForce() !== null) this.struckOutside();
  }

  override get shielded(): boolean {
    return !this.isOpen;
  }

  protected override struckOutside(): void {
    if (this.grace === null || this.alarm !== null || this.exited) return;
    this.alarm = this.loop.alarm(this.loop.time() + this.grace, () => this.open());
  }

  /** The grace is over: what was kept out comes in. */
  private open(): void {
    this.isOpen = true;
    const outside = (this.parent as Scope).deliver() ?? (this.parent as Scope).inForce();
    if (outside === null) return;
    const cause: Cancellation = {
      reason: outside.reason,
      by: `${outside.by ?? "cancel()"} (the grace of ${this.grace} ms is over)`,
    };
    if (!this.strike(cause)) {
      this.cause = cause;
      this.undelivered = true;
    }
  }

  override exit(): void {
    this.alarm?.cancel();
    super.exit();
  }
}

/** Options of {@link uncancellable}. */
export interface UncancellableOptions {
  /** How long a cancellation is kept out, counted from when it is asked for; null: for ever. Default "5s". */
  grace?: Duration | null;
}

/**
 * Runs clean-up that has to wait, in a scope that is being cancelled: cancellation from outside does not reach
 * `body` until `grace` is over. A cancellation that came in meanwhile is delivered at the next wait after it.
 *
 * *Cancel safety*: not cancelled from outside before `grace` has passed; then the body's waits throw
 * `CancelledError`.
 *
 * @throws what `body` throws; TypeError if it is not a function; RuntimeError outside a task.
 *
 * @example
 * ```ts
 * import { createTask, run, sleep, uncancellable } from "brio";
 *
 * await run(async () => {
 *   const task = createTask(async () => {
 *     try {
 *       await sleep("1h");
 *     } finally {
 *       await uncancellable(() => sleep("10ms")); // say goodbye to a server
 *     }
 *   });
 *   await sleep("10ms");
 *   await using _ = task; // cancels it, and waits
 * });
 * ```
 */
export async function uncancellable<T>(
  body: () => PromiseLike<T> | T,
  options: UncancellableOptions = {},
): Promise<T> {
  if (typeof body !== "function") {
    throw new TypeError("uncancellable() takes a function: uncancellable(() => connection.close())");
  }
  const grace = options.grace === undefined ? DEFAULT_GRACE : optionalMilliseconds(options.grace, "grace");
  const outer = requireScope("uncancellable()");
  const scope = new ShieldedScope(outer, grace);
  outer.enter(scope);
  try {
    return await scope.run(call<T>, body);
  } finally {
    scope.exit();
  }
}

const DEFAULT_GRACE = 5000;

async function call<T>(body: () => PromiseLike<T> | T): Promise<T> {
  return await body();
}
