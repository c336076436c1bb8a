import { stat } from "node:fs/promises";
import { join } from "node:path";
import { CancelledError, getRunningLoop, interruptible } from "brio";
import { HttpClient } from "../client/http-client.ts";
import type { HttpResponse } from "../client/response.ts";
import { digestOf } from "./checksum.ts";
import { withSpace } from "./disk-space.ts";
import { ChecksumError, DownloadError, FileExistsError } from "./errors.ts";
import { downloadName, numbered } from "./file-name.ts";
import {
  type CheckedDownload,
  checkedDownload,
  type DownloadOptions,
  type DownloadResult,
} from "./options.ts";
import { PartialFile } from "./partial.ts";
import { Transfer } from "./transfer.ts";

/**
 * Downloads a file. It gets its name when it is whole: until then everybody sees the old one, or none.
 *
 * When the connection is lost it goes on where it was, if the file on the server is still the same (`ETag` or `Last-Modified`);
 * and so does the next call, if this one fails or is cancelled. The name that a server gives is made safe.
 *
 * *Cancel safety*: cancelled, no request and no open file is left; what has come is kept, in `.brio-….part` in the folder, and
 * the next call goes on there (not with `resume: false`: then nothing is left). Too late, it succeeds.
 *
 * @throws HttpStatusError, HttpConnectionError, HttpTimeoutError and other errors of the client; ChecksumError, DiskSpaceError,
 * FileExistsError, FileChangedError and other DownloadErrors; the system's error, such as `EACCES`; TypeError or RangeError for
 * bad arguments.
 *
 * @example
 * ```ts
 * import { once } from "node:events";
 * import { createServer } from "node:http";
 * import type { AddressInfo } from "node:net";
 * import { download } from "@brio/http/download";
 * import { interruptible, run } from "brio";
 * import { readFile, temporaryDirectory } from "brio/files";
 *
 * await run(async () => {
 *   const server = createServer((_request, response) => response.end("content")).listen(0, "127.0.0.1");
 *   await interruptible(once(server, "listening"));
 *   await using folder = await temporaryDirectory();
 *   const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/notes.txt`;
 *   const { path, bytes } = await download(url, { directory: folder.path });
 *   console.log(path === `${folder.path}/notes.txt`, bytes); // true 7
 *   console.log(await readFile(path, "utf8")); // content
 *   server.close();
 * });
 * ```
 */
export async function download(url: string | URL, options: DownloadOptions = {}): Promise<DownloadResult> {
  const plan = checkedDownload(url, options);
  if (options.client !== undefined) return await performDownload(plan, options.client, null);
  await using client = new HttpClient();
  return await performDownload(plan, client, null);
}

/** @param taken the paths that other downloads of the same call have: null: this is the only one */
export async function performDownload(
  plan: CheckedDownload,
  client: HttpClient,
  taken: Set<string> | null,
): Promise<DownloadResult> {
  const begun = getRunningLoop().time();
  const destination = new Destination(plan, taken);
  try {
    if (plan.name !== null && (await destination.skips(plan.name)))
      return skipped(plan, destination.path, begun);
    const partial = await PartialFile.open(plan.directory, plan.url, plan.resume);
    let kept = false;
    let hopeless = !plan.resume;
    let last: HttpResponse | null = null;
    const resumed = partial.received;
    try {
      const transfer = new Transfer(plan, client, partial, async (response, total) => {
        last = response;
        const name = plan.name ?? downloadName(response.url, response.header("content-disposition"));
        if (plan.name === null && (await destination.skips(name))) {
          hopeless = true;
          return false;
        }
        plan.onEvent({
          type: "start",
          url: plan.url,
          path: destination.path,
          total,
          resumed: partial.received,
        });
        return true;
      });
      if (!(await transfer.run())) return skipped(plan, destination.path, begun);
      const bytes = (await partial.file.stat()).size;
      hopeless = true; // what is wrong with the whole will be wrong with it again
      await check(plan, partial, bytes);
      hopeless = !plan.resume;
      await destination.keep(partial);
      kept = true;
      const { url = plan.url } = last as unknown as HttpResponse; // there was an answer
      const contentType = (last as unknown as HttpResponse).header("content-type");
      const { path } = destination;
      const duration = getRunningLoop().time() - begun;
      const result = { url, path, bytes, resumed, skipped: false, contentType, duration };
      plan.onEvent({ type: "progress", url: plan.url, received: bytes, total: bytes });
      plan.onEvent({ type: "done", url: plan.url, result });
      return result;
    } finally {
      // Before it is closed: from then on another one may have it.
      if (!kept && (hopeless || !partial.resumable)) await partial.discard();
      await partial.close();
    }
  } catch (thrown) {
    const error = await withSpace(plan, thrown);
    if (!(error instanceof CancelledError)) plan.onEvent({ type: "failed", url: plan.url, error });
    throw error;
  }
}

/** Where a file goes, as soon as that is known. */
class Destination {
  /** Empty until it is known. */
  path = "";
  private readonly plan: CheckedDownload;
  private readonly taken: Set<string> | null;

  constructor(plan: CheckedDownload, taken: Set<string> | null) {
    this.plan = plan;
    this.taken = taken;
  }

  /** Takes the place of that name. Is there something already that is to stay? */
  async skips(name: string): Promise<boolean> {
    const { directory, existing, url } = this.plan;
    let path = join(directory, name);
    // Two of the same call are never meant to replace one another.
    for (let number = 2; this.taken?.has(path) === true; number++)
      path = join(directory, numbered(name, number));
    this.taken?.add(path);
    this.path = path;
    if (existing === "replace" || !(await isThere(path))) return false;
    if (existing === "error") throw new FileExistsError(url, path);
    return true;
  }

  async keep(partial: PartialFile): Promise<void> {
    const { durable, existing, url } = this.plan;
    try {
      await partial.keep(this.path, { durable, replace: existing === "replace" });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // Somebody else was faster.
      if (code === "EEXIST") throw new FileExistsError(url, this.path);
      if (code === "ENOENT")
        throw new DownloadError(
          url,
          "what had come was removed, or another process has taken it over",
          error,
        );
      throw error;
    }
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await interruptible(stat(path));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

async function check({ url, checksum }: CheckedDownload, { file }: PartialFile, size: number): Promise<void> {
  if (checksum === null) return;
  const { algorithm, digest } = checksum;
  const actual = await digestOf(file, algorithm, size);
  if (actual !== digest) throw new ChecksumError(url, `${algorithm}:${digest}`, `${algorithm}:${actual}`);
}

function skipped({ url, onEvent }: CheckedDownload, path: string, begun: number): DownloadResult {
  const duration = getRunningLoop().time() - begun;
  const result = { url, path, bytes: 0, resumed: 0, skipped: true, contentType: null, duration };
  onEvent({ type: "done", url, result });
  return result;
}
