import { statfs } from "node:fs/promises";
import { CancelledError, interruptible } from "brio";
import { DiskSpaceError } from "./errors.ts";
import type { CheckedDownload } from "./options.ts";

/** @throws DiskSpaceError if what is still to come does not fit. */
export async function checkSpace(plan: CheckedDownload, needed: number): Promise<void> {
  const available = await freeSpace(plan.directory);
  if (available !== null && available < needed)
    throw new DiskSpaceError(plan.url, plan.directory, needed, available);
}

/** The same error; one that says how much is free if the disk is full. */
export async function withSpace(plan: CheckedDownload, error: unknown): Promise<unknown> {
  if (error instanceof DiskSpaceError || (error as NodeJS.ErrnoException).code !== "ENOSPC") return error;
  return new DiskSpaceError(plan.url, plan.directory, null, await freeSpace(plan.directory), error);
}

/** Not every file system says it. */
async function freeSpace(directory: string): Promise<number | null> {
  try {
    const { bavail, bsize } = await interruptible(statfs(directory));
    return bavail * bsize;
  } catch (error) {
    if (error instanceof CancelledError) throw error;
    return null;
  }
}
