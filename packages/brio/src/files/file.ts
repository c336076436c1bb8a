import type { Stats } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { requireScope } from "../cancel/scope.ts";
import { uncancellable } from "../cancel/uncancellable.ts";
import { bytesOf, type Data } from "../loop/bytes.ts";
import { RuntimeError } from "../loop/errors.ts";
import type { Loop, Resource } from "../loop/loop.ts";
import { Semaphore } from "../sync/semaphore.ts";
import { bad, checkCount } from "./arguments.ts";
import { readBytes, readToEnd, writeBytes } from "./bytes.ts";
import type { Cursor } from "./cursor.ts";
import { openFilesOf } from "./limit.ts";
import { type LineOptions, Lines } from "./lines.ts";
import type { Opened } from "./open.ts";
import { type Aftermath, perform, type Stop } from "./operation.ts";
import { type ChunkOptions, Chunks } from "./pieces.ts";
import { Unread } from "./unread.ts";

/*
 * A file's states: open -> closing -> closed. From `closing` on no operation begins; the descriptor is closed when those
 * that have begun have ended. (Node waits for reads that nobody waits for.)
 *
 * The position is brio's own, not the system's: a read that was cancelled has not moved it. Operations at the position
 * take turns; those that name theirs (`readAt`, `writeAt`) need not.
 */
type State = "open" | "closing" | "closed";

/**
 * An open file: made by `open`. `await using file = await open(...)` closes it at the end of the block.
 *
 * Reading and writing begin at {@link position} and move it. Several tasks may use a file: what they do at the position
 * happens one after the other, in the order in which they asked.
 *
 * @example
 * ```ts
 * import { run } from "brio";
 * import { open, temporaryDirectory } from "brio/files";
 *
 * await run(async () => {
 *   await using folder = await temporaryDirectory();
 *   await using file = await open(`${folder.path}/notes.txt`, "w+");
 *   await file.write("one\ntwo\n");
 *   await file.seek(0);
 *   for await (const line of file) console.log(line); // one, then two
 * });
 * ```
 */
export class File implements AsyncDisposable, AsyncIterable<string>, Resource {
  /** Where it is, as it was given to `open`. */
  readonly path: string;
  /** @internal Has it a position? A pipe or a terminal has none. */ readonly seekable: boolean;
  /** @internal Raised whenever what was read ahead may no longer be what is there. */ generation = 0;
  private readonly loop: Loop;
  private readonly handle: FileHandle;
  private readonly appends: boolean;
  private readonly turns = new Semaphore(1);
  private readonly underWay = new Set<Promise<unknown>>();
  private state: State = "open";
  /** The position; or what it was, if there is a cursor. */
  private at = 0;
  /** @internal Knows the position better. */ cursor: Cursor | null = null;
  /** @internal */ readonly unread: Unread = new Unread();

  /** @internal Use `open`. It has the right to one open file, and gives it back when it is closed. */
  constructor(loop: Loop, { handle, path, stats, appends }: Opened) {
    this.loop = loop;
    this.handle = handle;
    this.path = path;
    this.appends = appends;
    this.seekable = stats.isFile() || stats.isBlockDevice();
    loop.resources.add(this);
  }

  // -- reading -------------------------------------------------------------------------------------------

  /**
   * Reads `n` bytes at the position: fewer only at the end of the file, where none are left. Without `n`, or with -1, it
   * reads to the end. What has no positions (a pipe, a terminal) gives what there is, at least one byte.
   *
   * *Cancel safety*: nothing is lost: the position is where it was. The step that is under way (at most 512 KiB) is waited
   * for.
   *
   * @throws RangeError if `n` is not a whole number; the system's error; RuntimeError if the file is closed.
   */
  async read(n = -1): Promise<Buffer> {
    if (!Number.isInteger(n)) throw bad("n", "a whole number of bytes, or -1", n);
    return await this.inTurn("file.read", async () => {
      if (!this.unread.isEmpty) return n < 0 ? await this.readRest() : this.unread.take(n);
      const data = await this.do(
        "file.read",
        (stop) =>
          n < 0 ? readToEnd(this.handle, this.where, stop) : readBytes(this.handle, this.where, n, stop),
        this.keeping,
      );
      if (this.seekable) this.at += data.length;
      return data;
    });
  }

  /**
   * Reads `n` bytes from `position` on, and leaves the file's own position alone: fewer only at the end of the file. Several
   * may be under way at once.
   *
   * *Cancel safety*: nothing is lost. The step that is under way is waited for.
   *
   * @throws RangeError if a number is negative or not whole; the system's error; RuntimeError if the file is closed.
   */
  async readAt(position: number, n: number): Promise<Buffer> {
    checkCount(position, "position");
    checkCount(n, "n");
    return await this.do("file.readAt", (stop) => readBytes(this.handle, position, n, stop));
  }

