import { inspect } from "node:util";
import { immediate } from "../cancel/immediate.ts";
import { ambientScope, outsideTask } from "../cancel/scope.ts";
import { AGAIN, Wait } from "../cancel/wait.ts";
import { RuntimeError } from "../loop/errors.ts";
import { ByteQueue } from "./byte-queue.ts";
import { IncompleteReadError, LimitOverrunError } from "./errors.ts";
import { ExactBytes, Line, type Reading, SomeBytes, SomePieces, UpTo } from "./readings.ts";
import { Finder } from "./separators.ts";

/** What feeds a reader, as far as the reader needs to know it. */
export interface ReadFlow {
  /** No more data for now. */
  pauseReading(): void;
  resumeReading(): void;
}

/** How a {@link StreamReader} is made. */
export interface StreamReaderOptions {
  /** The longest line, in bytes, without its end. The buffer holds twice as much. Default 65,536. */
  limit?: number | undefined;
}

/** What separates pieces of a stream: bytes, or text that stands for its UTF-8. */
export type Separator = string | Uint8Array;

export const DEFAULT_LIMIT: number = 2 ** 16;

/**
 * Reads the bytes of a stream: as they come, by lines, by number.
 *
 * A program that reads more slowly than the other side writes slows it down: when more than twice the limit is in the
 * buffer, nothing more is taken from the connection.
 *
 * @example
 * ```ts
 * import { run } from "brio";
 * import { StreamReader } from "brio/streams";
 *
 * await run(async () => {
 *   const reader = new StreamReader();
 *   reader.feedData(Buffer.from("first\nsecond\nrest"));
 *   reader.feedEof();
 *   console.log((await reader.readLine()).toString().trim()); // first
 *   for await (const line of reader) console.log(line.toString().trim()); // second, then rest
 * });
 * ```
 */
export class StreamReader implements AsyncIterable<Buffer> {
  private readonly limit: number;
  private readonly buffer = new ByteQueue();
  private ended = false;
  private failure: { readonly error: unknown } | null = null;
  /** @internal Has anybody been told of the failure? */ told = false;
  private waiting: Wait<unknown> | null = null;
  private flow: ReadFlow | null = null;
  private paused = false;

  constructor(options: StreamReaderOptions = {}) {
    const { limit = DEFAULT_LIMIT } = options;
    checkLimit(limit);
    this.limit = limit;
  }

  // -- reading -------------------------------------------------------------------------------------------

  /**
   * Reads up to `n` bytes: at least one, as soon as there are any; none at the end of the stream. Without `n`, or with -1,
   * it reads until the end.
   *
   * *Cancel safety*: nothing is lost: what had come is read by the next read.
   *
   * @throws RangeError if `n` is not a whole number; RuntimeError while another task waits for this reader; the error of
   * the connection, if it was lost.
   */
  read(n = -1): Promise<Buffer> {
    if (!Number.isInteger(n)) return refuse("n", "a whole number of bytes, or -1", n);
    if (n < 0) return this.readToEnd();
    return this.perform(new SomeBytes(this, n));
  }

  /**
   * Reads a line, with its `\n`. At the end of the stream it may lack that, and is empty when nothing is left.
   *
   * *Cancel safety*: nothing is lost.
   *
   * @throws RangeError if the line is longer than the limit: it is dropped then, so that one can go on with the next one.
   * RuntimeError while another task waits for this reader; the error of the connection, if it was lost.
   */
  readLine(): Promise<Buffer> {
    return this.perform(new Line(this, this.finder([NEWLINE])));
  }

  /**
   * Reads exactly `n` bytes. They may be more than the limit.
   *
   * *Cancel safety*: nothing is lost.
   *
   * @throws IncompleteReadError if the stream ends before; RangeError if `n` is negative or not a whole number;
   * RuntimeError while another task waits for this reader; the error of the connection, if it was lost.
   */
  readExactly(n: number): Promise<Buffer> {
    if (!Number.isInteger(n) || n < 0) return refuse("n", "a whole number of bytes >= 0", n);
    return this.perform(new ExactBytes(this, n));
  }

