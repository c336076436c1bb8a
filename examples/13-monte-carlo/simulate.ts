// What is computed elsewhere: a part of a simulation. Its seed makes it the same wherever it runs.
import { reference, throwIfCancelled } from "brio/threads";

/** An option to buy a share at `strike`, `years` from now. */
export interface CallOption {
  readonly price: number;
  readonly strike: number;
  readonly years: number;
  readonly rate: number;
  readonly volatility: number;
}

export interface Batch {
  readonly seed: number;
  readonly paths: number;
  readonly option: CallOption;
}

/** What a batch adds to the estimate: its payoffs, and their squares. */
export interface Sums {
  readonly paths: number;
  readonly sum: number;
  readonly squares: number;
}

/** Lets the share's price take so many random paths, and sums up what the option is worth at their ends, in today's money. */
export const simulate = reference(
  import.meta.url,
  "simulate",
  function simulate({ seed, paths, option }: Batch): Sums {
    const { price, strike, years, rate, volatility } = option;
    const drift = (rate - volatility ** 2 / 2) * years;
    const spread = volatility * Math.sqrt(years);
    const discount = Math.exp(-rate * years);
    const random = randomNumbers(seed);
    let sum = 0;
    let squares = 0;
    for (let path = 0; path < paths; path++) {
      if (path % 4096 === 0) throwIfCancelled();
      const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
      const payoff = discount * Math.max(price * Math.exp(drift + spread * normal) - strike, 0);
      sum += payoff;
      squares += payoff ** 2;
    }
    return { paths, sum, squares };
  },
);

/** Mulberry32: small, quick, and good enough for this. */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
