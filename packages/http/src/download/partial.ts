import { createHash, randomBytes } from "node:crypto";
import { constants, writev } from "node:fs";
import { copyFile, link, mkdir, open as openHandle, rename, rm, stat, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { interruptible, uncancellable } from "brio";
import { type File, open, writeFile } from "brio/files";
import { DownloadError } from "./errors.ts";
import { type Notes, notesOf, type Progress } from "./notes.ts";
import { type Owner, ownSelf, runs } from "./owner.ts";

const writeVector = promisify(writev);

/** So long nothing must have come to a file of a process elsewhere until it is given up, in milliseconds. */
const QUIET = 60_000;

/** What this thread is bringing: where its notes are, and which files. */
const underWay = new Set<string>();

/*
 * What is downloaded from one URL to one folder has one file of notes, whose name is made of the URL, so that another try finds it.
 * It says how far that has come, who brings it, and which file, `.brio-….part`, it comes to. That file has a name that is used once:
 *
 *   begin ──> part of its own, notes name the process ─┬─ whole ──────────> renamed to what it is; notes removed
 *                                                      ├─ fails ──────────> notes name nobody: "left"
 *                                                      └─ killed ─────────> notes name a process that does not run: "left"
 *   left ──── another try renames the part to a name of its own, and notes that: one of several succeeds
 *
 * So nobody ever writes to a file that somebody else writes to, however they race. Whether a process elsewhere still runs nobody
 * can know: its file is left alone while it changes, and copied rather than renamed.
 */

/** A file that has not all come yet. */
export class PartialFile {
  readonly file: File;
  private readonly url: string;
  private readonly path: string;
  private readonly notes: string;
  progress: Progress | null;
  private empty = false;
  /** It was kept, or discarded. */
  private over = false;

  private constructor(file: File, url: string, path: string, notes: string, progress: Progress | null) {
    this.file = file;
    this.progress = progress;
    this.url = url;
    this.path = path;
    this.notes = notes;
    underWay.add(basename(path));
  }

  /**
   * Opens what an earlier try has left, or something new.
   *
   * @throws DownloadError if somebody is bringing it already; the system's error.
   */
  static async open(directory: string, url: string, resume: boolean): Promise<PartialFile> {
    await settled(mkdir(directory, { recursive: true }));
    const prefix = `.brio-${createHash("sha256").update(url).digest("hex").slice(0, 16)}`;
    const notes = join(directory, `${prefix}.part.json`);
    const busy = (by: string): DownloadError =>
      new DownloadError(url, `is being downloaded to ${directory} already, by ${by}`);
    if (underWay.has(notes)) throw busy("this process");
    underWay.add(notes);
    try {
      const left = await notesOf(notes, url, `${prefix}-`);
      const other = left === null ? null : await holder(left, directory);
      if (other !== null) throw busy(other);
      const path = join(directory, `${prefix}-${randomBytes(6).toString("hex")}.part`);
      const file = await uncancellable(() => claim(left, path, notes, url), { grace: null });
      const partial = new PartialFile(file, url, path, notes, resume ? (left?.progress ?? null) : null);
      try {
        const { size } = await file.stat();
        partial.empty = size === 0;
        const there = partial.progress?.segments.every(({ from, at }) => at === from || at <= size);
        if (there !== true) await partial.restart(null);
      } catch (error) {
        if (!partial.resumable) await partial.discard();
        await partial.close();
        throw error;
      }
      return partial;
    } catch (error) {
      underWay.delete(notes);
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
    if (this.empty) return;
    // First: notes must never tell of more than there is.
    await this.note(ownSelf());
    await this.file.truncate(0);
    this.empty = true;
  }

  /** Notes how far it has come. */
  async save(): Promise<void> {
    await this.note(ownSelf());
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
        this.over = true;
        await settled(rm(this.notes, { force: true }));
        if (durable) await settled(syncFolder(dirname(path)));
      },
      { grace: null },
    );
  }

  /** Removes what has come. */
  async discard(): Promise<void> {
    this.over = true;
    await uncancellable(
      async () => {
        await settled(rm(this.path, { force: true }));
        await settled(rm(this.notes, { force: true }));
      },
      { grace: null },
    );
  }

  /** Leaves what was neither kept nor discarded to another try. */
  async close(): Promise<void> {
    try {
      if (!this.over) await uncancellable(() => this.note(null), { grace: null });
      await this.file.close();
    } finally {
      underWay.delete(this.notes);
      underWay.delete(basename(this.path));
    }
  }

  /** On a full disk there is no place for notes either. */
  private async note(owner: Owner | null): Promise<void> {
    const { notes, url, path, progress } = this;
    await writeNotes(notes, { url, part: basename(path), owner, progress }).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    });
  }
}

async function writeNotes(path: string, notes: Notes): Promise<void> {
  await writeFile(path, JSON.stringify(notes), { durable: false });
}

/** Who is bringing it, in words; null if nobody is. */
async function holder({ owner, part }: Notes, directory: string): Promise<string | null> {
  if (owner === null) return null;
  const running = runs(owner);
  if (running === null) {
    const changed = await interruptible(stat(join(directory, part))).catch(() => null);
    const quiet = changed === null ? QUIET : Date.now() - changed.mtimeMs;
    return quiet >= QUIET ? null : "a process elsewhere";
  }
  const { pid, thread } = ownSelf();
  // This thread would know of it.
  if (!running || (owner.pid === pid && owner.thread === thread && !underWay.has(part))) return null;
  return `process ${owner.pid}`;
}

/** Opens the file of that name: what was left, if nobody else has taken that. Not to be cancelled. */
async function claim(left: Notes | null, path: string, notes: string, url: string): Promise<File> {
  const from = left === null ? null : join(dirname(path), left.part);
  const elsewhere = left?.owner != null && left.owner.place !== ownSelf().place;
  const taken = from !== null && (await taking(from, path, elsewhere));
  try {
    const progress = taken ? (left?.progress ?? null) : null;
    await writeNotes(notes, { url, part: basename(path), owner: ownSelf(), progress });
    return await open(path, taken ? "r+" : "wx+");
  } catch (error) {
    if (left === null || from === null || !taken) {
      await settled(rm(notes, { force: true }));
    } else {
      await settled(rename(path, from));
      await writeNotes(notes, { ...left, owner: null }).catch(() => {}); // then they are as they were
    }
    throw error;
  }
}

/** Takes what was left. False: it is not there, or no longer. */
async function taking(from: string, to: string, elsewhere: boolean): Promise<boolean> {
  try {
    if (!elsewhere) await settled(rename(from, to));
    else await settled(copyFile(from, to, constants.COPYFILE_FICLONE).then(() => rm(from, { force: true })));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
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
