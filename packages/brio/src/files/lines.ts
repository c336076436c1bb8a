import { immediate } from "../cancel/immediate.ts";
import { ambientScope } from "../cancel/scope.ts";
import { heedCancellation } from "../compose/sleep.ts";
import { bad, checkCount } from "./arguments.ts";
import type { Cursor } from "./cursor.ts";
import type { File } from "./file.ts";
import { Ahead, type ChunkOptions } from "./pieces.ts";

/** How a file is read by lines. */
export interface LineOptions extends ChunkOptions {
  /** How many bytes are read at once. Default 131,072. */
  size?: number | undefined;
  /** What the bytes of a line mean. Default "utf8". */
  encoding?: "utf8" | "latin1" | "ascii" | undefined;
  /**
   * Give what comes after the last newline as a line. False: leave it to the next loop, when its newline may have come, as
   * somebody is still writing. Default true.
   */
  partial?: boolean | undefined;
  /** The longest line, in bytes, without its end. Default 1 MiB (1,048,576). */
  limit?: number | undefined;
}

/** So many bytes are read at once: a read costs as much as some hundred lines. */
const SIZE = 2 ** 17;

/**
 * So many bytes are decoded at once: to decode each line alone costs more than all the rest. Not a whole chunk, as the
 * engine keeps what a string was cut from as long as the string.
 */
const BLOCK = 2 ** 13;

/*
 * What is held of the file
 *
 *   origin                                                              (a position in the file)
 *   0 ........ handed out ........|. block: `lines` .|...... not decoded ......|
 *                                         ^ index     end                      held.length
 *
 * The file's position is at the line `index`. It is counted when somebody asks for it, from `known` on: that is where the
 * line `counted` of the block begins.
 */

/** The lines of a file: chunks, cut at each newline. */
export class Lines implements AsyncIterableIterator<string, undefined>, Cursor {
  private readonly file: File;
  private readonly ahead: Ahead;
  private readonly encoding: BufferEncoding;
  private readonly limit: number;
  private readonly partial: boolean;
  private held: Buffer = EMPTY;
  private origin = 0;
  private lines: readonly string[] = [];
  private index = 0;
  /** Do lines of the block end with a carriage return? */
  private returns = false;
  private end = 0;
  private counted = 0;
  private known = 0;
  private generation = -1;

  constructor(file: File, options: LineOptions) {
    const { encoding = "utf8", limit = 2 ** 20, partial = true } = options;
    if (encoding !== "utf8" && encoding !== "latin1" && encoding !== "ascii") {
      throw bad("encoding", '"utf8", "latin1" or "ascii" (read() and decode others as a whole)', encoding);
    }
    checkCount(limit, "limit", "bytes", 1);
    this.file = file;
    this.ahead = new Ahead(file, { ...options, size: options.size ?? SIZE }, BLOCK);
    this.encoding = encoding;
    this.limit = limit;
    this.partial = partial;
  }

  next(): Promise<IteratorResult<string, undefined>> {
    // Most lines are here already.
    const scope = ambientScope();
    if (scope !== undefined && !scope.blocked && this.file.free && this.current && this.ready())
      return immediate(scope, this.hand());
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
    return file.generation === this.generation && (!file.seekable || file.cursor === this);
  }

  private async line(): Promise<IteratorResult<string, undefined>> {
    const { file } = this;
    if (!this.current) this.restart();
    for (;;) {
      if (this.ready()) return this.hand();
      const { held, end } = this;
      if (held.length - end > this.limit + (held.at(-1) === RETURN ? 1 : 0)) {
        throw new RangeError(
          `the line at ${file.seekable ? `byte ${file.position} of ` : ""}"${file.path}" is longer than the limit of ${this.limit} bytes: give lines() a higher one, as in file.lines({ limit: 2 ** 24 })`,
        );
      }
      const more = await this.ahead.take(this.origin + held.length);
      if (more.length === 0) return this.partial && end < held.length ? this.handLast() : DONE;
      this.origin += end;
      this.hold(this.ahead.join(held.subarray(end), more));
    }
  }

  /** Is there a line that can be handed out? Decodes a block if need be. */
  private ready(): boolean {
    if (this.index < this.lines.length) return true;
    const { held, end, encoding } = this;
    // In this encoding, another byte than that of a newline may become one.
    const alone = encoding === "ascii";
    let last = alone ? -1 : held.lastIndexOf(NEWLINE, end + BLOCK);
    if (last < end || last - end > this.limit) {
      last = held.indexOf(NEWLINE, end);
      if (last === -1 || last - end > this.limit + (held[last - 1] === RETURN ? 1 : 0)) return false;
    }
    const text = held.toString(encoding, end, last);
    this.lines = alone ? [text] : text.split("\n");
    this.returns = text.includes("\r");
    this.index = 0;
    this.counted = 0;
    this.known = end;
    this.end = last + 1;
    return true;
  }

  private hand(): IteratorResult<string, undefined> {
    const line = this.lines[this.index++] as string; // ready() has seen to it
    return { done: false, value: this.returns && line.endsWith("\r") ? line.slice(0, -1) : line };
  }

  /** Hands out the rest of the file, which has no newline. */
  private handLast(): IteratorResult<string, undefined> {
    const value = this.held.toString(this.encoding, this.end);
    this.origin += this.held.length;
    this.hold(EMPTY);
    return { done: false, value };
  }

  /** Where the next line begins that is handed out. */
  position(): number {
    return this.origin + this.offset();
  }

  private offset(): number {
    for (; this.counted < this.index; this.counted++) this.known = this.held.indexOf(NEWLINE, this.known) + 1;
    return this.known;
  }

  private restart(): void {
    this.origin = this.file.position;
    this.generation = this.file.generation;
    this.hold(EMPTY);
    this.file.cursor = this;
  }

  /** Nothing of `held` has been decoded. */
  private hold(held: Buffer): void {
    this.held = held;
    this.lines = [];
    this.index = 0;
    this.counted = 0;
    this.known = 0;
    this.end = 0;
  }

  /** The loop was left. */
  async return(): Promise<IteratorResult<string, undefined>> {
    this.letGo();
    return DONE;
  }

  /** Who reads next gets what was not handed out. */
  private letGo(): void {
    const { file } = this;
    if (file.cursor === this) file.settle();
    if (!file.seekable) file.unread.putBack(this.held.subarray(this.offset()));
    this.hold(EMPTY);
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
