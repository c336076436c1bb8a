import { inspect } from "node:util";

/**
 * A length of time: a number of milliseconds, or a string with its unit (`"250ms"`, `"1.5s"`, `"2m"`, `"1h"`).
 */
export type Duration = number | `${number}ms` | `${number}s` | `${number}m` | `${number}h`;

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

const SHAPE = /^(\d+(?:\.\d+)?|\.\d+)(ms|s|m|h)$/;

/**
 * The milliseconds of a {@link Duration}; for functions of your own that take one.
 *
 * @param argument what the caller calls it, for the error
 * @throws TypeError if `value` is neither a number nor a string with a known unit; RangeError if it is negative or NaN.
 *
 * @example
 * ```ts
 * import { type Duration, milliseconds } from "brio";
 *
 * function keepFor(age: Duration): number {
 *   return Date.now() - milliseconds(age, "age");
 * }
 * console.log(milliseconds("1.5s", "age")); // 1500
 * console.log(keepFor("1h") < Date.now()); // true
 * ```
 */
export function milliseconds(value: Duration, argument = "duration"): number {
  if (typeof value === "number") {
    if (value >= 0) return value;
    const problem = Number.isNaN(value) ? "is NaN" : `is negative (${value})`;
    throw new RangeError(
      `${argument} ${problem}: pass milliseconds >= 0, or a string with its unit such as "1s"`,
    );
  }
  return known.get(value) ?? parse(value, argument);
}

/** Programs write few different durations, and use them often. */
const known = new Map<Duration, number>();
const MOST = 100;

function parse(value: Duration, argument: string): number {
  const match = typeof value === "string" ? SHAPE.exec(value) : null;
  const unit = match === null ? undefined : UNITS[match[2] as string];
  if (match === null || unit === undefined) {
    if (typeof value === "string" && /^-/.test(value)) {
      throw new RangeError(`${argument} is negative (${inspect(value)}): pass a duration >= 0 such as "1s"`);
    }
    throw new TypeError(
      `${argument} is not a duration: ${inspect(value)}; pass milliseconds (1500) or a number with the unit ms, s, m or h ("1.5s")`,
    );
  }
  const length = Number(match[1]) * unit;
  if (known.size < MOST) known.set(value, length);
  return length;
}

/** Like {@link milliseconds}, for arguments where `null` means "no limit". */
export function optionalMilliseconds(value: Duration | null | undefined, argument: string): number | null {
  return value === null || value === undefined ? null : milliseconds(value, argument);
}
