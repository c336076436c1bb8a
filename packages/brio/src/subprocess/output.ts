import type { StreamReader } from "../streams/stream-reader.ts";

/** How much is read in one go. */
const STEP = 2 ** 16;

/** What a command writes to one of its pipes, up to a limit. */
export class Output {
  private readonly reader: StreamReader | null;
  private readonly limit: number;
  private readonly chunks: Buffer[] = [];
  private size = 0;
  /** Was there more than the limit? */
  over = false;

  /** @param reader null: it goes elsewhere */
  constructor(reader: StreamReader | null, limit: number | null) {
    this.reader = reader;
    this.limit = limit ?? Number.POSITIVE_INFINITY;
  }

  /**
   * Reads to the end, or to the limit: then calls `exceeded`, and reads no more. Cancelled, nothing is lost: what was read
   * is here, and the rest is in the reader.
   */
  async collect(exceeded: () => void): Promise<void> {
    if (this.reader === null) return;
    for (;;) {
      const chunk = await this.reader.read(STEP);
      if (chunk.length === 0) return;
      const room = this.limit - this.size;
      this.over = chunk.length > room;
      const kept = this.over ? chunk.subarray(0, room) : chunk;
      this.chunks.push(kept);
      this.size += kept.length;
      if (!this.over) continue;
      exceeded();
      return;
    }
  }

  /** Takes what has come by now and was not read, without waiting for more. When the pipe is closed. */
  async collectRest(): Promise<void> {
    if (!this.over) await this.collect(() => {});
  }

  bytes(): Buffer {
    return this.chunks.length === 1 ? (this.chunks[0] as Buffer) : Buffer.concat(this.chunks, this.size);
  }
}
