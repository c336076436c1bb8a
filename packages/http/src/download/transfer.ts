import { CancelledError, ExceptionGroup, getRunningLoop, sleep, taskGroup, uncancellable } from "brio";
import { HttpConnectionError, HttpProtocolError, HttpTimeoutError } from "../client/errors.ts";
import type { HttpClient } from "../client/http-client.ts";
import type { HttpResponse } from "../client/response.ts";
import { checkSpace } from "./disk-space.ts";
import { DownloadError, FileChangedError } from "./errors.ts";
import { Inflow } from "./inflow.ts";
import type { Progress, Segment } from "./notes.ts";
import type { CheckedDownload } from "./options.ts";
import type { PartialFile } from "./partial.ts";
import { Spent } from "./spent.ts";

/** How often progress is told, and noted, in milliseconds. */
const TELL_EVERY = 100;
const SAVE_EVERY = 1000;

/** The most that is written at once, in bytes. */
const MOST = 1_048_576;

/** Twice as much may wait to be read before the server is slowed down. */
const BUFFER = 524_288;

/** Pauses after a connection was lost. */
const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 30_000;

/** The file on the server is no longer what has begun to come; or, after a connection was lost, nobody knows. */
class Changed extends Error {}

/** The server has ended in order, and too early. */
class Short extends DownloadError {}

/** What the caller decides when the headers of the first answer have come; false: nothing is to be downloaded. */
export type Begin = (response: HttpResponse, total: number | null) => Promise<boolean>;

/**
 * Brings what is missing of a partial file. Each segment is asked for on its own, with `Range` and `If-Range`: a server whose file
 * is another by now answers with all of it, and then everything begins anew.
 */
export class Transfer {
  private readonly plan: CheckedDownload;
  private readonly client: HttpClient;
  private readonly partial: PartialFile;
  private readonly begin: Begin;
  private begun = false;
  private told = 0;
  private saved = getRunningLoop().time();
  private failures = 0;

  constructor(plan: CheckedDownload, client: HttpClient, partial: PartialFile, begin: Begin) {
    this.plan = plan;
    this.client = client;
    this.partial = partial;
    this.begin = begin;
  }

  /** Resolves with whether it was done, or not wanted. */
  async run(): Promise<boolean> {
    const { plan, partial } = this;
    for (let times = 1; ; times++) {
      try {
        const first = await this.first();
        if (first === "unwanted") return false;
        await this.segments(first);
        return true;
      } catch (error) {
        if (!(error instanceof Changed)) throw error;
        if (times >= plan.attempts) throw error.cause ?? new FileChangedError(plan.url, times);
        plan.onEvent({ type: "changed", url: plan.url });
        await partial.restart(null);
      }
    }
  }

  /** The answer that says what there is to download, and brings the start of what is missing. */
  private async first(): Promise<{ segment: Segment; response: HttpResponse } | "unwanted" | null> {
    const { partial, plan } = this;
    const missing = partial.progress?.segments.find(({ at, to }) => to === null || at < to);
    if (partial.progress !== null && missing === undefined) {
      // All is there; only its name was missing. Is it still the same? Asking for its last byte tells.
      const last = (partial.progress.total ?? 1) - 1;
      const response = await this.ask({ from: last, at: Math.max(last, 0), to: partial.progress.total });
      if (!(await this.begins(response))) return "unwanted";
      response.close();
      return null;
    }
    const response = await this.ask(missing ?? { from: 0, at: 0, to: null });
    try {
      if (missing !== undefined)
        return (await this.begins(response)) ? { segment: missing, response } : "unwanted";
      const progress = planned(response, plan);
      if (progress.total !== null && progress.total > plan.maxBytes) throw this.tooLarge(progress.total);
      await this.partial.restart(progress);
      if (!(await this.begins(response))) return "unwanted";
      return { segment: progress.segments[0] as Segment, response }; // there is at least one
    } catch (error) {
      response.close();
      throw error;
    }
  }

  private async begins(response: HttpResponse): Promise<boolean> {
    const { plan, partial } = this;
    const total = partial.progress?.total ?? null;
    const wanted = this.begun || (await this.begin(response, total));
    if (!wanted) {
      response.close();
      return false;
    }
    this.begun = true;
    if (total !== null) await checkSpace(plan, total - partial.received);
    return true;
  }