  /**
   * Reads up to and with a separator; given several, up to the end of the one that ends first.
   *
   * *Cancel safety*: nothing is lost.
   *
   * @param separator default `"\n"`
   *
   * @throws IncompleteReadError if the stream ends before; LimitOverrunError if more bytes than the limit come before it:
   * they can be read otherwise; RangeError if a separator is empty, or there is none; RuntimeError while another task
   * waits for this reader; the error of the connection, if it was lost.
   */
  readUntil(separator: Separator | readonly Separator[] = "\n"): Promise<Buffer> {
    const given = Array.isArray(separator) ? separator : [separator];
    const separators: Buffer[] = [];
    for (const one of given) {
      if (typeof one !== "string" && !(one instanceof Uint8Array)) {
        return Promise.reject(
          new TypeError(`separator must be text or bytes, such as "\\r\\n"; got ${inspect(one)}`),
        );
      }
      separators.push(Buffer.from(one));
    }
    if (separators.length === 0 || separators.some(({ length }) => length === 0)) {
      return refuse("separator", 'at least one byte, such as "\\r\\n"', separator);
    }
    return this.perform(new UpTo(this, this.finder(separators)));
  }

  /**
   * Reads what there is, from `least` up to `most` bytes, in the pieces in which it came: nothing is copied, so that much can be
   * passed on at little cost, as by `writev`. There are fewer than `least` at the end of the stream, and no pieces when nothing
   * is left.
   *
   * If the connection is lost, what came before is read first, even if there are fewer than `least`; the next call throws.
   *
   * *Cancel safety*: nothing is lost.
   *
   * @throws RangeError if a number is not whole, or not `1 <= least <= most`; RuntimeError while another task waits for this
   * reader; the error of the connection, if it was lost.
   */
  readPieces(least: number, most: number): Promise<Buffer[]> {
    if (!Number.isInteger(least) || least < 1) return refuse("least", "a whole number of bytes >= 1", least);
    if (!Number.isInteger(most) || most < least)
      return refuse("most", `a whole number of bytes >= least (${least})`, most);
    return this.perform(new SomePieces(this, least, most));
  }

  /** Has the stream ended, and has everything been read? */
  atEof(): boolean {
    return this.ended && this.buffer.size === 0;
  }

  /** Reads lines until the end of the stream. *Cancel safety*: that of {@link readLine}. */
  [Symbol.asyncIterator](): AsyncIterator<Buffer, undefined> {
    return new Pieces(() => this.readLine());
  }

  /**
   * Reads what there is, up to `size` bytes at a time, until the end of the stream.
   *
   * *Cancel safety*: that of {@link read}.
   *
   * @param size default: the limit
   */
  chunks(size: number = this.limit): AsyncIterable<Buffer> {
    if (!Number.isInteger(size) || size <= 0) throw bad("size", "a whole number of bytes > 0", size);
    return { [Symbol.asyncIterator]: () => new Pieces(() => this.read(size)) };
  }

  // -- what feeds it -------------------------------------------------------------------------------------

