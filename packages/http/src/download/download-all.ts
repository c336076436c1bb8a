import { CancelledError, Semaphore, taskGroup } from "brio";
import { HttpClient } from "../client/http-client.ts";
import { Bandwidth } from "./bandwidth.ts";
import type { Checksum } from "./checksum.ts";
import { performDownload } from "./download.ts";
import {
  type CheckedDownload,
  checkedDownload,
  type DownloadOptions,
  type DownloadResult,
  whole,
} from "./options.ts";

/** One of several downloads: a URL, or one with what is its own. */
export type DownloadItem =
  | string
  | URL
  | {
      readonly url: string | URL;
      readonly name?: string | undefined;
      readonly directory?: string | undefined;
      readonly checksum?: Checksum | undefined;
    };

/** Options of {@link downloadAll}. */
export interface DownloadAllOptions extends Omit<DownloadOptions, "name" | "checksum"> {
  /** How many files at once, in all. Default 8. */
  concurrency?: number | undefined;
  /** How many at once from one server. Default 4. */
  perHost?: number | undefined;
}

/** How one of several downloads has ended. */
export type DownloadOutcome =
  | { readonly url: string; readonly ok: true; readonly result: DownloadResult }
  | { readonly url: string; readonly ok: false; readonly error: unknown };

/**
 * Downloads many files, some at a time; resolves with how each has ended, in the order of `items`. One that fails does not end
 * the others. Files that would have the same name get numbers: `index.html`, `index (2).html`.
 *
 * *Cancel safety*: cancelled, all that are under way are cancelled, as by {@link download}; files that are whole stay.
 *
 * @throws TypeError or RangeError for bad arguments, before anything begins.
 *
 * @example
 * ```ts
 * import { once } from "node:events";
 * import { createServer } from "node:http";
 * import type { AddressInfo } from "node:net";
 * import { downloadAll } from "@brio/http/download";
 * import { interruptible, run } from "brio";
 * import { temporaryDirectory } from "brio/files";
 *
 * await run(async () => {
 *   const server = createServer((request, response) => {
 *     if (request.url === "/missing") response.statusCode = 404;
 *     response.end("content");
 *   }).listen(0, "127.0.0.1");
 *   await interruptible(once(server, "listening"));
 *   await using folder = await temporaryDirectory();
 *   const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
 *   const outcomes = await downloadAll([`${base}/a`, `${base}/missing`], { directory: folder.path });
 *   console.log(outcomes.map(({ ok }) => ok)); // [ true, false ]
 *   server.close();
 * });
 * ```
 */
export async function downloadAll(
  items: Iterable<DownloadItem>,
  options: DownloadAllOptions = {},
): Promise<DownloadOutcome[]> {
  const { concurrency, perHost, client: given, bandwidth, ...shared } = options;
  const slots = new Semaphore(whole("concurrency", concurrency, 8));
  const most = whole("perHost", perHost, 4);
  const together = typeof bandwidth === "number" ? new Bandwidth(bandwidth) : bandwidth;
  const plans = [...items].map((item) => {
    const own = typeof item === "string" || item instanceof URL ? { url: item } : item;
    const { url, ...rest } = own;
    return checkedDownload(url, { ...shared, bandwidth: together, ...rest });
  });
  const hosts = new Map(plans.map(({ target }) => [target.origin, new Semaphore(most)]));
  const taken = new Set<string>();
  const made = given === undefined ? new HttpClient({ limits: { perHost: Number.POSITIVE_INFINITY } }) : null;
  const client = given ?? (made as HttpClient); // one of them
  const one = async (plan: CheckedDownload): Promise<DownloadOutcome> => {
    const { url, target } = plan;
    const host = hosts.get(target.origin) as Semaphore; // each origin has one
    try {
      // Its own server first: who waits for that takes no place from others.
      const result = await host.with(() => slots.with(() => performDownload(plan, client, taken)));
      return { url, ok: true, result };
    } catch (error) {
      if (error instanceof CancelledError) throw error;
      return { url, ok: false, error };
    }
  };
  try {
    // Not gather(): cancelled, that ends with the first that has ended, and the others would still clean up.
    const tasks = await taskGroup((group) =>
      plans.map((plan) => group.createTask(() => one(plan), { name: `download of ${plan.url}` })),
    );
    return tasks.map((task) => task.result());
  } finally {
    await made?.close();
  }
}
