import { createHash } from "node:crypto";
import { writev } from "node:fs";
import { link, mkdir, open as openHandle, rename, rm, unlink } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { CancelledError, interruptible, uncancellable } from "brio";
import { type File, open, readFile, writeFile } from "brio/files";

/** A part of a file, from one byte up to another, and how far it has come. */
export interface Segment {
  readonly from: number;
  /** The byte after the last; null: wherever the file ends. */
  readonly to: number | null;
  /** The next byte that is missing. */
  at: number;
}

/** What is known of a download that has begun: kept beside the file, so that another try can go on. */
export interface Progress {
  /** What says whether the file on the server is still the same: a strong ETag, or else when it was changed. */
  readonly validator: string | null;
  readonly total: number | null;
  readonly segments: Segment[];
}

const writeVector = promisify(writev);

/** The downloads of this process: two of the same file would write into each other. */
const underWay = new Set<string>();

/**
 * A file that has not all come yet: `.brio-….part` in the folder it is for, with `.brio-….part.json`, which says what of it is
 * there. Their name is made of the URL, so that another try finds them, whatever the file will be called.
 */
export class PartialFile {
  readonly file: File;
  private readonly directory: string;
  private readonly key: string;
  private readonly path: string;
  progress: Progress | null = null;
  private empty = false;

  private constructor(file: File, directory: string, key: string, path: string) {
    this.file = file;
    this.directory = directory;
    this.key = key;
    this.path = path;
  }

  /** Opens what an earlier try has left, or something new. Null if it is open already, in this process. */
  static async open(directory: string, url: string, resume: boolean): Promise<PartialFile | null> {
    await settled(mkdir(directory, { recursive: true }));
    const hash = createHash("sha256").update(url).digest("hex").slice(0, 16);
    const path = join(directory, `.brio-${hash}.part`);
    if (underWay.has(path)) return null;
    underWay.add(path);
    try {
      const { file, made } = await uncancellable(() => openOrMake(path), { grace: null });
      const partial = new PartialFile(file, directory, path, path);
      try {
        const left = resume ? await progressOf(`${path}.json`, url) : null;
        const { size } = await file.stat();
        partial.empty = size === 0;
        if (left?.segments.every(({ from, at }) => at === from || at <= size)) partial.progress = left;
        else await partial.restart(null);
      } catch (error) {
        if (made || !resume) await partial.discard();
        await file.close();
        throw error;
      }
      return partial;
    } catch (error) {
      underWay.delete(path);
      throw error;
    }
  }

  /** How many bytes are there. */
  get received(): number {
    return this.progress?.segments.reduce((sum, { from, at }) => sum + at - from, 0) ?? 0;
  }

  /** Can another try go on with what is there? */
  get resumable(): boolean {
    return this.received > 0 && this.progress?.validator !== null;
  }

  /** Writes all pieces, one after the other, from a place on; resolves with their length. It can't be cancelled. */
  async write(at: number, pieces: readonly Buffer[]): Promise<number> {
    let left = pieces;
    let written = 0;
    this.empty = false;
    while (left.length > 0) {
      const { bytesWritten } = await settled(writeVector(this.file.fd, left, at + written));
      written += bytesWritten;
      left = after(left, bytesWritten);
    }
    return written;
  }

  /** Forgets what is there. */
  async restart(progress: Progress | null): Promise<void> {
    this.progress = progress;
    // ext4 writes a file to the disk when it is closed if it was cut off before, even if there was nothing to cut off.
    if (!this.empty) await this.file.truncate(0);
    this.empty = true;
  }

  /** Notes how far it has come. */
  async save(url: string): Promise<void> {
    if (this.progress?.validator === null || this.progress === null) return;
    const text = JSON.stringify({ url, ...this.progress });
    await writeFile(`${this.path}.json`, text, { durable: false });
  }

  /**
   * Gives the whole file its name. Whoever looks sees what was there before, or all of it.
   *
   * @throws the system's error: `EEXIST` if it must not replace another, and would.
   */
  async keep(path: string, { durable, replace }: { durable: boolean; replace: boolean }): Promise<void> {
    if (durable) await this.file.sync();
    await uncancellable(
      async () => {
        if (replace) {
          await settled(rename(this.path, path));
        } else {
          await settled(link(this.path, path));
          await settled(unlink(this.path));
        }
        await settled(rm(`${this.path}.json`, { force: true }));
        if (durable) await settled(syncFolder(this.directory));
      },
      { grace: null },
    );
  }

  /** Removes what has come. */
  async discard(): Promise<void> {
    await uncancellable(
      async () => {
        await settled(rm(this.path, { force: true }));
        await settled(rm(`${this.path}.json`, { force: true }));
      },
      { grace: null },
    );
  }

  async close(): Promise<void> {
    try {
      await this.file.close();
    } finally {
      underWay.delete(this.key);
    }
  }
}

async function openOrMake(path: string): Promise<{ file: File; made: boolean }> {
  try {
    return { file: await open(path, "r+"), made: false };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return { file: await open(path, "wx+"), made: true };
  }
}

/** What an earlier try has noted, if that can be made sense of. */
async function progressOf(path: string, url: string): Promise<Progress | null> {
  try {
    const read = JSON.parse(await readFile(path, "utf8")) as Progress & { url: string };
    if (read.url !== url || typeof read.validator !== "string" || !Array.isArray(read.segments)) return null;
    const sound = read.segments.every(
      ({ from, to, at }) =>
        isPlace(from) && isPlace(at) && at >= from && (to === null || (isPlace(to) && at <= to)),
    );
    const { validator, total, segments } = read;
    if (!sound || segments.length === 0 || (total !== null && !isPlace(total))) return null;
    return { validator, total, segments };
  } catch (error) {
    if (error instanceof CancelledError) throw error;
    return null; // there is none, or it was cut off
  }
}

function isPlace(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** What of the pieces comes after so many bytes. */
function after(pieces: readonly Buffer[], bytes: number): Buffer[] {
  let skipped = bytes;
  return pieces.flatMap((piece) => {
    const rest = piece.subarray(Math.min(skipped, piece.length));
    skipped -= piece.length - rest.length;
    return rest.length > 0 ? [rest] : [];
  });
}

/** Not every system can do that with a folder. */
async function syncFolder(path: string): Promise<void> {
  const handle = await openHandle(path, "r").catch(() => null);
  await handle?.sync().catch(() => {});
  await handle?.close();
}

/** Waits for something that is done in any case. */
async function settled<T>(work: Promise<T>): Promise<T> {
  return await uncancellable(() => interruptible(work), { grace: null });
}
