import { resolve } from "node:path";
import { inspect } from "node:util";
import type { HttpClient } from "../client/http-client.ts";
import { checkKeys, type RequestOptions } from "../client/options.ts";
import { Bandwidth } from "./bandwidth.ts";
import { type Checksum, checkedChecksum, type Expected } from "./checksum.ts";

/** What happens with a download, for showing its progress. */
export type DownloadEvent = { readonly url: string } & (
  | {
      /** The headers have come. */
      readonly type: "start";
      readonly path: string;
      /** The size of the whole, in bytes; null if the server does not say. */
      readonly total: number | null;
      /** What was there from an earlier try. */
      readonly resumed: number;
    }
  | { readonly type: "progress"; readonly received: number; readonly total: number | null }
  | {
      /** The connection was lost; it goes on after a pause (in milliseconds). */
      readonly type: "retry";
      readonly error: unknown;
      readonly pause: number;
    }
  | {
      /** The file has changed on the server: it begins anew. */
      readonly type: "changed";
    }
  | { readonly type: "done"; readonly result: DownloadResult }
  | { readonly type: "failed"; readonly error: unknown }
);

/** What has been downloaded. */
export interface DownloadResult {
  /** Where it came from, after redirects. */
  readonly url: string;
  /** Where it is. */
  readonly path: string;
  /** Its size. */
  readonly bytes: number;
  /** How many of them were there from an earlier try. */
  readonly resumed: number;
  /** It was there before, and nothing was downloaded. */
  readonly skipped: boolean;
  /** What the server calls its type; null if it says nothing. */
  readonly contentType: string | null;
  /** How long it took, in milliseconds. */
  readonly duration: number;
}

/** Options of {@link download}. */
export interface DownloadOptions {
  /** The folder; it is made if it is not there. Default: the current one. */
  directory?: string | undefined;
  /** The name in that folder. Default: what the server says, or the end of the URL; made safe. */
  name?: string | undefined;
  /** What to do about a file of that name: "replace" it when the new one is whole, "skip" the download, or "error". Default "replace". */
  existing?: "replace" | "skip" | "error" | undefined;
  /** Go on with what an earlier try has left, and leave what has come when it fails. Default true. */
  resume?: boolean | undefined;
  /** What it must be, such as `sha256:9f86d0…`. */
  checksum?: Checksum | undefined;
  /** Into how many ranges a file is divided, that come at the same time. Default 1. */
  ranges?: number | undefined;
  /** No range is smaller, in bytes. Default 4 MiB. */
  minRangeBytes?: number | undefined;
  /** At most so many bytes per second; share a Bandwidth to limit several downloads together. */
  bandwidth?: number | Bandwidth | undefined;
  /** No more bytes than this. Default: no limit, but the disk's. */
  maxBytes?: number | undefined;
  /** How often in a row it may fail in the middle, without a byte having come, before it is given up. Default 5. */
  attempts?: number | undefined;
  /** Wait until the file would survive a loss of power. Default true. */
  durable?: boolean | undefined;
  /** The client to use. Default: one of its own. */
  client?: HttpClient | undefined;
  /** Headers, time-outs and so on of the requests. */
  request?: Omit<RequestOptions, "body" | "json" | "form" | "decompress" | "raiseForStatus"> | undefined;
  /** Told of what happens; of progress about ten times a second. */
  onEvent?: ((event: DownloadEvent) => void) | undefined;
}

const KNOWN: Readonly<Record<keyof DownloadOptions, true>> = {
  directory: true,
  name: true,
  existing: true,
  resume: true,
  checksum: true,
  ranges: true,
  minRangeBytes: true,
  bandwidth: true,
  maxBytes: true,
  attempts: true,
  durable: true,
  client: true,
  request: true,
  onEvent: true,
};

/** {@link DownloadOptions}, checked. */
export interface CheckedDownload {
  /** Without credentials. */
  readonly url: string;
  /** With them, if there are any. */
  readonly target: URL;
  readonly directory: string;
  readonly name: string | null;
  readonly existing: "replace" | "skip" | "error";
  readonly resume: boolean;
  readonly checksum: Expected | null;
  readonly ranges: number;
  readonly minRangeBytes: number;
  readonly bandwidth: Bandwidth | null;
  readonly maxBytes: number;
  readonly attempts: number;
  readonly durable: boolean;
  readonly request: NonNullable<DownloadOptions["request"]>;
  readonly onEvent: (event: DownloadEvent) => void;
}

const MEBIBYTE = 1024 * 1024;

/** @throws TypeError or RangeError that names the option. */
export function checkedDownload(url: string | URL, options: DownloadOptions): CheckedDownload {
  if (typeof options !== "object" || options === null)
    throw new TypeError(`options must be an object, such as { directory: "files" }; got ${inspect(options)}`);
  checkKeys(options, "download()", KNOWN);
  const { name = null, existing = "replace" } = options;
  const target = targetOf(url);
  if (name !== null && (name === "" || name === "." || name === ".." || /[/\\\0]/.test(name)))
    throw new RangeError(`name must be a name without folders, such as "report.pdf"; got ${inspect(name)}`);
  if (!["replace", "skip", "error"].includes(existing))
    throw new RangeError(`existing must be "replace", "skip" or "error"; got ${inspect(existing)}`);
  const bare = new URL(target);
  bare.username = "";
  bare.password = "";
  bare.hash = "";
  return {
    url: bare.href,
    target,
    directory: resolve(options.directory ?? "."),
    name,
    existing,
    resume: options.resume ?? true,
    checksum: checkedChecksum(options.checksum),
    ranges: whole("ranges", options.ranges, 1),
    minRangeBytes: whole("minRangeBytes", options.minRangeBytes, 4 * MEBIBYTE),
    bandwidth: bandwidthOf(options.bandwidth),
    maxBytes:
      options.maxBytes === undefined ? Number.POSITIVE_INFINITY : whole("maxBytes", options.maxBytes, 1),
    attempts: whole("attempts", options.attempts, 5),
    durable: options.durable ?? true,
    request: options.request ?? {},
    onEvent: options.onEvent ?? (() => {}),
  };
}

function targetOf(url: string | URL): URL {
  try {
    const target = new URL(url);
    if (target.protocol === "http:" || target.protocol === "https:") return target;
  } catch {
    // told below
  }
  throw new TypeError(`url must begin with http:// or https://; got ${inspect(String(url))}`);
}

/** @throws RangeError that names the option. */
export function whole(name: string, value: number | undefined, otherwise: number): number {
  if (value === undefined) return otherwise;
  if (Number.isInteger(value) && value >= 1) return value;
  throw new RangeError(`${name} must be an integer >= 1; got ${inspect(value)}`);
}

export function bandwidthOf(given: number | Bandwidth | undefined): Bandwidth | null {
  return typeof given === "number" ? new Bandwidth(given) : (given ?? null);
}
