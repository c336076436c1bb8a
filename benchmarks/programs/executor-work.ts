/** What the pools' workers run: the same functions for all. It is imported by the workers, and uses nothing. */

export interface Entry {
  readonly id: number;
  readonly name: string;
  readonly tags: readonly string[];
}

export function double(n: number): number {
  return n * 2;
}

export function total(entries: readonly Entry[]): number {
  let sum = 0;
  for (const { id } of entries) sum += id;
  return sum;
}

export function lengthOf(bytes: Uint8Array): number {
  return bytes.length;
}

/** Some 20 ms of arithmetic. */
export function primesBelow(limit: number): number {
  let count = 0;
  for (let n = 2; n < limit; n++) {
    let prime = true;
    for (let d = 2; d * d <= n && prime; d++) prime = n % d !== 0;
    if (prime) count++;
  }
  return count;
}