  /**
   * The lines from the position on, as text, without their ends (`\n` or `\r\n`). A loop that is left stands after the last
   * line it was given.
   *
   * *Cancel safety*: no line is lost: another loop goes on with it.
   *
   * @throws RangeError from the loop if a line is longer than `limit`; the system's error; RuntimeError if the file is
   * closed.
   */
  lines(options: LineOptions = {}): AsyncIterableIterator<string, undefined> {
    return new Lines(this, options);
  }

  /**
   * The bytes from the position on, in chunks of `size` (the last may be smaller). While a chunk is dealt with, the next is
   * read; never more.
   *
   * *Cancel safety*: nothing is lost: the position is after the last chunk that was handed out.
   *
   * @throws RangeError if an option is no number for it; from the loop, the system's error.
   */
  chunks(options: ChunkOptions = {}): AsyncIterableIterator<Buffer, undefined> {
    return new Chunks(this, options);
  }

  /** The lines: see {@link lines}. */
  [Symbol.asyncIterator](): AsyncIterableIterator<string, undefined> {
    return this.lines();
  }

  // -- writing -------------------------------------------------------------------------------------------

  /**
   * Writes all of `data` (text as UTF-8) at the position; at the end of the file if it was opened to append. The data must
   * not be changed before it is done.
   *
   * *Cancel safety*: the step that is under way (at most 512 KiB) is waited for, and the rest is not written; the position
   * is after what was. Use `writeFile` for all or nothing.
   *
   * @throws TypeError if `data` is neither bytes nor text; the system's error, such as `ENOSPC`: the position is after what
   * was written; RuntimeError if the file is closed.
   */
  async write(data: Data): Promise<void> {
    const bytes = bytesOf(data);
    await this.inTurn("file.write", () =>
      this.do("file.write", (stop) =>
        writeBytes(this.handle, bytes, this.appends ? null : this.where, stop, (length) => {
          this.generation++;
          if (this.seekable && !this.appends) this.at += length;
        }),
      ),
    );
  }

  /**
   * Writes all of `data` (text as UTF-8) from `position` on, and leaves the file's own position alone. Several may be under
   * way at once.
   *
   * *Cancel safety*: the step that is under way (at most 512 KiB) is waited for, and the rest is not written.
   *
   * @throws RangeError if `position` is negative or not whole; the errors of {@link write}; RuntimeError if the file was
   * opened to append: then the system knows no other place.
   */
  async writeAt(position: number, data: Data): Promise<void> {
    checkCount(position, "position");
    const bytes = bytesOf(data);
    if (this.appends)
      throw new RuntimeError(`${this} was opened to append: file.writeAt() needs another mode, such as "r+"`);
    await this.do("file.writeAt", (stop) =>
      writeBytes(this.handle, bytes, position, stop, () => {
        this.generation++;
      }),
    );
  }

  /**
   * Makes the file `size` bytes long: cuts it off, or adds zeros. The position stays.
   *
   * *Cancel safety*: it is waited for: it may have happened.
   *
   * @throws RangeError if `size` is negative or not whole; the system's error; RuntimeError if the file is closed.
   */
  async truncate(size: number): Promise<void> {
    checkCount(size, "size");
    await this.inTurn("file.truncate", () =>
      this.do("file.truncate", async () => {
        await this.handle.truncate(size);
        this.generation++;
      }),
    );
  }

  /**
   * Waits until what was written is on the disk, and would survive a loss of power.
   *
   * *Cancel safety*: it is waited for.
   *
   * @throws the system's error: then what was written may be lost; RuntimeError if the file is closed.
   */
  async sync(): Promise<void> {
    await this.do("file.sync", () => this.handle.sync());
  }

  // -- the position and the rest -------------------------------------------------------------------------

  /** Where the next read or write begins, in bytes; always 0 for what has no positions. Appending does not move it. */
  get position(): number {
    return this.seekable && this.cursor !== null ? this.cursor.position() : this.at;
  }

  /**
   * Sets the position to `offset` bytes from the start (default), the current position or the end; resolves with the new
   * one. It may lie after the end: what is written there leaves a gap of zeros.
   *
   * *Cancel safety*: the position is where it was.
   *
   * @throws RangeError if the new position would be negative, or `offset` is not whole; RuntimeError for what has no
   * positions, and if the file is closed.
   */
  async seek(offset: number, from: "start" | "current" | "end" = "start"): Promise<number> {
    if (!Number.isInteger(offset)) throw bad("offset", "a whole number of bytes", offset);
    if (from !== "start" && from !== "current" && from !== "end")
      throw bad("from", '"start", "current" or "end"', from);
    if (!this.seekable) throw new RuntimeError(`${this} has no positions: file.seek() needs a regular file`);
    return await this.inTurn("file.seek", async () => {
      const base = from === "start" ? 0 : from === "current" ? this.position : (await this.stat()).size;
      if (base + offset < 0) throw bad("offset", `one that leads to a position >= 0 (from ${base})`, offset);
      this.generation++;
      this.moveTo(base + offset);
      return this.at;
    });
  }

