import {
  chmod,
  type FileHandle,
  mkdir,
  open,
  readlink,
  realpath,
  rename,
  rm,
  stat,
  symlink,
} from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { readBytes, STEP, writeBytes } from "./bytes.ts";
import { withFiles } from "./limit.ts";
import { perform, type Stop } from "./operation.ts";
import { type Path, pathOf } from "./path.ts";
import { replaceFile, temporaryName } from "./replacement.ts";
import { walk } from "./walk.ts";

/** Options of {@link copy}. */
export interface CopyOptions {
  /** Wait for each file until it would survive a loss of power. Default false: a copy can be made again. */
  durable?: boolean | undefined;
}

/**
 * Copies a file, or a folder with everything in it. `target` is the copy's own path. Each file is all or nothing, as with
 * `writeFile`, and takes the place of one that is there; a folder that is there is added to. Permissions are copied, links
 * as links (`source` itself is followed).
 *
 * *Cancel safety*: what is copied so far stays, each file whole, and no temporary file; if it is too late for the last one,
 * it succeeds.
 *
 * @throws the system's error; Error if a folder is to be copied into itself, or a file onto itself, or there is something in
 * it that can't be copied (a pipe, a socket, a device); TypeError if a path is none.
 *
 * @example
 * ```ts
 * import { run } from "brio";
 * import { copy, temporaryDirectory, walk } from "brio/files";
 *
 * await run(async () => {
 *   await using folder = await temporaryDirectory();
 *   await copy("examples/04-pipeline", `${folder.path}/copy`);
 *   for await (const { name } of walk(folder.path)) console.log(name); // copy, then main.ts
 * });
 * ```
 */
export async function copy(source: Path, target: Path, options: CopyOptions = {}): Promise<void> {
  const example = 'copy("from.txt", "to.txt")';
  const from = resolve(pathOf(source, "source", example));
  const to = resolve(pathOf(target, "target", example));
  const { durable = false } = options;
  const isFolder = await perform("copy", from, () => isFolderToCopy(from, to));
  if (!isFolder) return await copyFile(from, to, durable);
  const folders = [{ from, to, made: await makeFolder(to) }];
  for await (const { path, kind } of walk(from)) {
    const place = join(to, relative(from, path));
    if (kind === "folder") folders.push({ from: path, to: place, made: await makeFolder(place) });
    else if (kind === "file") await copyFile(path, place, durable);
    else if (kind === "link") await copyLink(path, place);
    else throw uncopied(path, "it is neither a file, nor a folder, nor a link");
  }
  // At the end, as nothing can be put into a folder that must not be written.
  for (const { from, to, made } of folders.reverse()) {
    if (made)
      await perform("copy", to, async () => chmod(to, (await stat(from)).mode & 0o7777), { kept: true });
  }
}

/** Looks what is to be copied, and refuses what can't be. */
async function isFolderToCopy(from: string, to: string): Promise<boolean> {
  const stats = await stat(from);
  const real = await realpath(from);
  const place = await realPlace(to);
  if (place === real) throw uncopied(from, `"${to}" is the same`);
  if (!stats.isDirectory()) return false;
  if (place.startsWith(real.endsWith(sep) ? real : real + sep))
    throw uncopied(from, `"${to}" is inside of it`);
  return true;
}

/** Where a path leads that need not exist yet. */
async function realPlace(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT" || dirname(path) === path) throw error;
    return join(await realPlace(dirname(path)), basename(path));
  }
}

/** True if it was not there. */
async function makeFolder(path: string): Promise<boolean> {
  return await perform("copy", path, async () => {
    try {
      await mkdir(path, 0o700);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST" && (await stat(path)).isDirectory())
        return false;
      throw error;
    }
  });
}

async function copyFile(from: string, to: string, durable: boolean): Promise<void> {
  await withFiles("copy", 2, () =>
    perform(
      "copy",
      from,
      async (stop) => {
        const source = await open(from, "r");
        try {
          const stats = await source.stat();
          if (!stats.isFile()) throw uncopied(from, "it is no regular file");
          const replacement = { permissions: stats.mode, created: 0o600, durable };
          await replaceFile(to, replacement, stop, (target) => pump(source, target, stop));
        } finally {
          await source.close();
        }
      },
      { kept: true },
    ),
  );
}

async function pump(source: FileHandle, target: FileHandle, stop: Stop): Promise<void> {
  for (let position = 0; ; ) {
    const data = await readBytes(source, position, STEP, stop);
    if (data.length === 0) return;
    await writeBytes(target, data, position, stop);
    position += data.length;
  }
}

async function copyLink(from: string, to: string): Promise<void> {
  await perform("copy", from, async () => {
    const temporary = temporaryName(dirname(to));
    await symlink(await readlink(from), temporary);
    try {
      await rename(temporary, to);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  });
}

function uncopied(path: string, why: string): Error {
  return Object.assign(new Error(`"${path}" can't be copied: ${why}`), { code: "EINVAL", path });
}
