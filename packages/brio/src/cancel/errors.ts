import { inspect } from "node:util";

/** Who asked for a cancellation, and why. */
export interface Cancellation {
  /** What was given to `cancel(reason)`. */
  readonly reason: unknown;
  /** What asked: a task, a timeout, a signal. */
  readonly by: string | undefined;
}

/**
 * The wait was cancelled.
 *
 * It should travel on to whoever cancelled: catch it to clean up, then throw it again. Unlike asyncio's it is
 * an ordinary `Error`, so a catch-all catches it too; the next wait in the cancelled scope will throw it anew.
 */
export class CancelledError extends Error {
  /** What was given to `cancel(reason)`; undefined if nothing was. */
  readonly reason: unknown;
  /** What asked for the cancellation, as far as it is known: `task "fetcher"`, `timeout`, `SIGINT`. */
  readonly by: string | undefined;

  constructor(reason?: unknown, by?: string) {
    super();
    this.reason = reason;
    this.by = by;
  }
}

// One is made for each task that is cancelled, and hardly ever read. (Three quarters of the price of an Error are its own
// properties.)
computed(CancelledError, {
  name: () => "CancelledError",
  message: ({ reason, by }) => describe(reason, by),
});

/**
 * Gives a class of errors texts that are made when they are read. Whoever writes to one gives the error a property of its
 * own.
 */
export function computed<E extends Error>(
  of: abstract new (...args: never) => E,
  texts: { readonly [P in "name" | "message" | "stack"]?: (error: E) => string },
): void {
  for (const [property, text] of Object.entries(texts)) {
    Object.defineProperty(of.prototype, property, {
      configurable: true,
      get(this: E) {
        return text(this);
      },
      set(this: E, value: unknown) {
        Object.defineProperty(this, property, { configurable: true, writable: true, value });
      },
    });
  }
}

/** The time set by `timeout`, `timeoutAt`, `waitFor` or `asCompleted` is over. */
export class TimeoutError extends Error {
  override name = "TimeoutError";
}

/** A future has a result already, or none yet. */
export class InvalidStateError extends Error {
  override name = "InvalidStateError";
}

/**
 * A CancelledError for a wait. Outside debug mode no stack is taken: it is made once per cancelled wait, and a stack would
 * cost ten times as much as all the rest.
 */
export function cancelledError(cause: Cancellation, withStack: boolean): CancelledError {
  if (withStack) return new CancelledError(cause.reason, cause.by);
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  const error = new CancelledError(cause.reason, cause.by); // never throws: the limit is restored
  Error.stackTraceLimit = limit;
  return error;
}

function describe(reason: unknown, by: string | undefined): string {
  const asked = by === undefined ? "cancelled" : `cancelled by ${by}`;
  if (reason === undefined) return asked;
  if (typeof reason === "string") return `${asked}: ${reason}`;
  if (reason instanceof Error) return `${asked}: ${reason.message}`;
  return `${asked}: ${inspect(reason)}`;
}
