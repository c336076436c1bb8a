import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { inspect } from "node:util";
import { heedCancellation } from "../compose/sleep.ts";
import { withFiles } from "./limit.ts";
import { perform } from "./operation.ts";
import { type Path, pathOf } from "./path.ts";

/** What {@link walk} finds. */
export interface WalkEntry {
  /** Where it is: the folder that the walk began in, and the way from there. */
  readonly path: string;
  /** The last part of the path. */
  readonly name: string;
  /** What it is; a link is a link, unless links are followed. `"other"`: a device, a pipe, a socket. */
  readonly kind: "file" | "folder" | "link" | "other";
  /** 1 for what is in the folder itself, 2 for what is in its folders, and so on. */
  readonly depth: number;
}

/** Options of {@link walk}. */
export interface WalkOptions {
  /** How deep to go; 1: only what is in the folder itself. Default: all the way. */
  maxDepth?: number | undefined;
  /** Only give entries for which it returns true. Default: all. Folders are gone into in either case. */
  filter?: ((entry: WalkEntry) => boolean) | undefined;
  /** Only go into folders for which it returns true. Default: all. */
  enter?: ((folder: WalkEntry) => boolean) | undefined;
  /** Go where links lead, and say what is there; each folder once, so that circles end. Default false. */
  followLinks?: boolean | undefined;
  /** Called with a folder that can't be read, such as for `EACCES`, instead of throwing. */
  onError?: ((error: unknown, path: string) => void) | undefined;
}

/**
 * Everything in a folder and its folders: a folder before what is in it, in the order of the names (by their UTF-16 units).
 *
 * A folder is read when the loop comes to it, and held in memory while what is in it is given. One that is gone by then is
 * passed over.
 *
 * *Cancel safety*: nothing is open between two entries.
 *
 * @throws from the loop, the system's error for a folder that can't be read; at once TypeError or RangeError for a wrong
 * argument.
 *
 * @example
 * ```ts
 * import { run } from "brio";
 * import { walk } from "brio/files";
 *
 * await run(async () => {
 *   for await (const { path, kind } of walk("examples/04-pipeline")) {
 *     console.log(kind, path); // file examples/04-pipeline/main.ts
 *   }
 * });
 * ```
 */
export function walk(path: Path, options: WalkOptions = {}): AsyncIterableIterator<WalkEntry, undefined> {
  const root = pathOf(path, "path", 'walk("folder")');
  const { maxDepth = Number.POSITIVE_INFINITY } = options;
  if (maxDepth !== Number.POSITIVE_INFINITY && (!Number.isInteger(maxDepth) || maxDepth < 1)) {
    throw new RangeError(
      `maxDepth must be a whole number >= 1, such as walk("folder", { maxDepth: 1 }); got ${inspect(maxDepth)}`,
    );
  }
  return entries(root, maxDepth, options);
}

async function* entries(
  root: string,
  maxDepth: number,
  { filter, enter, followLinks = false, onError }: WalkOptions,
): AsyncGenerator<WalkEntry, undefined, undefined> {
  /** The folders that were gone into, where links are followed. */
  const known = new Set<string>();
  const folder = async (path: string, depth: number): Promise<WalkEntry[]> => {
    try {
      return await withFiles("walk", 1, () =>
        perform("walk", path, async (stop) => {
          if (followLinks) {
            const { dev, ino } = await stat(path, { bigint: true });
            if (known.has(`${dev}:${ino}`)) return [];
            known.add(`${dev}:${ino}`);
          }
          const found: WalkEntry[] = [];
          for (const entry of await readdir(path, { withFileTypes: true })) {
            stop.check();
            const place = join(path, entry.name);
            found.push({
              path: place,
              name: entry.name,
              kind: await kindOf(entry, place, followLinks),
              depth,
            });
          }
          return found.sort((a, b) => (a.name < b.name ? -1 : 1));
        }),
      );
    } catch (error) {
      const code = (error as NodeJS.ErrnoException | null)?.code;
      if (depth > 1 && code === "ENOENT") return [];
      if (onError === undefined || code === undefined) throw error;
      onError(error, path);
      return [];
    }
  };
  const open = [(await folder(root, 1)).reverse()];
  while (open.length > 0) {
    const entry = open[open.length - 1]?.pop();
    if (entry === undefined) {
      open.pop();
      continue;
    }
    await heedCancellation();
    if (filter === undefined || filter(entry)) yield entry;
    if (entry.kind !== "folder" || entry.depth >= maxDepth || enter?.(entry) === false) continue;
    open.push((await folder(entry.path, entry.depth + 1)).reverse());
  }
  return undefined;
}

async function kindOf(entry: Dirent, path: string, followLinks: boolean): Promise<WalkEntry["kind"]> {
  if (!entry.isSymbolicLink()) return kind(entry);
  if (!followLinks) return "link";
  try {
    return kind(await stat(path));
  } catch {
    return "link"; // it leads nowhere
  }
}

function kind(entry: { isFile(): boolean; isDirectory(): boolean }): WalkEntry["kind"] {
  return entry.isFile() ? "file" : entry.isDirectory() ? "folder" : "other";
}
