import { inspect } from "node:util";

/** The error for an argument that is not what was `expected`. */
export function bad(argument: string, expected: string, got: unknown): RangeError {
  return new RangeError(`${argument} must be ${expected}; got ${inspect(got)}`);
}

/** @throws RangeError if `value` is no number of bytes, or of whatever is counted. */
export function checkCount(value: number, argument: string, unit = "bytes", least = 0): void {
  if (Number.isInteger(value) && value >= least) return;
  throw bad(
    argument,
    least === 0 ? `a whole number of ${unit} >= 0` : `a whole number of ${unit} > 0`,
    value,
  );
}
