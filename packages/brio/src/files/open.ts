import type { Stats } from "node:fs";
import { type FileHandle, open as openHandle } from "node:fs/promises";
import { inspect } from "node:util";
import { requireScope } from "../cancel/scope.ts";
import type { Loop } from "../loop/loop.ts";
import { File } from "./file.ts";
import { openFilesOf } from "./limit.ts";
import { perform } from "./operation.ts";
import { type Path, pathOf } from "./path.ts";

/**
 * What a file is opened for: `"r"` to read; `"r+"` to read and write what is there; `"w"` to write, emptied or made anew;
 * `"a"` to append. With `x` it must not exist yet; with `+` it is for reading and writing.
 */
export type OpenMode = "r" | "r+" | "w" | "wx" | "w+" | "wx+" | "a" | "ax" | "a+" | "ax+";

const MODES: ReadonlySet<string> = new Set<OpenMode>([
  "r",
  "r+",
  "w",
  "wx",
  "w+",
  "wx+",
  "a",
  "ax",
  "a+",
  "ax+",
]);

/** What a {@link File} is made of. */
export interface Opened {
  readonly handle: FileHandle;
  readonly path: string;
  readonly stats: Stats;
  /** Does the system append, wherever the file stands? */
  readonly appends: boolean;
}

/** Options of {@link open}. */
export interface OpenOptions {
  /** The permissions of a file that is made, as in `0o600`; the process's umask is taken off. Default 0o666. */
  permissions?: number | undefined;
}

/**
 * Opens a file; waits while as many are open as may be (`setOpenFileLimit`).
 *
 * Meant for regular files: a pipe or a terminal can be read as well, but a read of it that has begun can't be interrupted,
 * and is waited for until something comes.
 *
 * *Cancel safety*: cancelled, no file is open; one that was made (`"w"`, `"a"`) stays.
 *
 * @param mode default `"r"`
 *
 * @throws the system's error, with `code` such as `ENOENT`; RangeError for an unknown mode; TypeError if `path` is none.
 *
 * @example
 * ```ts
 * import { run } from "brio";
 * import { open } from "brio/files";
 *
 * await run(async () => {
 *   await using file = await open("package.json"); // closed at the end of the block
 *   console.log((await file.read(1)).toString()); // {
 * });
 * ```
 */
export async function open(path: Path, mode: OpenMode = "r", options: OpenOptions = {}): Promise<File> {
  const name = pathOf(path, "path", 'open("data.txt")');
  if (!MODES.has(mode))
    throw new RangeError(`mode must be one of ${[...MODES].join(", ")}; got ${inspect(mode)}`);
  const { permissions = 0o666 } = options;
  return await openAs(File, "open", name, mode, permissions);
}

/** @internal Opens a file of a certain class; what a cancelled call has made is discarded. */
export async function openAs<F extends File>(
  type: new (loop: Loop, opened: Opened) => F,
  caller: string,
  path: string,
  mode: OpenMode,
  permissions: number,
  discard: (path: string) => Promise<void> = async () => {},
): Promise<F> {
  const scope = requireScope(`${caller}()`);
  const files = openFilesOf(scope.loop);
  await files.acquire(scope, 1);
  try {
    const opened = await perform<Opened>(
      caller,
      path,
      async () => {
        const handle = await openHandle(path, mode, permissions);
        try {
          return { handle, path, stats: await handle.stat(), appends: mode.startsWith("a") };
        } catch (error) {
          await handle.close();
          throw error;
        }
      },
      {
        undo: async ({ handle }) => {
          await handle.close();
          await discard(path);
        },
      },
    );
    return new type(scope.loop, opened);
  } catch (error) {
    files.release(1);
    throw error;
  }
}
