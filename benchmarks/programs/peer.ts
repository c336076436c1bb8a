/**
 * What a peer's module exports. A program does `tasks * turns` operations (what an operation is, its row says), and
 * throws when what came out is wrong: a fast wrong answer is no result.
 *
 * In the rows about lag, a program gives how late each beat came, in milliseconds; in those with clocks of their own, how long the
 * operations took, in milliseconds. In the rows about memory, a program instead returns as soon as `tasks` tasks wait, and leaves them waiting.
 */
export type Program = (tasks: number, turns: number) => Promise<unknown>;

export interface Peer {
  /** Runs the measurement in the peer's own way: inside its event loop, when it has one. */
  readonly main: (measurement: () => Promise<void>) => Promise<unknown>;
  readonly programs: Readonly<Record<string, Program>>;
}

export function check(what: string, actual: unknown, expected: unknown): void {
  if (actual !== expected) throw new Error(`${what} is ${String(actual)}, and should be ${String(expected)}`);
}

/** 0 to length - 1. A plain loop: what it costs is part of what is measured. */
export function range(length: number): number[] {
  const numbers: number[] = [];
  for (let i = 0; i < length; i++) numbers.push(i);
  return numbers;
}

/** 0 + 1 + ... + (count - 1). */
export const sumBelow = (count: number): number => (count * (count - 1)) / 2;

/** Longer than any measurement takes, in milliseconds. */
export const HOUR = 3_600_000;

/** When each of `count` timers is due: 100 of them in each millisecond, but all within a second; in no order. */
export const delayOf = (i: number, count: number): number =>
  ((i * 7919) % Math.min(Math.max(count / 100, 1), 1000)) + 1;

const kept: unknown[] = [];

/** Keeps what a heap row measures from being collected. */
export function keep(...values: unknown[]): void {
  kept.push(...values);
}
