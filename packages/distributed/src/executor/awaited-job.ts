import type { EventLoop } from "brio";
import { type ProgressListener, reviveError, type ThrownData } from "brio/threads";
import { JobLostError } from "../queue/errors.ts";
import { decode, type Payload } from "../wire/payload.ts";

/** Of what is awaited: its name for people, and whom to tell. */
export interface AwaitedJobOptions {
  readonly functionId: string;
  readonly loop: EventLoop;
  readonly onProgress: ProgressListener | undefined;
  /** The stack of the code that submitted it: see {@link callSite}. */
  readonly caller: CallSite;
}

/*
 * An awaited job's states, as far as is known here:
 *
 *   unsent -> waiting -> running -> settled
 *                ^----------'  (another attempt; or its worker was lost)
 */
export type AwaitedState = "unsent" | "waiting" | "running" | "settled";

/** One call's view of a job: several may wait for the same. */
export class AwaitedJob {
  /** May change when it is sent: a duplicate becomes the job that it is one of. */
  id: string;
  readonly functionId: string;
  readonly outcome: Promise<unknown>;
  state: AwaitedState = "unsent";
  /** How many checks in a row have not found it in Redis. */
  missed = 0;
  /** What it was cancelled with, as soon as it was. */
  cancelledWith: unknown = undefined;
  private readonly options: AwaitedJobOptions;
  private resolve!: (value: unknown) => void;
  private reject!: (error: unknown) => void;

  constructor(id: string, options: AwaitedJobOptions) {
    this.id = id;
    this.functionId = options.functionId;
    this.options = options;
    this.outcome = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // It may fail before anybody waits for it: while it is being sent.
    this.outcome.catch(() => {});
  }

  get settled(): boolean {
    return this.state === "settled";
  }

  completed(result: Payload): void {
    if (!this.settle()) return;
    try {
      this.resolve(decode(result));
    } catch (error) {
      // Written by a Node whose format is newer.
      this.reject(error);
    }
  }

  /** @param thrown what it failed with; undefined if only BullMQ's `reason` is known */
  failed(thrown: Payload | undefined, reason: string): void {
    if (!this.settle()) return;
    const calledFrom = linesOf(this.options.caller);
    if (thrown === undefined) {
      const error = new Error(reason);
      error.stack = `Error: ${reason}\n${calledFrom}`;
      this.reject(error);
    } else {
      this.reject(reviveError(decode(thrown) as ThrownData, { calledFrom })); // the worker has packed it
    }
  }

  /** It is gone from Redis. */
  vanished(how: "removed" | "lost"): void {
    this.abandon(this.cancelledWith ?? new JobLostError(this.id, this.functionId, how));
  }

  /** It ends here with `error`, whatever becomes of it there. */
  abandon(error: unknown): void {
    if (this.settle()) this.reject(error);
  }

  progressed(value: Payload): void {
    const { onProgress, loop } = this.options;
    // In the loop, so that what it throws is reported there; and before the outcome, which comes behind it.
    if (onProgress !== undefined && !this.settled && !loop.isClosed()) {
      loop.callSoonThreadsafe(() => onProgress(decode(value)));
    }
  }

  private settle(): boolean {
    if (this.settled) return false;
    this.state = "settled";
    return true;
  }
}

/** A stack. V8 makes a text of it when it is read. */
export interface CallSite {
  readonly stack?: string;
}

/** Of the executor's own lines, and those of its caller. Each costs. */
const FRAMES = 6;

/** The stack of the code that calls an executor. */
export function callSite(): CallSite {
  const site = {};
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = Math.min(limit, FRAMES);
  Error.captureStackTrace(site, callSite);
  Error.stackTraceLimit = limit;
  return site;
}

/** The lines of a stack that are not the executor's own. */
function linesOf({ stack = "" }: CallSite): string {
  const at = stack.search(/^\s+at /m);
  if (at < 0) return "";
  return stack.slice(at).replace(/^(?:\s+at \w+\.(?:begin|submitWith|submit|attach) .*\n)+/, "");
}
