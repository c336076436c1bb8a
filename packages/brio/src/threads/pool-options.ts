import { availableParallelism } from "node:os";
import { inspect } from "node:util";
import { type Duration, milliseconds } from "../loop/duration.ts";
import type { WorkerStart } from "./protocol.ts";
import { type AnyFunction, type Reference, requireReference } from "./reference.ts";

/** What all pools take. */
export interface PoolOptions {
  /** How many workers are kept, however idle. They are started when needed, or by `warmUp()`. Default 0. */
  readonly minWorkers?: number | undefined;
  /** How many workers there may be. Default: as many as the machine can run at once (`os.availableParallelism()`). */
  readonly maxWorkers?: number | undefined;
  /** How long a worker may have nothing to do before it is closed, if there are more than `minWorkers`. Default "30s". */
  readonly idleTimeout?: Duration | undefined;
  /**
   * How many calls may wait for a worker. One more is refused with `QueueFull`; `await pool.room()` waits until there is
   * room. Default: as many as there are.
   */
  readonly queueLimit?: number | undefined;
  /** Is called in each worker before its first call: to connect, to load a model. If it throws, the pool is broken. */
  readonly initializer?: Reference<AnyFunction> | undefined;
  /** What the initializer is called with. */
  readonly initializerArgs?: readonly unknown[] | undefined;
  /** How large a result may be, in bytes, as it is sent. (Measuring that takes time.) Default: no limit. */
  readonly maxResultBytes?: number | undefined;
}

/** Those options, checked. */
export interface CheckedPoolOptions {
  readonly minWorkers: number;
  readonly maxWorkers: number;
  readonly idleTimeout: number;
  readonly queueLimit: number;
  readonly start: WorkerStart;
}

/** @throws TypeError or RangeError that names the option. */
export function checkedPoolOptions(caller: string, options: PoolOptions): CheckedPoolOptions {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(
      `${caller} takes an object of options, such as { maxWorkers: 4 }; got ${inspect(options)}`,
    );
  }
  const maxWorkers = whole("maxWorkers", options.maxWorkers ?? availableParallelism(), 1);
  const minWorkers = whole("minWorkers", options.minWorkers ?? 0, 0);
  if (minWorkers > maxWorkers)
    throw new RangeError(`minWorkers (${minWorkers}) must not be more than maxWorkers (${maxWorkers})`);
  const { initializer, initializerArgs = [], maxResultBytes } = options;
  if (initializer !== undefined) requireReference(initializer, `initializer of ${caller}`);
  if (!Array.isArray(initializerArgs))
    throw new TypeError(`initializerArgs must be an array of arguments; got ${inspect(initializerArgs)}`);
  if (maxResultBytes !== undefined) whole("maxResultBytes", maxResultBytes, 1);
  return {
    minWorkers,
    maxWorkers,
    idleTimeout: milliseconds(options.idleTimeout ?? "30s", "idleTimeout"),
    queueLimit:
      options.queueLimit === undefined
        ? Number.POSITIVE_INFINITY
        : whole("queueLimit", options.queueLimit, 1),
    start: {
      initializer:
        initializer === undefined
          ? undefined
          : { module: initializer.module, exportName: initializer.exportName, id: initializer.id },
      initializerArgs,
      maxResultBytes,
    },
  };
}

function whole(name: string, value: number, least: number): number {
  if (Number.isInteger(value) && value >= least) return value;
  throw new RangeError(`${name} must be a whole number >= ${least}; got ${inspect(value)}`);
}
