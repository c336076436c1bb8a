/** What the programs with executors share: who calls what, and whether it came out right. */
import type { Entry } from "./executor-work.ts";
import { check, type Program, range, sumBelow } from "./peer.ts";

export const work: URL = new URL("executor-work.ts", import.meta.url);

/** How many threads, or processes, there are. */
export const WORKERS = 2;

/** What a program needs, made when there is something to do, and all ended when the measurement is over. */
export class Made<T> {
  private readonly made = new Map<string, T>();
  private readonly end: (each: T) => PromiseLike<unknown>;

  constructor(end: (each: T) => PromiseLike<unknown>) {
    this.end = end;
  }

  get<U extends T>(name: string, make: () => U): U {
    let found = this.made.get(name) as U | undefined; // what was made under this name
    if (found === undefined) {
      found = make();
      this.made.set(name, found);
    }
    return found;
  }

  async endAll(): Promise<void> {
    for (const each of this.made.values()) await this.end(each);
    this.made.clear();
  }
}

async function callers(tasks: number, turns: number, call: (n: number) => Promise<void>): Promise<void> {
  const caller = async (task: number): Promise<void> => {
    for (let turn = 0; turn < turns; turn++) await call(task * turns + turn);
  };
  await Promise.all(range(tasks).map(caller));
}

/** Calls of `double`. */
export const calls =
  (double: (n: number) => PromiseLike<number>): Program =>
  async (tasks, turns) => {
    let sum = 0;
    await callers(tasks, turns, async (n) => {
      const doubled = await double(n);
      sum += doubled;
    });
    check("sum", sum, 2 * sumBelow(tasks * turns));
  };

/** 64 kB, as they are written. */
const entries: readonly Entry[] = range(800).map((id) => ({
  id,
  name: `a record with the number ${id}`,
  tags: ["one", "two", "three"],
}));

/** Calls of `total`. */
export const records =
  (total: (entries: readonly Entry[]) => PromiseLike<number>): Program =>
  async (tasks, turns) => {
    await callers(tasks, turns, async () => check("total", await total(entries), sumBelow(entries.length)));
  };

const LARGE = 16 * 1024 * 1024;

/** Calls of `lengthOf` with bytes that are moved there. */
export const moves =
  (lengthOf: (bytes: Uint8Array<ArrayBuffer>) => PromiseLike<number>): Program =>
  async (tasks, turns) => {
    await callers(tasks, turns, async () => {
      const bytes = new Uint8Array(LARGE);
      check("bytes that came", await lengthOf(bytes), LARGE);
      check("bytes that are left", bytes.length, 0);
    });
  };

const BELOW = 250_000;
const PRIMES = 22_044;

/** Calls of `primesBelow`. */
export const computations =
  (primesBelow: (limit: number) => PromiseLike<number> | number): Program =>
  async (tasks, turns) => {
    await callers(tasks, turns, async () => check("primes", await primesBelow(BELOW), PRIMES));
  };

const BEAT = 10;

/** Computes, while an interval of 10 ms beats in the main thread; gives by how much more each beat came after the one before. */
export const beats =
  (
    interval: (period: number) => AsyncIterable<unknown>,
    primesBelow: (limit: number) => PromiseLike<number> | number,
  ): Program =>
  async (tasks, turns) => {
    const late: number[] = [];
    let computing = true;
    const computed = computations(primesBelow)(tasks, turns).finally(() => {
      computing = false;
    });
    let before = performance.now();
    for await (const _ of interval(BEAT)) {
      const now = performance.now();
      late.push(Math.max(0, now - before - BEAT));
      before = now;
      if (!computing) break;
    }
    await computed;
    return late.slice(1); // an interval of brio's begins at once
  };
