import { open } from "node:fs/promises";
import { bytesOf, type Data } from "../loop/bytes.ts";
import { writeBytes } from "./bytes.ts";
import { withFiles } from "./limit.ts";
import { perform } from "./operation.ts";
import { type Path, pathOf } from "./path.ts";
import { encodingOf } from "./read-file.ts";
import { replaceFile } from "./replacement.ts";

/** Options of {@link writeFile}. */
export interface WriteFileOptions {
  /** How text becomes bytes. Default "utf8". */
  encoding?: BufferEncoding | undefined;
  /** The permissions of a file that is made anew, as in `0o600`; the umask is taken off. Default 0o666. */
  permissions?: number | undefined;
  /** Wait until the file would survive a loss of power (two `fsync`s: milliseconds). Default true. */
  durable?: boolean | undefined;
}

/** Options of {@link appendFile}. */
export type AppendFileOptions = Omit<WriteFileOptions, "durable">;

/**
 * Writes a whole file, all or nothing: until the new content is there, whole, everybody sees the old one.
 *
 * The data goes to a temporary file in the same folder, which then takes the old one's place, with the same permissions
 * (and owner, if this process may give files away). Where `path` is a link, the file that it leads to is replaced (the link
 * itself if it leads nowhere). Hard links to the old file go on showing that.
 *
 * *Cancel safety*: cancelled, the old file is there, whole, and no temporary one; if it is too late for that, it succeeds.
 * (Only a process that is killed leaves the temporary file, `.brio-….tmp`; the old file is whole even then.)
 *
 * @throws the system's error, such as `ENOSPC` or `EACCES`: then too the old file is whole; TypeError if `data` is neither
 * bytes nor text, or `path` is none; an error with code `EINVAL` if `path` is a device or a pipe.
 *
 * @example
 * ```ts
 * import { run } from "brio";
 * import { readFile, temporaryDirectory, writeFile } from "brio/files";
 *
 * await run(async () => {
 *   await using folder = await temporaryDirectory();
 *   const path = `${folder.path}/settings.json`;
 *   await writeFile(path, JSON.stringify({ theme: "dark" }));
 *   console.log(await readFile(path, "utf8")); // {"theme":"dark"}
 * });
 * ```
 */
export async function writeFile(
  path: Path,
  data: Data,
  options: BufferEncoding | WriteFileOptions = {},
): Promise<void> {
  const name = pathOf(path, "path", 'writeFile("data.txt", "text")');
  const bytes = bytesOf(data, encodingOf(options));
  const { permissions = 0o666, durable = true } = typeof options === "string" ? {} : options;
  const replacement = { permissions: null, created: permissions, durable };
  await withFiles("writeFile", 1, () =>
    perform(
      "writeFile",
      name,
      (stop) => replaceFile(name, replacement, stop, (handle) => writeBytes(handle, bytes, 0, stop)),
      { kept: true },
    ),
  );
}

/**
 * Appends to a file; makes it if there is none.
 *
 * *Cancel safety*: the file is closed; of data that is longer than 512 KiB a part may have been appended.
 *
 * @throws the system's error, such as `ENOSPC`: a part may have been appended; TypeError if `data` is neither bytes nor
 * text, or `path` is none.
 *
 * @example
 * ```ts
 * import { run } from "brio";
 * import { appendFile, readFile, temporaryDirectory } from "brio/files";
 *
 * await run(async () => {
 *   await using folder = await temporaryDirectory();
 *   const path = `${folder.path}/log`;
 *   for (const word of ["one ", "two"]) await appendFile(path, word);
 *   console.log(await readFile(path, "utf8")); // one two
 * });
 * ```
 */
export async function appendFile(
  path: Path,
  data: Data,
  options: BufferEncoding | AppendFileOptions = {},
): Promise<void> {
  const name = pathOf(path, "path", 'appendFile("log.txt", "line\\n")');
  const bytes = bytesOf(data, encodingOf(options));
  const { permissions = 0o666 } = typeof options === "string" ? {} : options;
  await withFiles("appendFile", 1, () =>
    perform(
      "appendFile",
      name,
      async (stop) => {
        const handle = await open(name, "a", permissions);
        try {
          await writeBytes(handle, bytes, null, stop);
        } finally {
          await handle.close();
        }
      },
      { kept: true },
    ),
  );
}
