import { heedCancellation } from "../compose/sleep.ts";
import { checkCount } from "./arguments.ts";
import type { File } from "./file.ts";

/** How a file is read in pieces. */
export interface ChunkOptions {
  /** How many bytes a chunk has. Default 65,536. */
  size?: number | undefined;
  /** How many chunks are read before they are asked for, at most. Default 1; 0: none. */
  readAhead?: number | undefined;
}

/** A read that nobody waits for yet. It does not reject: nobody might ever look. */
type Read = Promise<{ readonly data: Buffer } | { readonly error: unknown }>;

/**
 * Reads a file from some place on, a bounded number of chunks ahead of who takes them. Holds at most `readAhead + 1` chunks.
 *
 * The reads are under way without a task that waits for them; closing the file waits until they have ended.
 */
export class Ahead {
  private readonly file: File;
  private readonly size: number;
  private readonly readAhead: number;
  private readonly head: number;
  private reads: Read[] = [];
  private generation = -1;
  /** Where the next chunk begins that is taken. */
  private at = 0;
  /** Room that chunks are read into, all that this has made; and that which nobody needs any more. */
  private readonly made = new WeakSet<ArrayBufferLike>();
  private readonly spare: Buffer[] = [];
  /** A chunk came short: it may have been the last, so none is read ahead until one is whole again. */
  private short = false;

  /** @param head so many bytes are free before each chunk, for what is left of the one before: see {@link join} */
  constructor(file: File, { size = 65_536, readAhead = 1 }: ChunkOptions, head = 0) {
    checkCount(size, "size", "bytes", 1);
    checkCount(readAhead, "readAhead", "chunks");
    this.file = file;
    this.size = size;
    this.readAhead = readAhead;
    this.head = head;
  }

  /** The chunk that begins at `position`; empty at the end of the file. */
  async take(position: number): Promise<Buffer> {
    const { file } = this;
    if (!file.seekable) return await file.readSome(this.size); // what can't be read twice is not read in vain
    if (position !== this.at || file.generation !== this.generation) this.restart(position);
    const wanted = 1 + (this.short ? 0 : this.readAhead);
    while (this.reads.length < wanted) this.reads.push(this.begin(this.at + this.reads.length * this.size));
    const first = this.reads[0] as Read; // there is at least one
    const result = await file.do("file.read", () => first);
    if ("error" in result) {
      this.reads = [];
      throw result.error;
    }
    const { data } = result;
    this.reads.shift();
    this.at = position + data.length;
    this.short = data.length < this.size;
    if (this.short) this.reads = []; // they began too far on
    return data;
  }

  private restart(position: number): void {
    this.reads = [];
    this.at = position;
    this.generation = this.file.generation;
    this.short = false;
  }

  private begin(position: number): Read {
    const room = this.spare.pop() ?? Buffer.allocUnsafeSlow(this.head + this.size);
    this.made.add(room.buffer);
    return this.file.peek(position, room.subarray(this.head)).then(
      (data) => ({ data }),
      (error: unknown) => ({ error }),
    );
  }

  /** One chunk with what is left of another before it. The other must not be used any more. */
  join(rest: Buffer, chunk: Buffer): Buffer {
    let joined = chunk;
    if (this.made.has(chunk.buffer) && rest.length <= this.head) {
      joined = Buffer.from(chunk.buffer, chunk.byteOffset - rest.length, chunk.length + rest.length);
      joined.set(rest);
    } else if (rest.length > 0) {
      joined = Buffer.concat([rest, chunk]);
    }
    if (this.made.has(rest.buffer)) this.spare.push(Buffer.from(rest.buffer));
    return joined;
  }
}

/** The chunks of a file. Unlike a generator it can go on after an error, or when the file has grown. */
export class Chunks implements AsyncIterableIterator<Buffer, undefined> {
  private readonly file: File;
  private readonly ahead: Ahead;

  constructor(file: File, options: ChunkOptions) {
    this.file = file;
    this.ahead = new Ahead(file, options);
  }

  async next(): Promise<IteratorResult<Buffer, undefined>> {
    const { file } = this;
    await heedCancellation();
    return await file.inTurn("file.read", async () => {
      const data = await this.ahead.take(file.position);
      if (file.seekable) file.moveTo(file.position + data.length);
      return data.length > 0 ? { done: false, value: data } : DONE;
    });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

const DONE: IteratorResult<never, undefined> = { done: true, value: undefined };
