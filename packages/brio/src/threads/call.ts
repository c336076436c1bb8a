import { type Cancellation, CancelledError, cancelledError, TimeoutError } from "../cancel/errors.ts";
import type { Scope } from "../cancel/scope.ts";
import { FAILED, Wait, type WaitSource } from "../cancel/wait.ts";
import type { Alarm } from "../loop/handle.ts";
import type { Loop } from "../loop/loop.ts";
import type { FunctionName } from "../run/loop-executor.ts";
import type { Task } from "../tasks/task.ts";
import { reviveError } from "./error-data.ts";
import type { CheckedCallOptions } from "./executor.ts";
import type { PoolWorker } from "./pool-worker.ts";
import {
  CANCELLED,
  ERROR,
  UNCOPIED,
  VALUE,
  VALUE_AFTER_ALL,
  type WireExtras,
  type WireReply,
} from "./protocol.ts";

/** What a call asks of its pool. */
export interface CallOwner {
  /** The call is cancelled before a worker has begun it. */
  dropped(call: Call): void;
  toString(): string;
}

/*
 * A call's states
 *
 *   queued ── a worker is sent it ──> sent ── reply, or the worker ends ──> over
 *     │  ^                              │
 *     │  └── taken back, or begun again ┤
 *     │                                 └── cancelled, and begun: the worker is told, the wait goes on ──> over
 *     └── cancelled (also sent, and not begun): the wait is struck
 *
 * The task that made the call waits for it in `wait`.
 */

/** A call that a pool was given, as what its task waits for. */
export class Call implements WaitSource<unknown> {
  readonly kind = "executor call";
  readonly fn: FunctionName;
  readonly args: readonly unknown[];
  readonly options: CheckedCallOptions;
  readonly extras: WireExtras | undefined;
  /** Its number at the worker that it was sent to. */
  id = 0;
  worker: PoolWorker | null = null;
  /** The task that waits for it. */
  task: Task<unknown> | null = null;
  /** How often it was begun, as far as is known. */
  attempts = 0;
  /** Takes what comes before the result: progress, items. */
  readonly listener: ((reply: WireReply) => void) | null;
  private readonly owner: CallOwner;
  private readonly site: { readonly stack?: string };
  private wait: Wait<unknown> | null = null;
  private cause: Cancellation | null = null;
  private expired = false;
  private clock: Alarm | null = null;
  private failed = false;
  private unbegun = false;
  private outcome: unknown = undefined;

  constructor(
    owner: CallOwner,
    fn: FunctionName,
    args: readonly unknown[],
    options: CheckedCallOptions,
    extras: WireExtras | undefined,
    listener: ((reply: WireReply) => void) | null,
    site: { readonly stack?: string },
  ) {
    this.owner = owner;
    this.fn = fn;
    this.args = args;
    this.options = options;
    this.extras = extras;
    this.listener = listener;
    this.site = site;
  }

  /** Hands it to `enqueue`, and waits for it. */
  begin(scope: Scope, enqueue: (call: Call) => void): Promise<unknown> {
    this.wait = new Wait<unknown>(scope, this);
    enqueue(this);
    return this.wait.begin();
  }

  get loop(): Loop {
    return (this.wait as Wait<unknown>).scope.loop; // it is waited for as soon as it is made
  }

  /** May it be sent to a worker that is busy? Not if it can't be taken back, or must be known to have begun. */
  get patient(): boolean {
    const { transfer, timeout } = this.options;
    return transfer === undefined && timeout === null;
  }

  // -- its way -----------------------------------------------------------------------------------------

  /** A worker has been sent it. */
  sent(worker: PoolWorker, id: number): void {
    this.worker = worker;
    this.id = id;
    const { timeout } = this.options;
    if (timeout === null) return;
    this.clock = this.loop.alarm(this.loop.time() + timeout, () => this.expire());
  }

  private expire(): void {
    this.expired = true;
    const cause = { reason: undefined, by: "a timeout" };
    if (this.stop(cause)) return;
    this.fail(this.cancellation(cause));
    this.owner.dropped(this);
  }

  /** It goes back into the queue. */
  takenBack(): void {
    this.worker = null;
    this.clock?.cancel();
  }

  /** Its worker has ended in the midst of it. May it be begun again? */
  get mayTryAgain(): boolean {
    return this.cause === null && this.attempts < this.options.attempts;
  }

  replied(reply: WireReply): void {
    switch (reply[1]) {
      case VALUE:
        if (this.cause === null) this.succeed(reply[2]);
        else this.fail(this.cancellation(this.cause));
        break;
      case VALUE_AFTER_ALL:
        this.succeed(reply[2]);
        break;
      case ERROR:
        this.fail(reviveError(reply[2], { calledFrom: this.calledFrom }));
        break;
      case CANCELLED:
        this.fail(this.cause === null ? reviveError(reply[2]) : this.cancellation(this.cause));
        break;
      case UNCOPIED:
        this.fail(this.dressed(new TypeError(`what ${this.fn.id} returned can't be copied: ${reply[2]}`)));
        break;
      default:
        this.listener?.(reply);
    }
  }

  /** It has no result any more, and ended with an error of ours; or it was cancelled, and its worker was stopped. */
  lost(error: Error): void {
    this.fail(this.cause === null ? this.dressed(error) : this.cancellation(this.cause));
  }

  private cancellation(cause: Cancellation): Error {
    if (this.expired) {
      const { timeout } = this.options;
      return this.dressed(new TimeoutError(`${this.fn.id} took longer than its timeout of ${timeout} ms`));
    }
    return cancelledError(cause, this.loop.debug);
  }

  private dressed(error: Error): Error {
    error.stack = `${error.name}: ${error.message}\n${this.calledFrom}`;
    return error;
  }

  /** The lines that made the call. */
  private get calledFrom(): string {
    return (this.site.stack ?? "").split("\n").slice(1).join("\n");
  }

  private succeed(value: unknown): void {
    this.outcome = value;
    this.over();
  }

  private fail(error: unknown): void {
    this.failed = true;
    this.outcome = error;
    this.over();
  }

  private over(): void {
    this.worker = null;
    this.clock?.cancel();
    this.wait?.grant();
  }

  /** How it ended, for statistics. */
  get ending(): "completed" | "failed" | "cancelled" {
    if (this.unbegun) return "cancelled";
    if (!this.failed) return "completed";
    return this.outcome instanceof CancelledError ? "cancelled" : "failed";
  }

  // -- cancelling --------------------------------------------------------------------------------------

  /** True if the worker has been told, and the wait goes on; false if it was not begun anywhere, and is gone. */
  private stop(cause: Cancellation): boolean {
    const { worker } = this;
    this.cause ??= cause;
    if (worker === null || worker.takeBack(this)) {
      this.takenBack();
      return false;
    }
    worker.stop(this, cause.reason);
    return true;
  }

  divert(_wait: Wait<unknown>, cause: Cancellation): boolean {
    if (this.cause !== null) {
      // One who cancels wins over its timeout.
      this.expired = false;
      this.cause = cause;
      return true;
    }
    if (this.stop(cause)) return true;
    this.unbegun = true;
    this.owner.dropped(this);
    return false;
  }

  take(wait: Wait<unknown>): unknown {
    if (!this.failed) return this.outcome;
    wait.value = this.outcome;
    return FAILED;
  }

  withdraw(): undefined {}

  toString(): string {
    const where = this.worker === null ? "queued" : `in ${this.worker}`;
    const stopping = this.cause === null ? "" : ", told to stop";
    return `${this.fn.id} (${where}${stopping}) of ${this.owner}`;
  }
}
