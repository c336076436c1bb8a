import { inspect } from "node:util";
import { type Backoff, type Duration, milliseconds } from "brio";
import {
  HttpBodyError,
  HttpConnectionError,
  HttpError,
  HttpRedirectError,
  HttpTimeoutError,
} from "./errors.ts";
import { checkedCount, checkKeys, type HttpRetry, type Milliseconds } from "./options.ts";

/** Methods that may be sent again though the server may have seen them. */
const IDEMPOTENT: readonly string[] = ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"];

/** Answers that say: not now. */
const TRANSIENT: readonly number[] = [408, 425, 429, 502, 503, 504];

/** Of these, the first is safe for every method: the server has not acted. */
const NOT_ACTED_ON: ReadonlySet<number> = new Set([425, 429]);

const DEFAULT_BACKOFF: Backoff = { initial: "200ms", factor: 2, max: "30s" };

const OPTIONS: Readonly<Record<keyof HttpRetry, true>> = {
  attempts: true,
  backoff: true,
  jitter: true,
  methods: true,
  statuses: true,
  maxRetryAfter: true,
};

/** A request that might be sent again. */
export interface Retryable {
  readonly method: string;
  /** Has it a key by which the server knows it again? */
  readonly keyed: boolean;
  /** Can its body be sent again? */
  readonly replayable: boolean;
}

/** Decides whether a request is sent again, and after which pause. */
export class RetryPolicy {
  private readonly attempts: number;
  private readonly methods: ReadonlySet<string>;
  private readonly statuses: ReadonlySet<number>;
  private readonly maxRetryAfter: Milliseconds;
  private readonly jitter: number;
  private readonly pauseAfter: (attempt: number) => Milliseconds;

  /** @throws TypeError or RangeError that names the option. */
  constructor(options: HttpRetry | false | undefined) {
    const given = options === false ? { attempts: 1 } : (options ?? {});
    if (typeof given !== "object" || given === null)
      throw new TypeError(`retry must be options such as { attempts: 5 }, or false; got ${inspect(options)}`);
    checkKeys(given, "retry", OPTIONS);
    this.attempts = checkedCount("retry.attempts", given.attempts, 1, 3);
    this.methods = new Set((given.methods ?? IDEMPOTENT).map((method) => method.toUpperCase()));
    this.statuses = new Set(given.statuses ?? TRANSIENT);
    this.maxRetryAfter = milliseconds(given.maxRetryAfter ?? "1m", "retry.maxRetryAfter");
    this.jitter = given.jitter ?? 1;
    if (!(this.jitter >= 0 && this.jitter <= 1))
      throw new RangeError(`retry.jitter must be from 0 to 1; got ${inspect(given.jitter)}`);
    this.pauseAfter = pauses(given.backoff ?? DEFAULT_BACKOFF);
  }

  /** May a request be sent again because of such an answer? It depends on the request then, and on what the server asks for. */
  minds(status: number, attempt: number): boolean {
    return attempt < this.attempts && this.statuses.has(status);
  }

  /** How long to wait before the request is sent again because of an answer; null: the answer is final. */
  afterAnswer(
    request: Retryable,
    status: number,
    retryAfter: string | null,
    attempt: number,
  ): Milliseconds | null {
    if (!this.minds(status, attempt) || !request.replayable) return null;
    if (!this.mayRepeat(request) && !NOT_ACTED_ON.has(status)) return null;
    const asked = retryAfter === null ? null : askedFor(retryAfter);
    if (asked === null) return this.chance(attempt);
    return asked > this.maxRetryAfter ? null : asked;
  }

  /** How long to wait before the request is sent again because of an error; null: the error is final. */
  afterError(request: Retryable, error: unknown, attempt: number): Milliseconds | null {
    if (attempt >= this.attempts || !request.replayable || !(error instanceof HttpError)) return null;
    if (error instanceof HttpRedirectError || error instanceof HttpBodyError) return null;
    if (error instanceof HttpTimeoutError && error.phase === "total") return null;
    const unseen = (error instanceof HttpConnectionError || error instanceof HttpTimeoutError) && !error.sent;
    return unseen || this.mayRepeat(request) ? this.chance(attempt) : null;
  }

  private mayRepeat({ method, keyed }: Retryable): boolean {
    return keyed || this.methods.has(method);
  }

  private chance(attempt: number): Milliseconds {
    return this.pauseAfter(attempt) * (1 - this.jitter * Math.random());
  }
}

/** What `Retry-After` asks for: seconds, or a date. Null if it is neither. */
export function askedFor(retryAfter: string): Milliseconds | null {
  if (/^\s*\d+\s*$/.test(retryAfter)) return Number(retryAfter) * 1000;
  const date = Date.parse(retryAfter);
  return Number.isNaN(date) ? null : Math.max(0, date - Date.now());
}

function pauses(backoff: Duration | Backoff): (attempt: number) => Milliseconds {
  if (typeof backoff !== "object") {
    const length = milliseconds(backoff, "retry.backoff");
    return () => length;
  }
  const { factor = 2 } = backoff;
  if (!(factor >= 1)) throw new RangeError(`retry.backoff.factor must be >= 1; got ${inspect(factor)}`);
  const initial = milliseconds(backoff.initial ?? "200ms", "retry.backoff.initial");
  const max = milliseconds(backoff.max ?? "30s", "retry.backoff.max");
  return (attempt) => Math.min(max, initial * factor ** (attempt - 1));
}
