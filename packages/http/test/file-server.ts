// A server of one file, with ranges and validators, as real ones are; and which can be made to misbehave.
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { type Loopback, serveHttp } from "./loopback.ts";

export interface ServedFile {
  content: Buffer;
  etag: string | null;
  ranges: boolean;
  /** Headers of every answer. */
  headers: Record<string, string>;
  /** Breaks the connection off when so many bytes of an answer have been sent; for so many answers. */
  breakAt: number | null;
  breaks: number;
  /** Called before each answer. */
  onRequest: ((request: IncomingMessage, response: ServerResponse) => boolean | undefined) | null;
  /** `bytes=…` of each request, or "all". */
  readonly asked: string[];
}

export function file(size: number, settings: Partial<ServedFile> = {}): ServedFile {
  const content = randomBytes(size);
  return {
    content,
    etag: `"${createHash("md5").update(content).digest("hex")}"`,
    ranges: true,
    headers: {},
    breakAt: null,
    breaks: Number.POSITIVE_INFINITY,
    onRequest: null,
    asked: [],
    ...settings,
  };
}

export function serveFile(served: ServedFile): Promise<Loopback> {
  return serveHttp((request, response) => {
    served.asked.push(request.headers.range ?? "all");
    if (served.onRequest?.(request, response) === true) return;
    const { content, etag, ranges, headers } = served;
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    if (etag !== null) response.setHeader("etag", etag);
    if (ranges) response.setHeader("accept-ranges", "bytes");
    const given = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
    const same = request.headers["if-range"] === undefined || request.headers["if-range"] === etag;
    let body = content;
    if (ranges && given !== null && same) {
      const from = Number(given[1]);
      const to = given[2] === "" ? content.length - 1 : Math.min(Number(given[2]), content.length - 1);
      if (from >= content.length) {
        response.writeHead(416, { "content-range": `bytes */${content.length}` }).end();
        return;
      }
      body = content.subarray(from, to + 1);
      response.statusCode = 206;
      response.setHeader("content-range", `bytes ${from}-${to}/${content.length}`);
    }
    response.setHeader("content-length", body.length);
    if (served.breakAt === null || served.breaks-- <= 0 || served.breakAt >= body.length) {
      response.end(body);
      return;
    }
    response.write(body.subarray(0, served.breakAt), () => request.socket.destroySoon());
  });
}

/** The notes of the download in a folder; empty if there are none. */
export function notesIn(directory: string): string {
  const name = readdirSync(directory).find((name) => name.endsWith(".part.json"));
  return name === undefined ? "" : join(directory, name);
}

/** Waits until it is noted that something has come. */
export async function noted(directory: string): Promise<void> {
  const come = (path: string): boolean => path !== "" && /"at":[1-9]/.test(readFileSync(path, "utf8"));
  while (!come(notesIn(directory))) await new Promise((resolve) => setImmediate(resolve));
}

/** A folder for the time of a test. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "brio-download-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