  /** Has all segments come, at the same time. */
  private async segments(first: { segment: Segment; response: HttpResponse } | null): Promise<void> {
    if (first === null) return;
    const segments = this.partial.progress?.segments ?? [];
    const rest = segments.filter((segment) => segment !== first.segment && segment.at !== segment.to);
    if (rest.length === 0) {
      await this.bring(first.segment, first.response);
      return;
    }
    try {
      await taskGroup((group) => {
        group.createTask(() => this.bring(first.segment, first.response), { name: "range 1" });
        for (const segment of rest)
          group.createTask(() => this.bring(segment, null), { name: `range at ${segment.from}` });
      });
    } catch (error) {
      // They fail for one reason.
      if (!(error instanceof ExceptionGroup)) throw error;
      throw error.errors.find((one) => one instanceof Changed) ?? error.errors[0];
    } finally {
      first.response.close();
    }
  }

  /** One segment, however often the connection is lost. */
  private async bring(segment: Segment, response: HttpResponse | null): Promise<void> {
    const { plan, partial } = this;
    for (let from: HttpResponse | null = response; ; from = null) {
      const before = segment.at;
      try {
        await this.receive(segment, from ?? (await this.ask(segment)));
        return;
      } catch (error) {
        if (error instanceof CancelledError || !passing(error)) throw error;
        if (segment.at > before) this.failures = 0;
        if (++this.failures >= plan.attempts) throw error;
        const pause =
          Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (this.failures - 1)) * (1 - Math.random() / 2);
        plan.onEvent({ type: "retry", url: plan.url, error, pause });
        await sleep(pause);
        // Nothing says whether what comes next would be of the same file.
        if (partial.progress?.validator === null && segment.at > 0)
          throw new Changed("no validator", { cause: error });
      }
    }
  }

  /** While some is written, more comes: two writes of a segment are never under way at once. */
  private async receive(segment: Segment, response: HttpResponse): Promise<void> {
    const { plan } = this;
    const inflow = new Inflow(response.body);
    const spent = new Spent(this.client.exclusive);
    const most = plan.bandwidth === null ? MOST : Math.min(MOST, plan.bandwidth.burst);
    let writing: Promise<void> = Promise.resolve();
    const write = async (): Promise<void> => {
      const pieces = inflow.take();
      segment.at += await this.partial.write(segment.at, pieces);
      spent.add(pieces);
    };
    try {
      for (let next = segment.at; next !== segment.to; ) {
        const length = await inflow.come(segment.to === null ? most : Math.min(most, segment.to - next));
        if (length === 0) break;
        if (next + length > plan.maxBytes) throw this.tooLarge(null);
        await plan.bandwidth?.take(length);
        await writing;
        writing = write();
        writing.catch(() => {}); // whoever waits for it is told
        next += length;
        this.tell();
        await this.savedNowAndThen();
      }
      await writing;
    } catch (error) {
      response.close();
      await uncancellable(() => writing.catch(() => {}), { grace: null });
      // What has come and was waiting for its turn would have to come again.
      if (error instanceof CancelledError && plan.resume) await this.keepRest(segment, inflow, write);
      throw error;
    } finally {
      response.close();
    }
    if (segment.to !== null && segment.at < segment.to)
      throw new Short(plan.url, `the server has sent ${segment.at} bytes of ${segment.to}`);
  }

  /** Writes what has come of a response that was closed. */
  private async keepRest(segment: Segment, inflow: Inflow, write: () => Promise<void>): Promise<void> {
    const rest = async (): Promise<void> => {
      while (segment.at !== segment.to) {
        const length = await inflow.come(segment.to === null ? MOST : segment.to - segment.at);
        if (length === 0 || segment.at + length > this.plan.maxBytes) return;
        await write();
      }
    };
    // It ends with the error that the response was closed with, or with one that writing fails with.
    await uncancellable(() => rest().catch(() => {}), { grace: null });
  }

  /** Asks for what is missing of a segment. */
  private async ask(segment: Segment): Promise<HttpResponse> {
    const { plan, partial } = this;
    const { progress } = partial;
    const { at, to } = segment;
    const headers: Record<string, string> = { "accept-encoding": "identity" };
    const whole = at === 0 && progress === null;
    if (!whole || plan.ranges > 1) headers.range = `bytes=${at}-${to === null ? "" : to - 1}`;
    if (!whole && typeof progress?.validator === "string") headers["if-range"] = progress.validator;
    const given = plan.request.headers ?? {};
    const response = await this.client.get(plan.target, {
      bufferBytes: BUFFER,
      ...plan.request,
      headers: { ...headers, ...(Symbol.iterator in given ? Object.fromEntries(given) : given) },
      decompress: false,
    });
    try {
      if (response.status === 416 && whole) return await this.unranged();
      if (response.status === 416 || (response.status === 200 && !whole && at > 0)) throw new Changed();
      await response.raiseForStatus();
      if (response.status === 206) this.checkRange(response, at);
      else if (
        progress !== null &&
        (progress.segments.length > 1 || validatorOf(response) !== progress.validator)
      )
        throw new Changed();
      return response;
    } catch (error) {
      response.close();
      throw error;
    }
  }

  /** There is no first byte of an empty file. */
  private async unranged(): Promise<HttpResponse> {
    const response = await this.client.get(this.plan.target, {
      ...this.plan.request,
      decompress: false,
      raiseForStatus: true,
    });
    return response;
  }

  /** Is it what was asked for, of the same file? */
  private checkRange(response: HttpResponse, at: number): void {
    const { progress } = this.partial;
    const [, start, , total] =
      /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(response.header("content-range") ?? "") ?? [];
    if (start === undefined || Number(start) !== at)
      throw new DownloadError(
        this.plan.url,
        `asked for the bytes from ${at}, and got ${response.header("content-range")}`,
      );
    if (progress === null) return;
    const validator = validatorOf(response);
    if (validator !== null && validator !== progress.validator) throw new Changed();
    if (progress.total !== null && total !== "*" && Number(total) !== progress.total) throw new Changed();
  }

  private tell(): void {
    const now = getRunningLoop().time();
    if (now - this.told < TELL_EVERY) return;
    this.told = now;
    const { plan, partial } = this;
    const total = partial.progress?.total ?? null;
    plan.onEvent({ type: "progress", url: plan.url, received: partial.received, total });
  }

  private async savedNowAndThen(): Promise<void> {
    const now = getRunningLoop().time();
    if (now - this.saved < SAVE_EVERY) return;
    this.saved = now;
    await this.partial.save();
  }

  private tooLarge(size: number | null): DownloadError {
    const what = size === null ? "more than that has come" : `it has ${size}`;
    return new DownloadError(this.plan.url, `is larger than maxBytes (${this.plan.maxBytes} bytes): ${what}`);
  }
}

