import { inspect } from "node:util";
import { type Duration, milliseconds } from "brio";

/** How many connections a pool has, and for how long. */
export interface PoolOptions {
  /** At most so many connections. Default 10. */
  readonly max?: number;
  /** So many are kept when nobody needs them. Default 0. */
  readonly min?: number;
  /** How long to wait for a connection; null: for ever. Default "30s". */
  readonly acquireTimeout?: Duration | null;
  /** How many tasks may wait for a connection: the next is refused at once. Default: any number. */
  readonly maxWaiting?: number;
  /** A connection that nobody has needed for so long is closed, but for the last `min`; null: never. Default "1m". */
  readonly idleTimeout?: Duration | null;
  /** A connection that is so old is closed when it comes back; null: never. Default "30m". */
  readonly maxLifetime?: Duration | null;
  /** A connection that was idle for so long is asked whether it still answers before it is given out; null: never. Default "1s". */
  readonly checkAfter?: Duration | null;
  /** How long that, making a connection, and stopping a statement may take. Default "5s". */
  readonly checkTimeout?: Duration;
}

/** Options with their defaults, in milliseconds. */
export interface PoolLimits {
  readonly max: number;
  readonly min: number;
  readonly acquireTimeout: number | null;
  readonly maxWaiting: number;
  readonly idleTimeout: number | null;
  readonly maxLifetime: number | null;
  readonly checkAfter: number | null;
  readonly checkTimeout: number;
}

/** @throws TypeError or RangeError that names the option. */
export function poolLimits(options: PoolOptions): PoolLimits {
  const max = count(options.max ?? 10, "max", 1);
  const min = count(options.min ?? 0, "min", 0);
  if (min > max) throw new RangeError(`min must not be greater than max; got min ${min}, max ${max}`);
  return {
    max,
    min,
    acquireTimeout: duration(options.acquireTimeout, "acquireTimeout", "30s"),
    maxWaiting:
      options.maxWaiting === undefined
        ? Number.POSITIVE_INFINITY
        : count(options.maxWaiting, "maxWaiting", 0),
    idleTimeout: duration(options.idleTimeout, "idleTimeout", "1m"),
    maxLifetime: duration(options.maxLifetime, "maxLifetime", "30m"),
    checkAfter: duration(options.checkAfter, "checkAfter", "1s"),
    checkTimeout: milliseconds(options.checkTimeout ?? "5s", "checkTimeout"),
  };
}

function count(value: unknown, name: string, least: number): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < least) {
    throw new RangeError(
      `${name} must be an integer >= ${least}, such as { ${name}: 10 }; got ${inspect(value)}`,
    );
  }
  return value;
}

function duration(value: Duration | null | undefined, name: string, usual: Duration): number | null {
  return value === null ? null : milliseconds(value ?? usual, name);
}

/** The state of a {@link Pool}. */
export interface PoolStatistics {
  /** Connections that there are: idle, in use, and being made. */
  readonly size: number;
  readonly idle: number;
  readonly inUse: number;
  /** Tasks that wait for a connection. */
  readonly waiting: number;
  readonly max: number;
  readonly min: number;
  /** How many have been made since the beginning ... */
  readonly made: number;
  /** ... how many of them were closed because they were idle, old, or no longer needed ... */
  readonly closed: number;
  /** ... and how many were broken, or in a state that could not be known, and were thrown away. */
  readonly discarded: number;
  /** How many waits for a connection ended because none came in time. */
  readonly timeouts: number;
}
