import { inspect } from "node:util";
import { CancelledError } from "../cancel/errors.ts";
import { type Duration, milliseconds } from "../loop/duration.ts";
import { sleep } from "./sleep.ts";

/** How the pauses of {@link retry} grow. */
export interface Backoff {
  /** The pause after the first failure. Default "100ms". */
  initial?: Duration;
  /** Each pause is this many times as long as the one before; >= 1. Default 2. */
  factor?: number;
  /** No pause is longer. Default "30s". */
  max?: Duration;
}

/** Options of {@link retry}. */
export interface RetryOptions {
  /** How often `fn` is called at most, an integer >= 1. Default 3. `Infinity`: until it succeeds or is cancelled. */
  attempts?: number;
  /** The pauses between attempts; a duration: always the same one. */
  backoff?: Duration | Backoff;
  /** What part of each pause is left to chance, from 0 (none) to 1 (all, the default): spreads clients that failed together. */
  jitter?: number;
  /** Try again after this error? Default: after every error. A cancellation is never retried. */
  when?: (error: unknown, attempt: number) => boolean;
  /** Called before each pause, with the error and the length of the pause in milliseconds. */
  onRetry?: (error: unknown, attempt: number, pause: number) => void;
  /** Where chance comes from, a number in [0, 1). Default `Math.random`. */
  random?: () => number;
}

/**
 * Calls `fn(attempt)` (1, 2, ...) until it succeeds; pauses between attempts grow and are spread by chance.
 *
 * *Cancel safety*: a cancellation ends the attempt or the pause, and is not retried.
 *
 * @throws the error of the last attempt; RangeError for options that make no sense.
 *
 * @example
 * ```ts
 * import { retry, run } from "brio";
 *
 * await run(async () => {
 *   const answer = await retry(
 *     async (attempt) => {
 *       if (attempt < 3) throw new Error("busy");
 *       return attempt;
 *     },
 *     { attempts: 5, backoff: "1ms" },
 *   );
 *   console.log(answer); // 3
 * });
 * ```
 */
export async function retry<T>(
  fn: (attempt: number) => PromiseLike<T> | T,
  options: RetryOptions = {},
): Promise<T> {
  if (typeof fn !== "function")
    throw new TypeError("retry() takes a function: retry((attempt) => fetchPage(url))");
  const { attempts = 3, jitter = 1, when = () => true, onRetry, random = Math.random } = options;
  if (!(attempts >= 1 && (Number.isInteger(attempts) || attempts === Number.POSITIVE_INFINITY))) {
    throw new RangeError(`attempts must be an integer >= 1, or Infinity; got ${inspect(attempts)}`);
  }
  if (!(jitter >= 0 && jitter <= 1))
    throw new RangeError(`jitter must be from 0 to 1; got ${inspect(jitter)}`);
  const pauseAfter = pauses(options.backoff ?? {});
  for (let attempt = 1; ; attempt++) {
    try {
      return await fn(attempt);
    } catch (error) {
      if (error instanceof CancelledError || attempt >= attempts || !when(error, attempt)) throw error;
      const full = pauseAfter(attempt);
      const pause = full * (1 - jitter * random());
      onRetry?.(error, attempt, pause);
      await sleep(pause);
    }
  }
}

/** How long to pause after attempt 1, 2, ..., in milliseconds, before chance has its part. */
function pauses(backoff: Duration | Backoff): (attempt: number) => number {
  if (typeof backoff !== "object") {
    const length = milliseconds(backoff, "backoff");
    return () => length;
  }
  const { factor = 2 } = backoff;
  if (!(factor >= 1)) throw new RangeError(`backoff.factor must be >= 1; got ${inspect(factor)}`);
  const initial = milliseconds(backoff.initial ?? "100ms", "backoff.initial");
  const max = milliseconds(backoff.max ?? "30s", "backoff.max");
  return (attempt) => Math.min(max, initial * factor ** (attempt - 1));
}
