import { immediate } from "../cancel/immediate.ts";
import { ambientScope } from "../cancel/scope.ts";
import { heedCancellation } from "../compose/sleep.ts";
import { bad, checkCount } from "./arguments.ts";
import type { File } from "./file.ts";

/** How a file is read in pieces. */
export interface ChunkOptions {
  /** How many bytes a chunk has. Default 65,536. */
  size?: number | undefined;
  /** How many chunks are read before they are asked for, at most. Default 1; 0: none. */
  readAhead?: number | undefined;
}

/** How a file is read by lines. */
export interface LineOptions extends ChunkOptions {
  /** What the bytes of a line mean. Default "utf8". */
  encoding?: "utf8" | "latin1" | "ascii" | undefined;
  /** The longest line, in bytes, without its end. Default 1 MiB (1,048,576). */
  limit?: number | undefined;
}

/** A read that nobody waits for yet. It does not reject: nobody might ever look. */
type Read = Promise<{ readonly data: Buffer } | { readonly error: unknown }>;

/**
 * Reads a file from some place on, a bounded number of chunks ahead of who takes them. Holds at most `readAhead + 1` chunks.
 *
 * The reads are under way without a task that waits for them; closing the file waits until they have ended.
 */
class Ahead {
  private readonly file: File;
  private readonly size: number;
  private readonly readAhead: number;
  private reads: Read[] = [];
  private generation = -1;
  /** Where the next chunk begins that is taken. */
  private at = 0;
  /** A chunk came short: it may have been the last, so none is read ahead until one is whole again. */
  private short = false;

  constructor(file: File, { size = 65_536, readAhead = 1 }: ChunkOptions) {
    checkCount(size, "size", "bytes", 1);
    checkCount(readAhead, "readAhead", "chunks");
    this.file = file;
    this.size = size;
    this.readAhead = readAhead;
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
    return this.file.peek(position, this.size).then(
      (data) => ({ data }),
      (error: unknown) => ({ error }),
    );
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

/** The lines of a file: chunks, cut at each newline. */
export class Lines implements AsyncIterableIterator<string, undefined> {
  private readonly file: File;
  private readonly ahead: Ahead;
  private readonly encoding: BufferEncoding;
  private readonly limit: number;
  /** What was read from the file and has not been handed out: from `start` on it begins at the file's position. */
  private held: Buffer = EMPTY;
  private start = 0;
  private position = 0;
  private generation = -1;

  constructor(file: File, options: LineOptions) {
    const { encoding = "utf8", limit = 2 ** 20 } = options;
    if (encoding !== "utf8" && encoding !== "latin1" && encoding !== "ascii") {
      throw bad("encoding", '"utf8", "latin1" or "ascii" (read() and decode others as a whole)', encoding);
    }
    checkCount(limit, "limit", "bytes", 1);
    this.file = file;
    this.ahead = new Ahead(file, options);
    this.encoding = encoding;
    this.limit = limit;
  }

  next(): Promise<IteratorResult<string, undefined>> {
    // Most lines are here already.
    const scope = ambientScope();
    if (scope !== undefined && !scope.blocked && this.file.free && this.current) {
      const end = this.held.indexOf(NEWLINE, this.start);
      if (end !== -1) return immediate(scope, this.hand(end, end + 1));
    }
    return this.nextInTurn();
  }

  private async nextInTurn(): Promise<IteratorResult<string, undefined>> {
    await heedCancellation();
    try {
      return await this.file.inTurn("file.read", () => this.line());
    } catch (error) {
      this.letGo();
      throw error;
    }
  }

  /** Is what is held what follows the file's position? */
  private get current(): boolean {
    const { file } = this;
    return !file.seekable || (file.position === this.position && file.generation === this.generation);
  }

  private async line(): Promise<IteratorResult<string, undefined>> {
    const { file } = this;
    if (!this.current) this.restart();
    let searched = this.start;
    for (;;) {
      const end = this.held.indexOf(NEWLINE, searched);
      if (end !== -1) return this.hand(end, end + 1);
      searched = this.held.length;
      if (searched - this.start > this.limit) {
        throw new RangeError(
          `the line at ${file.seekable ? `byte ${file.position} of ` : ""}"${file.path}" is longer than the limit of ${this.limit} bytes: give lines() a higher one, as in file.lines({ limit: 2 ** 24 })`,
        );
      }
      const more = await this.ahead.take(this.position + this.held.length - this.start);
      if (more.length === 0)
        return this.held.length > this.start ? this.hand(this.held.length, this.held.length) : DONE;
      searched -= this.start;
      this.held =
        this.start === this.held.length ? more : Buffer.concat([this.held.subarray(this.start), more]);
      this.start = 0;
    }
  }

  /** Hands out the line that ends before `end`, and goes on from `next`. */
  private hand(end: number, next: number): IteratorResult<string, undefined> {
    const bare = end > this.start && next > end && this.held[end - 1] === RETURN ? end - 1 : end;
    const value = this.held.toString(this.encoding, this.start, bare);
    this.position += next - this.start;
    this.start = next;
    if (this.file.seekable) this.file.moveTo(this.position);
    return { done: false, value };
  }

  private restart(): void {
    this.held = EMPTY;
    this.start = 0;
    this.position = this.file.position;
    this.generation = this.file.generation;
  }

  /** The loop was left. */
  async return(): Promise<IteratorResult<string, undefined>> {
    this.letGo();
    return DONE;
  }

  /** Who reads next gets what was not handed out. */
  private letGo(): void {
    if (!this.file.seekable) this.file.putBack(this.held.subarray(this.start));
    this.held = EMPTY;
    this.start = 0;
    this.generation = -1;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

const DONE: IteratorResult<never, undefined> = { done: true, value: undefined };
const EMPTY: Buffer = Buffer.alloc(0);
const NEWLINE = 0x0a;
const RETURN = 0x0d;
