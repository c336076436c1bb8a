import { inspect } from "node:util";
import { immediate } from "../cancel/immediate.ts";
import { ParkingLot } from "../cancel/parking-lot.ts";
import { requireScope, type Scope } from "../cancel/scope.ts";
import { Wait, type WaitSource } from "../cancel/wait.ts";
import { ambient } from "../loop/ambient.ts";
import { RuntimeError } from "../loop/errors.ts";
import type { Loop } from "../loop/loop.ts";

/** How many files of a loop are open: see {@link openFileStatistics}. */
export interface OpenFileStatistics {
  /** How many are open. */
  readonly open: number;
  /** How many may be. */
  readonly limit: number;
  /** How many operations wait for one to be closed. */
  readonly waiting: number;
}

/** Leaves room for sockets where a process may have 256 descriptors, as on macOS. */
const DEFAULT_LIMIT = 128;

/**
 * The files that a loop has open: who wants more than may be waits in line, first come first served.
 *
 * Who needs two at once takes both together, or tasks that each hold one and wait for another would wait for ever.
 */
export class OpenFiles implements WaitSource<void> {
  readonly kind = "open";
  private readonly lot = new ParkingLot<void>();
  private limit = DEFAULT_LIMIT;
  private open = 0;

  /** Takes the right to have `count` files open. Cancelled, it has taken none. */
  acquire(scope: Scope, count: number): Promise<void> {
    if (this.fits(count) && !this.lot.alive) {
      this.open += count;
      return immediate(scope, undefined);
    }
    const wait = new Wait<void>(scope, this);
    wait.value = count;
    this.lot.add(wait);
    return wait.begin();
  }

  release(count: number): void {
    this.open -= count;
    this.wake();
  }

  setLimit(limit: number): void {
    this.limit = limit;
    this.wake();
  }

  statistics(): OpenFileStatistics {
    return { open: this.open, limit: this.limit, waiting: this.lot.length };
  }

  /** One who needs more than the limit has its turn when nothing else is open. */
  private fits(count: number): boolean {
    return this.open + count <= this.limit || this.open === 0;
  }

  /** Hands on what is free, in the order of the line: one who needs much is not overtaken for ever. */
  private wake(): void {
    for (let wait = this.lot.first; wait !== null; wait = wait.next) {
      if (!wait.pending) continue;
      const count = wait.value as number; // acquire() lined it up with it
      if (!this.fits(count)) return;
      this.open += count;
      wait.grant();
    }
  }

  take(wait: Wait<void>): undefined {
    this.lot.remove(wait);
    this.wake(); // those who came while this one stood in line
  }

  withdraw(wait: Wait<void>, granted: boolean): undefined {
    this.lot.remove(wait);
    if (granted) this.open -= wait.value as number; // acquire() lined it up with it
    this.wake();
  }

  toString(): string {
    return `files (${this.open} of ${this.limit} open)`;
  }
}

const known = new WeakMap<Loop, OpenFiles>();

export function openFilesOf(loop: Loop): OpenFiles {
  let files = known.get(loop);
  if (files === undefined) {
    files = new OpenFiles();
    known.set(loop, files);
  }
  return files;
}

/** Runs `fn` with the right to have `count` files open. */
export async function withFiles<T>(caller: string, count: number, fn: () => Promise<T>): Promise<T> {
  const scope = requireScope(`${caller}()`);
  const files = openFilesOf(scope.loop);
  await files.acquire(scope, count);
  try {
    return await fn();
  } finally {
    files.release(count);
  }
}

function runningFiles(caller: string): OpenFiles {
  const loop = ambient.getStore()?.loop;
  if (loop === undefined) {
    throw new RuntimeError(`${caller} needs a running event loop: call it inside run(async () => { ... })`);
  }
  return openFilesOf(loop);
}

/**
 * Sets how many files this event loop has open at once. Default 128. Who wants to open one more waits until another is
 * closed, so that "too many open files" (`EMFILE`) does not happen. Files that are open stay open when the limit is lowered.
 *
 * Counted is what `brio/files` opens itself: an open `File` until it is closed, and what `readFile`, `writeFile`, `copy`
 * (two) and `walk` have open while they work.
 *
 * @throws RangeError if `limit` is not a whole number > 0; RuntimeError outside a loop.
 *
 * @example
 * ```ts
 * import { run } from "brio";
 * import { openFileStatistics, setOpenFileLimit } from "brio/files";
 *
 * await run(async () => {
 *   setOpenFileLimit(1000);
 *   console.log(openFileStatistics()); // { open: 0, limit: 1000, waiting: 0 }
 * });
 * ```
 */
export function setOpenFileLimit(limit: number): void {
  if (!Number.isInteger(limit) || limit <= 0) {
    throw new RangeError(
      `limit must be a whole number of files > 0, such as setOpenFileLimit(1000); got ${inspect(limit)}`,
    );
  }
  runningFiles("setOpenFileLimit()").setLimit(limit);
}

/**
 * How many files this event loop has open, how many it may have, and how many operations wait.
 *
 * @throws RuntimeError outside a loop.
 *
 * @example
 * ```ts
 * import { run } from "brio";
 * import { openFileStatistics, temporaryFile } from "brio/files";
 *
 * await run(async () => {
 *   await using _ = await temporaryFile();
 *   console.log(openFileStatistics().open); // 1
 * });
 * ```
 */
export function openFileStatistics(): OpenFileStatistics {
  return runningFiles("openFileStatistics()").statistics();
}