  /** Adds bytes that have come. The reader keeps them: they must not be written to any more. */
  feedData(data: Uint8Array): void {
    if (this.ended) throw new RuntimeError("feedData() after feedEof(): the stream has ended");
    if (data.length === 0) return;
    this.buffer.push(
      Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength),
    );
    this.waiting?.grant();
    this.maybePause();
  }

  /** No more will come. */
  feedEof(): void {
    this.ended = true;
    this.waiting?.grant();
  }

  /** The error that the connection was lost with, or undefined. */
  exception(): unknown {
    return this.failure?.error;
  }

  /** Makes this read and all later ones throw `error`, even if there is data that was not read (but for {@link readPieces}). */
  setException(error: unknown): void {
    this.failure = { error };
    this.waiting?.grant();
  }

  /** @internal Does what it reads come from somewhere else than the program? */
  get connected(): boolean {
    return this.flow !== null;
  }

  /** What is told to pause when too much comes. */
  setTransport(flow: ReadFlow): void {
    this.flow = flow;
  }

  /** @internal What has come and was not read. */
  takeBuffered(): Buffer {
    return this.take(this.buffer.size);
  }

  toString(): string {
    const state = this.failure !== null ? ", failed" : this.ended ? ", ended" : "";
    return `<StreamReader ${this.buffer.size} bytes${state}>`;
  }

  // -- within --------------------------------------------------------------------------------------------

  /** Tries at once; then at each turn of the wait, which more data grants. */
  private perform<T>(reading: Reading<T>): Promise<T> {
    const scope = ambientScope();
    if (scope === undefined) return outsideTask(`${reading.kind}()`);
    if (this.failure !== null && !reading.readsRest) return Promise.reject(this.tell(this.failure));
    let value: T | typeof AGAIN;
    try {
      value = reading.attempt();
    } catch (error) {
      return Promise.reject(error);
    }
    if (value !== AGAIN) return immediate(scope, value);
    if (this.waiting !== null) {
      return Promise.reject(
        new RuntimeError(
          `${reading.kind}() was called while another task waits in ${this.waiting.kind}(): give one task the reading`,
        ),
      );
    }
    this.resume();
    const wait = new Wait<T>(scope, reading);
    this.waiting = wait as Wait<unknown>;
    return wait.begin();
  }

  /** @internal The wait's turn has come. What has come before the connection failed is read first. */
  retry<T>(reading: Reading<T>): T | typeof AGAIN {
    const value = reading.attempt();
    if (value !== AGAIN) this.waiting = null;
    else if (this.failure !== null) throw this.tell(this.failure);
    else this.resume();
    return value;
  }

  // What readings try. They throw what the read is to throw, and give AGAIN if more has to come.

  /** @internal */
  trySome(n: number): Buffer | typeof AGAIN {
    if (n > 0 && this.buffer.size === 0 && !this.ended) return AGAIN;
    return this.take(n);
  }

  /** @internal */
  tryPieces(least: number, most: number): Buffer[] | typeof AGAIN {
    const { size } = this.buffer;
    if (size === 0 && this.failure !== null) throw this.tell(this.failure);
    if (size < least && !this.ended && this.failure === null) return AGAIN;
    const taken = this.buffer.takePieces(most);
    this.maybeResume();
    return taken;
  }

  /** @internal */
  tryExactly(n: number): Buffer | typeof AGAIN {
    if (this.buffer.size >= n) return this.take(n);
    if (this.ended) throw new IncompleteReadError(this.buffer.takeAll(), n);
    return AGAIN;
  }

  /** @internal */
  tryUpTo(finder: Finder): Buffer | typeof AGAIN {
    const end = finder.find();
    if (end !== AGAIN) return this.take(end);
    if (this.ended) throw new IncompleteReadError(this.buffer.takeAll(), null);
    return AGAIN;
  }

  /** @internal */
  tryLine(finder: Finder): Buffer | typeof AGAIN {
    try {
      return this.tryUpTo(finder);
    } catch (error) {
      if (error instanceof IncompleteReadError) return error.partial;
      if (!(error instanceof LimitOverrunError)) throw error;
      this.dropLine(error.consumed);
      throw new RangeError(
        `the line is longer than the reader's limit of ${this.limit} bytes, and was dropped: give the stream a higher limit`,
        { cause: error },
      );
    }
  }

  private tell({ error }: { readonly error: unknown }): unknown {
    this.told = true;
    return error;
  }

  /** @internal The wait is over. */
  endWait(): void {
    this.waiting = null;
  }

  private async readToEnd(): Promise<Buffer> {
    const parts: Buffer[] = [];
    try {
      for (let part = await this.read(this.limit); part.length > 0; part = await this.read(this.limit)) {
        parts.push(part);
      }
    } catch (error) {
      this.buffer.unshift(Buffer.concat(parts));
      this.maybePause();
      throw error;
    }
    return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
  }

  private finder(separators: readonly Buffer[]): Finder {
    return new Finder(this.buffer, separators, this.limit);
  }

  /** Drops a line that is too long: through its end if that is there. */
  private dropLine(consumed: number): void {
    if (this.buffer.whole()[consumed] === NEWLINE[0]) this.buffer.take(consumed + 1);
    else this.buffer.clear();
    this.maybeResume();
  }

  private take(n: number): Buffer {
    const taken = this.buffer.take(n);
    this.maybeResume();
    return taken;
  }

  private maybePause(): void {
    if (this.flow === null || this.paused || this.buffer.size <= 2 * this.limit) return;
    this.paused = true;
    this.flow.pauseReading();
  }

  private maybeResume(): void {
    if (this.buffer.size <= this.limit) this.resume();
  }

  private resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.flow?.resumeReading();
  }
}

/** @internal */
export function checkLimit(limit: number): void {
  if (Number.isInteger(limit) && limit > 0) return;
  throw new RangeError(`limit must be a whole number of bytes > 0, such as 65536; got ${inspect(limit)}`);
}

/** Pieces of a stream, up to the empty one at its end. Unlike a generator it can go on after an error. */
class Pieces implements AsyncIterator<Buffer, undefined> {
  private readonly read: () => Promise<Buffer>;

  constructor(read: () => Promise<Buffer>) {
    this.read = read;
  }

  async next(): Promise<IteratorResult<Buffer, undefined>> {
    const value = await this.read();
    return value.length > 0 ? { done: false, value } : { done: true, value: undefined };
  }
}

function refuse(argument: string, expected: string, got: unknown): Promise<never> {
  return Promise.reject(bad(argument, expected, got));
}

const bad = (argument: string, expected: string, got: unknown): RangeError =>
  new RangeError(`${argument} must be ${expected}; got ${inspect(got)}`);

const NEWLINE = Buffer.from("\n");