  /**
   * Its size, times, mode: Node's `Stats`.
   *
   * *Cancel safety*: nothing is lost.
   *
   * @throws the system's error; RuntimeError if the file is closed.
   */
  async stat(): Promise<Stats> {
    return await this.do("file.stat", () => this.handle.stat());
  }

  /** Is it closed, or being closed? */
  get closed(): boolean {
    return this.state !== "open";
  }

  /** The system's number for it; to be used while it is open. */
  get fd(): number {
    return this.handle.fd;
  }

  /**
   * Closes it when what is under way with it has ended. Closing twice is fine.
   *
   * *Cancel safety*: it can't be cancelled: it is closed in any case.
   *
   * @throws the system's error: then what was written may be lost.
   */
  async close(): Promise<void> {
    if (this.state !== "open") return;
    requireScope("file.close()");
    this.state = "closing";
    try {
      await uncancellable(() => perform("file.close", this.path, () => this.giveBack()), { grace: null });
    } finally {
      this.state = "closed";
      this.loop.resources.delete(this);
      openFilesOf(this.loop).release(1);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal What closing does, in the system. */
  protected async giveBack(): Promise<void> {
    await Promise.allSettled(this.underWay);
    await this.handle.close();
  }

  /** @internal */
  loopCloses(): void {
    if (this.state === "closed") return;
    this.state = "closed";
    this.loop.resources.delete(this);
    this.handle.close().catch(() => {}); // nobody is left to be told
  }

  toString(): string {
    return `<File "${this.path}" ${this.state === "open" ? `at ${this.position}` : this.state}>`;
  }

  // -- within --------------------------------------------------------------------------------------------

  /** @internal Could the position be used at once? */
  get free(): boolean {
    return this.state === "open" && !this.turns.locked();
  }

  /** @internal Has those that use the position take turns. */
  async inTurn<T>(name: string, fn: () => Promise<T>): Promise<T> {
    this.checkOpen(name);
    await this.turns.acquire();
    try {
      this.checkOpen(name);
      return await fn();
    } finally {
      this.turns.release();
    }
  }

  /** @internal */
  async do<T>(name: string, work: (stop: Stop) => Promise<T>, aftermath?: Aftermath<T>): Promise<T> {
    this.checkOpen(name);
    const operation = perform(name, this.path, work, aftermath);
    this.underWay.add(operation);
    try {
      return await operation;
    } finally {
      this.underWay.delete(operation);
    }
  }

  /** @internal Reads some bytes, without waiting as a task does. */
  async peek(position: number, room: Buffer): Promise<Buffer> {
    let size = 0;
    while (size < room.length) {
      const { bytesRead } = await this.handle.read(room, size, room.length - size, position + size);
      if (bytesRead === 0) break;
      size += bytesRead;
    }
    return room.subarray(0, size);
  }

  /** @internal Reads what there is, up to `size` bytes, of something without positions. */
  async readSome(size: number): Promise<Buffer> {
    if (!this.unread.isEmpty) return this.unread.take(size);
    return await this.do("file.read", (stop) => readBytes(this.handle, null, size, stop), this.keeping);
  }

  /** What was put back, and then all that is left. */
  private async readRest(): Promise<Buffer> {
    const first = this.unread.take();
    try {
      return Buffer.concat([
        first,
        await this.do("file.read", (stop) => readToEnd(this.handle, null, stop), this.keeping),
      ]);
    } catch (error) {
      this.unread.putBack(first);
      throw error;
    }
  }

  /** @internal A piece has been handed out, up to here. */
  moveTo(position: number): void {
    this.cursor = null;
    this.at = position;
  }

  /** @internal The position is the file's own again. */
  settle(): void {
    if (this.cursor !== null) this.moveTo(this.position);
  }

  /** Keeps what a cancelled read has read, where it could not be read again. */
  private get keeping(): Aftermath<Buffer> {
    return this.seekable ? {} : { undo: async (data) => this.unread.putBack(data) };
  }

  /** Where the system is to read or write: null where there are no positions. */
  private get where(): number | null {
    this.settle();
    return this.seekable ? this.at : null;
  }

  private checkOpen(name: string): void {
    if (this.state === "open") return;
    throw new RuntimeError(`${name}(): ${this} can't be used any more: open("${this.path}") opens it anew`);
  }
}
