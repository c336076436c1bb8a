import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, sep } from "node:path";
import { inspect } from "node:util";
import { requireScope } from "../cancel/scope.ts";
import { uncancellable } from "../cancel/uncancellable.ts";
import type { Loop, Resource } from "../loop/loop.ts";
import { File } from "./file.ts";
import { openAs } from "./open.ts";
import { perform } from "./operation.ts";
import { type Path, pathOf } from "./path.ts";

/** Options of {@link temporaryDirectory}. */
export interface TemporaryOptions {
  /** What its name begins with. Default "brio-". */
  prefix?: string | undefined;
  /** The folder that it is made in. Default: the system's for such things (`os.tmpdir()`). */
  parent?: Path | undefined;
}

/** Options of {@link temporaryFile}. */
export interface TemporaryFileOptions extends TemporaryOptions {
  /** What its name ends with, such as ".json". Default "". */
  suffix?: string | undefined;
}

/**
 * A folder that exists to the end of a block, or at the latest of the loop: made by `temporaryDirectory`.
 *
 * @example
 * ```ts
 * import { existsSync } from "node:fs";
 * import { run } from "brio";
 * import { temporaryDirectory } from "brio/files";
 *
 * await run(async () => {
 *   const folder = await temporaryDirectory({ prefix: "data-" });
 *   await folder.remove(); // what `await using` does
 *   console.log(existsSync(folder.path)); // false
 * });
 * ```
 */
export class TemporaryDirectory implements AsyncDisposable, Resource {
  /** Where it is. */
  readonly path: string;
  private readonly loop: Loop;
  private removed = false;

  /** @internal Use `temporaryDirectory`. */
  constructor(loop: Loop, path: string) {
    this.loop = loop;
    this.path = path;
    loop.resources.add(this);
  }

  /**
   * Removes it, with everything in it. Twice is fine.
   *
   * *Cancel safety*: it can't be cancelled: it is removed in any case.
   *
   * @throws the system's error.
   */
  async remove(): Promise<void> {
    if (this.removed) return;
    requireScope("directory.remove()");
    await uncancellable(
      () => perform("directory.remove", this.path, () => rm(this.path, { recursive: true, force: true })),
      { grace: null },
    );
    this.removed = true;
    this.loop.resources.delete(this);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove();
  }

  /** @internal */
  loopCloses(): void {
    this.removed = true;
    this.loop.resources.delete(this);
    removeNow(this.path);
  }

  toString(): string {
    return `<TemporaryDirectory "${this.path}"${this.removed ? " removed" : ""}>`;
  }
}

/**
 * A file that exists until it is closed: made by `temporaryFile`.
 *
 * @example
 * ```ts
 * import { rename } from "node:fs/promises";
 * import { run } from "brio";
 * import { readFile, temporaryDirectory, temporaryFile } from "brio/files";
 *
 * await run(async () => {
 *   await using folder = await temporaryDirectory();
 *   {
 *     await using file = await temporaryFile({ parent: folder.path });
 *     await file.write("done");
 *     await rename(file.path, `${folder.path}/result`); // under another name it stays
 *   }
 *   console.log(await readFile(`${folder.path}/result`, "utf8")); // done
 * });
 * ```
 */
export class TemporaryFile extends File {
  protected override async giveBack(): Promise<void> {
    // First the name: closing may fail.
    await rm(this.path, { force: true });
    await super.giveBack();
  }

  /** @internal */
  override loopCloses(): void {
    super.loopCloses();
    removeNow(this.path);
  }
}

/** The loop ends, and nothing can be waited for any more. */
function removeNow(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // Nobody is left to be told.
  }
}

/**
 * Makes a new, empty folder that only this user can look into. It is removed at the end of the block, with everything in it,
 * also when the block is cancelled: `await using folder = await temporaryDirectory()`.
 *
 * *Cancel safety*: cancelled, there is no folder.
 *
 * @throws the system's error; TypeError if `prefix` has more than a name in it.
 *
 * @example
 * ```ts
 * import { existsSync } from "node:fs";
 * import { run } from "brio";
 * import { temporaryDirectory } from "brio/files";
 *
 * await run(async () => {
 *   let path: string;
 *   {
 *     await using folder = await temporaryDirectory();
 *     path = folder.path;
 *     console.log(existsSync(path)); // true
 *   }
 *   console.log(existsSync(path)); // false
 * });
 * ```
 */
export async function temporaryDirectory(options: TemporaryOptions = {}): Promise<TemporaryDirectory> {
  const { loop } = requireScope("temporaryDirectory()");
  const { prefix = "brio-" } = options;
  checkPart(prefix, "prefix");
  const parent = parentOf(options, "temporaryDirectory");
  const path = await perform(
    "temporaryDirectory",
    parent,
    async () => await mkdtemp(join(await realpath(parent), prefix)),
    { undo: (made) => rm(made, { recursive: true, force: true }) },
  );
  return new TemporaryDirectory(loop, path);
}

/**
 * Makes a new, empty file for reading and writing that only this user can read. It is closed and removed at the end of the
 * block, also when the block is cancelled: `await using file = await temporaryFile()`. (Renamed, it stays.)
 *
 * *Cancel safety*: cancelled, there is no file.
 *
 * @throws the system's error; TypeError if `prefix` or `suffix` has more than a part of a name in it.
 *
 * @example
 * ```ts
 * import { run } from "brio";
 * import { temporaryFile } from "brio/files";
 *
 * await run(async () => {
 *   await using file = await temporaryFile({ suffix: ".txt" });
 *   await file.write("hello");
 *   console.log((await file.readAt(0, 5)).toString()); // hello
 * });
 * ```
 */
export async function temporaryFile(options: TemporaryFileOptions = {}): Promise<TemporaryFile> {
  const { prefix = "brio-", suffix = "" } = options;
  checkPart(prefix, "prefix");
  checkPart(suffix, "suffix");
  const path = join(
    parentOf(options, "temporaryFile"),
    `${prefix}${randomBytes(8).toString("hex")}${suffix}`,
  );
  return await openAs(TemporaryFile, "temporaryFile", path, "wx+", 0o600, (made) =>
    rm(made, { force: true }),
  );
}

function parentOf({ parent }: TemporaryOptions, caller: string): string {
  return parent === undefined ? tmpdir() : pathOf(parent, "parent", `${caller}({ parent: "folder" })`);
}

function checkPart(part: string, argument: string): void {
  if (typeof part === "string" && !part.includes("/") && !part.includes(sep) && !part.includes("\0")) return;
  throw new TypeError(`${argument} must be a part of a name, such as "data-"; got ${inspect(part)}`);
}
