import { type FileHandle, lstat, lutimes, open, readlink, rename, rm, symlink } from "node:fs/promises";
import { dirname } from "node:path";
import { readBytes, STEP, writeBytes } from "./bytes.ts";
import { withFiles } from "./limit.ts";
import { perform, type Stop } from "./operation.ts";
import { replaceFile, TakenError, temporaryName } from "./replacement.ts";

/** How each file is copied. */
export interface FileCopy {
  readonly existing: "replace" | "keep" | "fail";
  readonly preserveTimestamps: boolean;
  readonly durable: boolean;
  /** Told how much of a file is copied; `whole`: it has its name. */
  readonly progress: (path: string, copied: number, size: number, whole: boolean) => void;
}

/** Copies a file, all or nothing. */
export async function copyFile(from: string, to: string, how: FileCopy): Promise<void> {
  const { existing, durable, preserveTimestamps } = how;
  const work = async (stop: Stop): Promise<void> => {
    if (existing !== "replace" && (await isThere(to))) throw new TakenError();
    const source = await open(from, "r");
    try {
      const stats = await source.stat({ bigint: true });
      if (!stats.isFile()) throw uncopied(from, "it is no regular file");
      const size = Number(stats.size);
      let copied = 0;
      const fill = async (target: FileHandle): Promise<void> => {
        for (;;) {
          const data = await readBytes(source, copied, STEP, stop);
          if (data.length === 0) break;
          await writeBytes(target, data, copied, stop);
          copied += data.length;
          how.progress(from, copied, size, false);
        }
        if (preserveTimestamps) await target.utimes(seconds(stats.atimeNs), seconds(stats.mtimeNs));
      };
      const replacement = {
        permissions: Number(stats.mode),
        created: 0o600,
        durable,
        onlyNew: existing !== "replace",
      };
      await replaceFile(to, replacement, stop, fill);
      how.progress(from, copied, size, true);
    } finally {
      await source.close();
    }
  };
  await asExisting(to, how, () => withFiles("copy", 2, () => perform("copy", from, work, { kept: true })));
}

/** Copies a link: not what it leads to. */
export async function copyLink(from: string, to: string, how: FileCopy): Promise<void> {
  const work = async (): Promise<void> => {
    const times = how.preserveTimestamps ? await lstat(from, { bigint: true }) : null;
    const leadsTo = await readlink(from);
    const made = how.existing === "replace" ? temporaryName(dirname(to)) : to;
    try {
      await symlink(leadsTo, made);
    } catch (error) {
      throw (error as NodeJS.ErrnoException).code === "EEXIST" ? new TakenError() : error;
    }
    try {
      if (times !== null) await lutimes(made, seconds(times.atimeNs), seconds(times.mtimeNs));
      if (made !== to) await rename(made, to);
    } catch (error) {
      await rm(made, { force: true });
      throw error;
    }
  };
  await asExisting(to, how, () => perform("copy", from, work, { kept: true }));
}

/** What is at the copy's place stays there: that is an error, or it is not. */
async function asExisting(to: string, { existing }: FileCopy, fn: () => Promise<void>): Promise<void> {
  try {
    await fn();
  } catch (error) {
    if (!(error instanceof TakenError)) throw error;
    if (existing === "fail") throw existsAlready(to);
  }
}

/** Also a link that leads nowhere. */
async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

/** As `utimes` takes it. A double has room for a fraction of a microsecond. */
export function seconds(nanoseconds: bigint): number {
  return Number(nanoseconds) / 1e9;
}

export function uncopied(path: string, why: string): Error {
  return Object.assign(new Error(`"${path}" can't be copied: ${why}`), { code: "EINVAL", path });
}

export function existsAlready(path: string): Error {
  const message = `"${path}" exists already: copy(..., { existing: "replace" }) takes its place, and "keep" leaves it alone`;
  return Object.assign(new Error(message), { code: "EEXIST", path });
}
