import { channel } from "node:diagnostics_channel";

/** Frees a buffer's memory; not in every Node that this runs on. */
const transfer = (ArrayBuffer.prototype as { transfer?: (length: number) => ArrayBuffer }).transfer;

/** Who listens here is given what comes in as well. */
const listeners = channel("undici:request:bodyChunkReceived");

/**
 * Frees the memory of pieces of a body as soon as they are written. Left to the garbage collector it would be freed by full
 * collections only, as the quick ones do not see it: one for some 40 MB, however large the program's heap is, and each piece would
 * come to memory that is not in the processor's cache.
 *
 * Nobody else may use them by then. So a piece is freed only if it is all that was read from a socket at once; and the newest one is
 * kept until another has come, since the rest of it, if only an empty one, is left with the socket when reading is paused.
 */
export class Spent {
  private newest: Buffer | null = null;
  private readonly exclusive: boolean;

  /** @param exclusive Does the client hand on what comes in to nobody else? */
  constructor(exclusive: boolean) {
    this.exclusive = exclusive && transfer !== undefined;
  }

  /** Takes pieces that were written, in the order in which they came. */
  add(pieces: readonly Buffer[]): void {
    if (!this.exclusive || listeners.hasSubscribers) return;
    for (const piece of pieces) {
      if (this.newest !== null) free(this.newest);
      this.newest = piece;
    }
  }
}

function free({ buffer, byteLength }: Buffer): void {
  if (byteLength > 0 && byteLength === buffer.byteLength) transfer?.call(buffer as ArrayBuffer, 0); // sockets share none
}
