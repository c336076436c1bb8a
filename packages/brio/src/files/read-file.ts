import { open } from "node:fs/promises";
import { readToEnd } from "./bytes.ts";
import { withFiles } from "./limit.ts";
import { perform } from "./operation.ts";
import { type Path, pathOf } from "./path.ts";

/** Options of {@link readFile}. */
export interface ReadFileOptions {
  /** Give text: what the bytes mean. Default: give the bytes. */
  encoding?: BufferEncoding | undefined;
}

/**
 * Reads a whole file: its bytes, or its text if an encoding is given.
 *
 * A file that is cut off while it is read gives what could be read of it.
 *
 * *Cancel safety*: nothing is lost, and the file is closed. The step that is under way (at most 512 KiB) is waited for.
 *
 * @throws the system's error, with `code` such as `ENOENT`; TypeError if `path` is none.
 *
 * @example
 * ```ts
 * import { run } from "brio";
 * import { readFile } from "brio/files";
 *
 * await run(async () => {
 *   const manifest = JSON.parse(await readFile("package.json", "utf8"));
 *   console.log(manifest.license); // MIT
 * });
 * ```
 */
export function readFile(path: Path, options: BufferEncoding | { encoding: BufferEncoding }): Promise<string>;
export function readFile(path: Path, options?: ReadFileOptions): Promise<Buffer>;
export async function readFile(
  path: Path,
  options: BufferEncoding | ReadFileOptions = {},
): Promise<string | Buffer> {
  const name = pathOf(path, "path", 'readFile("data.txt", "utf8")');
  const encoding = encodingOf(options);
  const bytes = await withFiles("readFile", 1, () =>
    perform("readFile", name, async (stop) => {
      const handle = await open(name, "r");
      try {
        stop.check();
        // A pipe has no positions, and can be read once: from where it stands.
        const regular = (await handle.stat()).isFile();
        return await readToEnd(handle, regular ? 0 : null, stop);
      } finally {
        await handle.close();
      }
    }),
  );
  return encoding === undefined ? bytes : bytes.toString(encoding);
}

/** @internal The encoding that was asked for; undefined: none. */
export function encodingOf(options: BufferEncoding | ReadFileOptions): BufferEncoding | undefined {
  const encoding = typeof options === "string" ? options : options.encoding;
  if (encoding !== undefined && !Buffer.isEncoding(encoding)) {
    throw new RangeError(
      `encoding must be one that Node knows, such as "utf8"; got ${JSON.stringify(encoding)}`,
    );
  }
  return encoding;
}
