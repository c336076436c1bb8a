import { cancelAnywhere, explore, type Trial, type TrialOptions } from "brio/testing";
import { expect } from "vitest";

export type Program = (trial: Trial) => Promise<unknown>;

/**
 * Cancels the program, its main task and each task that it starts at every point, in both modes; main also a second
 * time, during its clean-up; then all of it by chance, in many orders. What is cancelled must end at once, if `given`
 * does not say otherwise.
 */
export async function everywhere(program: Program, given: TrialOptions = {}): Promise<void> {
  const options: TrialOptions = { endsWithin: 0, ...given };
  const all = await cancelAnywhere(program, { ...options, targets: "all" });
  expect(all.points).toBeGreaterThan(5);
  const twice = await cancelAnywhere(program, { ...options, twice: true });
  expect([all.missed, twice.missed]).toEqual([0, 0]);
  for (const cancellation of ["sticky", "once"] as const) {
    await explore(program, { ...options, cancel: "all", seeds: 40, cancellation });
  }
}

/** Counts who is inside of something that has room for `limit`, and fails if there are more. */
export class Room {
  private readonly limit: number;
  private inside = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Runs `fn` inside. */
  async enter(fn: () => Promise<unknown>): Promise<void> {
    this.inside++;
    expect(this.inside).toBeLessThanOrEqual(this.limit);
    try {
      await fn();
    } finally {
      this.inside--;
    }
  }
}

/** What went into something and what came out of it: the same things, each once. */
export class Ledger<T> {
  private readonly put: T[] = [];
  private readonly got: T[] = [];

  async putting(item: T, put: (item: T) => Promise<unknown>): Promise<void> {
    await put(item);
    this.put.push(item);
  }

  async getting(get: () => Promise<T>): Promise<T> {
    const item = await get();
    this.got.push(item);
    return item;
  }

  get count(): { put: number; got: number } {
    return { put: this.put.length, got: this.got.length };
  }

  /** `left`: what is still in there. */
  balance(left: readonly T[] = []): void {
    expect([...this.got, ...left].sort()).toEqual([...this.put].sort());
  }
}