/** Errors of the way, not of the file. */
function passing(error: unknown): boolean {
  if (error instanceof HttpTimeoutError) return error.phase !== "total";
  return error instanceof HttpConnectionError || error instanceof HttpProtocolError || error instanceof Short;
}

/** What the first answer makes of the plan. */
function planned(response: HttpResponse, { ranges, minRangeBytes }: CheckedDownload): Progress {
  const validator = validatorOf(response);
  const total = totalOf(response);
  if (total === null || total === 0 || response.status !== 206 || validator === null)
    return { validator, total, segments: [{ from: 0, to: total, at: 0 }] };
  const count = Math.max(1, Math.min(ranges, Math.floor(total / minRangeBytes)));
  const size = Math.ceil(total / count);
  const segments: Segment[] = [];
  for (let from = 0; from < total; from += size)
    segments.push({ from, to: Math.min(from + size, total), at: from });
  return { validator, total, segments };
}

function totalOf(response: HttpResponse): number | null {
  const text =
    response.status === 206
      ? /\/(\d+)$/.exec(response.header("content-range") ?? "")?.[1]
      : response.header("content-length");
  return text === undefined || text === null ? null : Number(text);
}

/** What can be sent as `If-Range`: a weak ETag can't. */
function validatorOf(response: HttpResponse): string | null {
  const etag = response.header("etag");
  if (etag?.startsWith('"')) return etag;
  return response.header("last-modified");
}
