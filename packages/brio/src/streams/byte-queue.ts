/**
 * Bytes that have come and have not been read yet.
 *
 * Chunks are kept as they came, and handed on without copying where a read asks for one or a part of one. Looking for a
 * separator needs them in one piece: then they are copied into one buffer with room behind them, where later chunks are
 * copied as well, so that a line in a thousand pieces is not copied a thousand times. What has been handed out is never
 * written to.
 */
export class ByteQueue {
  size = 0;
  private chunks: Buffer[] = NONE;
  /** How many chunks at the front have been read. */
  private head = 0;
  /** What the last chunk is the beginning of, if there may be room behind it. */
  private room: Buffer | null = null;
  private used = 0;

  push(chunk: Buffer): void {
    this.size += chunk.length;
    const { room } = this;
    if (room !== null && this.used + chunk.length <= room.length && this.head < this.chunks.length) {
      chunk.copy(room, this.used);
      const last = this.chunks[this.chunks.length - 1] as Buffer; // head is before the end
      this.used += chunk.length;
      this.chunks[this.chunks.length - 1] = room.subarray(this.used - chunk.length - last.length, this.used);
      return;
    }
    this.room = null;
    if (this.chunks === NONE) this.chunks = [chunk];
    else this.chunks.push(chunk);
  }

  /** Puts back what was taken last. */
  unshift(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.size += chunk.length;
    this.chunks = [chunk, ...this.chunks.slice(this.head)];
    this.head = 0;
  }

  /** Takes the first `length` bytes, or all if there are fewer. */
  take(length: number): Buffer {
    if (length >= this.size) return this.takeAll();
    const parts = this.takePieces(length);
    return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts, length);
  }

  /** Takes the first `length` bytes, or all if there are fewer, as they came. */
  takePieces(length: number): Buffer[] {
    if (length >= this.size) {
      const all = this.chunks.slice(this.head);
      this.clear();
      return all;
    }
    let wanted = length;
    const parts: Buffer[] = [];
    while (wanted > 0) {
      const first = this.chunks[this.head] as Buffer; // there is more than is wanted
      if (first.length > wanted) {
        parts.push(first.subarray(0, wanted));
        this.chunks[this.head] = first.subarray(wanted);
        break;
      }
      parts.push(first);
      wanted -= first.length;
      this.drop();
    }
    this.size -= length;
    return parts;
  }

  takeAll(): Buffer {
    const left = this.chunks.length - this.head;
    if (left === 0) return EMPTY;
    const all =
      left === 1
        ? (this.chunks[this.head] as Buffer)
        : Buffer.concat(this.chunks.slice(this.head), this.size);
    this.clear();
    return all;
  }

  clear(): void {
    this.chunks = NONE;
    this.head = 0;
    this.size = 0;
    this.room = null;
  }

  /** All of it, in one piece, without taking it. */
  whole(): Buffer {
    if (this.size === 0) return EMPTY;
    if (this.chunks.length - this.head === 1) return this.chunks[this.head] as Buffer;
    const room = Buffer.allocUnsafeSlow(Math.max(SMALLEST, this.size * 2));
    let used = 0;
    for (let i = this.head; i < this.chunks.length; i++) used += (this.chunks[i] as Buffer).copy(room, used);
    const all = room.subarray(0, used);
    this.chunks = [all];
    this.head = 0;
    this.room = room;
    this.used = used;
    return all;
  }

  /** The first chunk has been read. */
  private drop(): void {
    this.chunks[this.head] = EMPTY;
    this.head++;
    if (this.head < MANY && this.head < this.chunks.length) return;
    this.chunks = this.chunks.slice(this.head);
    this.head = 0;
  }
}

/** What a queue without chunks has, as most have most of the time: all share it, and nothing is put in. */
const NONE: Buffer[] = [];
const EMPTY = Buffer.alloc(0);
const SMALLEST = 256;
const MANY = 64;
