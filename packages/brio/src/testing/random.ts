import { inspect } from "node:util";

/**
 * A source of chance that can be repeated: the same seed gives the same numbers, on every machine.
 *
 * @example
 * ```ts
 * import { Random } from "brio/testing";
 *
 * const random = new Random(1);
 * console.log(random.integer(10), random.pick(["a", "b", "c"])); // 0 b
 * ```
 */
export class Random {
  private state: number;

  /** @param seed an integer */
  constructor(seed: number) {
    if (!Number.isInteger(seed)) throw new RangeError(`seed must be an integer; got ${inspect(seed)}`);
    this.state = seed | 0;
    // Neighbouring seeds begin alike: the first number tells little.
    this.next();
  }

  /** A number in [0, 1). (Mulberry32.) */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer from 0 to `below - 1`. */
  integer(below: number): number {
    return Math.floor(this.next() * below);
  }

  /** True in `probability` of all cases. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of `choices`. @throws RangeError if there is none. */
  pick<T>(choices: readonly T[]): T {
    if (choices.length === 0) throw new RangeError("random.pick(choices): there is nothing to choose from");
    return choices[this.integer(choices.length)] as T; // the index is in range
  }
}
