import type { EventLoop, Future } from "brio";
import { type ProgressListener, reviveError, type ThrownData } from "brio/threads";
import { JobLostError } from "../queue/errors.ts";
import { decode, type Payload } from "../wire/payload.ts";
import { isStreamItem, type StreamItem } from "../wire/stream-item.ts";

/** Of what is awaited: its name for people, and whom to tell. */
export interface AwaitedJobOptions {
  readonly functionId: string;
  readonly loop: EventLoop;
  readonly onProgress: ProgressListener | undefined;
  /** Takes the items of a result that is streamed. */
  readonly onItem?: ((item: StreamItem) => void) | undefined;
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
  /** Cancelled when the call is; the job may go on then. */
  readonly outcome: Future<unknown>;
  state: AwaitedState = "unsent";
  /** How many checks in a row have not found it in Redis. */
  missed = 0;
  private readonly options: AwaitedJobOptions;
  private tellSettled: (() => void) | null = null;

  constructor(id: string, options: AwaitedJobOptions) {
    this.id = id;
    this.functionId = options.functionId;
    this.options = options;
    this.outcome = options.loop.createFuture();
  }

  /** Has the job ended, or is it given up? */
  get settled(): boolean {
    return this.state === "settled";
  }

  completed(result: Payload): void {
    if (this.settled) return;
    let value: unknown;
    try {
      value = decode(result);
    } catch (error) {
      // Written by a Node whose format is newer.
      this.abandon(error);
      return;
    }
    this.settle();
    if (!this.outcome.done()) this.outcome.setResult(value);
  }

  /** @param thrown what it failed with; undefined if only BullMQ's `reason` is known */
  failed(thrown: Payload | undefined, reason: string): void {
    if (this.settled) return;
    const calledFrom = linesOf(this.options.caller);
    if (thrown !== undefined) {
      this.abandon(reviveError(decode(thrown) as ThrownData, { calledFrom })); // the worker has packed it
      return;
    }
    const error = new Error(reason);
    error.stack = `Error: ${reason}\n${calledFrom ?? ""}`;
    this.abandon(error);
  }

  /** It is gone from Redis. */
  vanished(how: "removed" | "lost"): void {
    this.abandon(new JobLostError(this.id, this.functionId, how));
  }

  /** It ends here with `error`, whatever becomes of it there. */
  abandon(error: unknown): void {
    if (this.settled) return;
    this.settle();
    if (!this.outcome.done() && !this.options.loop.isClosed()) this.outcome.setException(error);
  }

  progressed(value: Payload | StreamItem): void {
    const { onProgress, onItem, loop } = this.options;
    if (isStreamItem(value)) {
      if (!this.settled && !loop.isClosed()) onItem?.(value);
      return;
    }
    // In the loop, so that what it throws is reported there; and before the outcome, which comes behind it.
    if (onProgress !== undefined && !this.settled && !loop.isClosed()) {
      loop.callSoonThreadsafe(() => onProgress(decode(value)));
    }
  }

  /** Resolves when it is settled. */
  whenSettled(): Promise<void> {
    if (this.settled) return Promise.resolve();
    return new Promise((resolve) => {
      const before = this.tellSettled;
      this.tellSettled = () => {
        before?.();
        resolve();
      };
    });
  }

  private settle(): void {
    this.state = "settled";
    this.tellSettled?.();
  }
}

/** A stack. V8 makes a text of it when it is read. */
export interface CallSite {
  readonly stack?: string;
}

/** Of the executor's own lines, and those of its caller. Each costs. */
const FRAMES = 6;

/** So many calls have them in a millisecond: for many small calls, they would cost more than all else here. */
const MOST = 8;

const UNKNOWN: CallSite = {};
const noted = { moment: 0, count: 0 };

/** The stack of the code that calls an executor. */
export function callSite(): CallSite {
  const moment = Math.floor(performance.now());
  if (moment !== noted.moment) Object.assign(noted, { moment, count: 0 });
  if (++noted.count > MOST) return UNKNOWN;
  const site = {};
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = Math.min(limit, FRAMES);
  Error.captureStackTrace(site, callSite);
  Error.stackTraceLimit = limit;
  return site;
}

/** The lines of a stack that are not the executor's own. */
function linesOf({ stack = "" }: CallSite): string | undefined {
  const at = stack.search(/^\s+at /m);
  if (at < 0) return undefined;
  return stack.slice(at).replace(/^(?:\s+at \w+\.(?:begin|call|submitWith|submit|attach) .*\n)+/, "");
}
