import { chmod, mkdir, realpath, stat, utimes } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { inspect } from "node:util";
import { bad } from "./arguments.ts";
import { copyFile, copyLink, existsAlready, type FileCopy, seconds, uncopied } from "./copy-file.ts";
import { perform } from "./operation.ts";
import { type Path, pathOf } from "./path.ts";
import { type WalkEntry, walk } from "./walk.ts";

/** How far a {@link copy} has come. */
export interface CopyProgress {
  /** The file that is being copied. */
  readonly path: string;
  /** How many bytes of it are copied. */
  readonly copied: number;
  /** How many bytes it had when it was opened. */
  readonly size: number;
  /** How many files are copied, whole. */
  readonly files: number;
  /** How many bytes are copied, in all files. */
  readonly bytes: number;
}

/** Options of {@link copy}. */
export interface CopyOptions {
  /**
   * What becomes of a file or link that is at the copy's place. `"replace"` (default): the copy takes its place. `"keep"`: it
   * stays, and the others are copied. `"fail"`: nothing may be at `target`, or the copy fails with `EEXIST`.
   */
  existing?: "replace" | "keep" | "fail" | undefined;
  /** Give the copies the times of access and modification of what they are copies of, to the microsecond. Default false. */
  preserveTimestamps?: boolean | undefined;
  /** Copy what links lead to, each folder once, so that circles end. Default false: copy the links. */
  followLinks?: boolean | undefined;
  /** Of what is in a folder, only copy that for which it returns true; a folder for which it doesn't with all that is in it. */
  filter?: ((entry: WalkEntry) => boolean) | undefined;
  /** Called after each step of at most 512 KiB, and when a file has been copied. What it throws ends the copy. */
  onProgress?: ((progress: CopyProgress) => void) | undefined;
  /** Wait for each file until it would survive a loss of power. Default false: a copy can be made again. */
  durable?: boolean | undefined;
}

/**
 * Copies a file, or a folder with everything in it. `target` is the copy's own path. Each file is all or nothing, as with
 * `writeFile`, and takes the place of one that is there; a folder that is there is added to. Permissions are copied, links
 * as links (`source` itself is followed).
 *
 * *Cancel safety*: what is copied so far stays, each file whole, and no temporary file; if it is too late for the last one,
 * it succeeds. What was in the place of a file is whole until the copy is.
 *
 * @throws the system's error; Error with code `EEXIST` if there is something that is not to be replaced; Error if a folder is
 * to be copied into itself, or a file onto itself, or there is something in it that can't be copied (a pipe, a socket, a
 * device); TypeError or RangeError for bad arguments.
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
  const how = checked(options);
  const isFolder = await perform("copy", from, () => isFolderToCopy(from, to));
  if (isFolder) await copyFolder(from, to, how, options);
  else await copyFile(from, to, how);
}

async function copyFolder(from: string, to: string, how: FileCopy, options: CopyOptions): Promise<void> {
  const { filter, followLinks } = options;
  const made = await makeFolder(to);
  if (!made && how.existing === "fail") throw existsAlready(to);
  const folders = [{ from, to, made }];
  for await (const { path, kind } of walk(from, { filter, enter: filter, followLinks })) {
    const place = join(to, relative(from, path));
    if (kind === "folder") folders.push({ from: path, to: place, made: await makeFolder(place) });
    else if (kind === "file") await copyFile(path, place, how);
    else if (kind === "link") await copyLink(path, place, how);
    else throw uncopied(path, "it is neither a file, nor a folder, nor a link");
  }
  // At the end, as nothing can be put into a folder that must not be written, and what is put into it changes its times.
  for (const folder of folders.reverse()) if (folder.made) await finishFolder(folder.from, folder.to, how);
}

function checked(options: CopyOptions): FileCopy {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(
      `options of copy() are an object, such as { existing: "keep" }; got ${inspect(options)}`,
    );
  }
  const { existing = "replace", preserveTimestamps = false, durable = false, onProgress } = options;
  if (existing !== "replace" && existing !== "keep" && existing !== "fail")
    throw bad("existing", '"replace", "keep" or "fail"', existing);
  for (const name of ["filter", "onProgress"] as const) {
    if (options[name] === undefined || typeof options[name] === "function") continue;
    throw new TypeError(`${name} of copy() is a function; got ${inspect(options[name])}`);
  }
  let files = 0;
  let before = 0;
  const progress = (path: string, copied: number, size: number, whole: boolean): void => {
    if (whole) {
      files++;
      before += copied;
    }
    onProgress?.({ path, copied, size, files, bytes: whole ? before : before + copied });
  };
  return { existing, preserveTimestamps, durable, progress };
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

async function finishFolder(from: string, to: string, { preserveTimestamps }: FileCopy): Promise<void> {
  const finish = async (): Promise<void> => {
    const { mode, atimeNs, mtimeNs } = await stat(from, { bigint: true });
    if (preserveTimestamps) await utimes(to, seconds(atimeNs), seconds(mtimeNs));
    await chmod(to, Number(mode) & 0o7777);
  };
  await perform("copy", to, finish, { kept: true });
}
