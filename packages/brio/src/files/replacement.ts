import { randomBytes } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { access, type FileHandle, link, lstat, open, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Stop } from "./operation.ts";

/** What a file is put in the place of another with. */
export interface Replacement {
  /** The permissions that the new file gets even if there was another: null: those of the old one. */
  readonly permissions: number | null;
  /** The permissions of a file that takes nobody's place, before the umask. */
  readonly created: number;
  /** Wait until it would survive a loss of power. */
  readonly durable: boolean;
  /** Take nobody's place, also not that of a link: throw TakenError. */
  readonly onlyNew?: boolean;
}

/** There is something already where a new file was to be. */
export class TakenError extends Error {}

/**
 * Puts a file in the place of another, or where none was: whoever looks sees the old one or the new one, whole. The new one
 * is written beside it under a name of its own (`.brio-….tmp`), and given the right name at the end. Fails it or is it
 * told to stop, that file is removed, and nothing has happened. Only when the process is killed it stays.
 *
 * Once the new file has its name, the rest can't be stopped.
 */
export async function replaceFile(
  path: string,
  { permissions, created, durable, onlyNew = false }: Replacement,
  stop: Stop,
  fill: (handle: FileHandle) => Promise<void>,
): Promise<void> {
  const target = onlyNew ? path : await destination(path);
  const old = onlyNew ? null : await existing(target);
  stop.check();
  const temporary = temporaryName(dirname(target));
  // Nobody else may read what is not finished, if nobody else may read the old one.
  const handle = await open(temporary, "wx", old === null && permissions === null ? created : 0o600);
  try {
    try {
      await fill(handle);
      if (old !== null) await keepOwner(handle, old);
      if (permissions !== null || old !== null) await handle.chmod((permissions ?? old?.mode ?? 0) & 0o7777);
      if (durable) await handle.sync();
    } finally {
      await handle.close();
    }
    stop.check();
    if (onlyNew) await nameNew(temporary, target);
    else await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {}); // what went wrong before is what must be told
    throw error;
  }
  if (durable) await syncFolder(dirname(target));
}

/** Not every file system has hard links. */
const LINKLESS: ReadonlySet<string | undefined> = new Set([
  "EPERM",
  "ENOSYS",
  "ENOTSUP",
  "EOPNOTSUPP",
  "EMLINK",
]);

/** Gives a file a name that nothing else has. (A rename would take it from whoever has it.) */
async function nameNew(temporary: string, target: string): Promise<void> {
  try {
    await link(temporary, target);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException; // the system's
    if (code === "EEXIST") throw new TakenError();
    if (!LINKLESS.has(code)) throw error;
    const free = await lstat(target).then(
      () => false,
      (reason: NodeJS.ErrnoException) => reason.code === "ENOENT",
    );
    if (!free) throw new TakenError();
    await rename(temporary, target);
    return;
  }
  await rm(temporary);
}

export function temporaryName(folder: string): string {
  return join(folder, `.brio-${randomBytes(8).toString("hex")}.tmp`);
}

/** Where a link leads, or the path itself: what is replaced is the file, not the link to it. */
async function destination(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return path;
    throw error;
  }
}

/** The file that is there, if one is that can be replaced. */
async function existing(path: string): Promise<Stats | null> {
  let stats: Stats;
  try {
    stats = await stat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  if (stats.isDirectory())
    throw Object.assign(new Error(`"${path}" is a folder, not a file`), { code: "EISDIR", path });
  if (!stats.isFile()) {
    throw Object.assign(
      new Error(
        `"${path}" is not a regular file, so no other can take its place: open("${path}", "r+") writes to it`,
      ),
      { code: "EINVAL", path },
    );
  }
  // A file that must not be written must not be replaced either, though the system would let us.
  await access(path, constants.W_OK);
  return stats;
}

/** The new file belongs to whom the old one belonged to, as far as we may give it away. */
async function keepOwner(handle: FileHandle, old: Stats): Promise<void> {
  const now = await handle.stat();
  if (now.uid === old.uid && now.gid === old.gid) return;
  try {
    await handle.chown(old.uid, old.gid);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") throw error;
  }
}

/** Not every system can do that with a folder, nor may everybody. */
const UNABLE: ReadonlySet<string | undefined> = new Set(["EACCES", "EINVAL", "EISDIR", "ENOTSUP", "EPERM"]);

/** Waits until the names in a folder would survive a loss of power. */
async function syncFolder(path: string): Promise<void> {
  try {
    const handle = await open(path, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!UNABLE.has((error as NodeJS.ErrnoException).code)) throw error;
  }
}
