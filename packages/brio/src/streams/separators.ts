import { AGAIN } from "../cancel/wait.ts";
import type { ByteQueue } from "./byte-queue.ts";
import { LimitOverrunError } from "./errors.ts";

/** Looks for separators in what has come so far, and remembers how far it has looked. */
export class Finder {
  private readonly buffer: ByteQueue;
  private readonly separators: readonly Buffer[];
  private readonly limit: number;
  private readonly shortest: number;
  private readonly longest: number;
  private searched = 0;

  /** @param separators none of them empty */
  constructor(buffer: ByteQueue, separators: readonly Buffer[], limit: number) {
    this.buffer = buffer;
    // Of several that end at the same place, the shortest counts.
    this.separators = [...separators].sort((a, b) => a.length - b.length);
    this.limit = limit;
    this.shortest = this.separators[0]?.length ?? 0;
    this.longest = this.separators[this.separators.length - 1]?.length ?? 0;
  }

  /**
   * How many bytes there are up to the end of the separator that ends first; AGAIN if none has come.
   *
   * @throws LimitOverrunError if more bytes than the limit come before it.
   */
  find(): number | typeof AGAIN {
    const { size } = this.buffer;
    if (size - this.searched < this.shortest) return AGAIN;
    const match = this.earliest(this.buffer.whole());
    if (match === null) {
      this.searched = Math.max(0, size + 1 - this.longest);
      if (this.searched <= this.limit) return AGAIN;
      const { searched } = this;
      throw new LimitOverrunError(
        `no separator in ${searched} bytes, more than the limit of ${this.limit}`,
        searched,
      );
    }
    if (match.start <= this.limit) return match.end;
    const { start } = match;
    throw new LimitOverrunError(
      `the separator comes after ${start} bytes, more than the limit of ${this.limit}`,
      start,
    );
  }

  private earliest(bytes: Buffer): { readonly start: number; readonly end: number } | null {
    let match: { start: number; end: number } | null = null;
    for (const separator of this.separators) {
      const start = bytes.indexOf(separator, this.searched);
      const end = start + separator.length;
      if (start !== -1 && (match === null || end < match.end)) match = { start, end };
    }
    return match;
  }
}
