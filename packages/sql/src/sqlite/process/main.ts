/*
 * What a process runs that has a database open: it reads a request, does it, answers, and reads the next. It waits in
 * the read itself: that is faster than a loop, and there is nothing else to do. When the program ends, the read does.
 */
import { readSync, writeSync } from "node:fs";
import { deserialize, serialize } from "node:v8";
import { endWithProgram } from "./lifeline.ts";
import { type Failure, HEAD, PIPE, type Reply, type Request } from "./protocol.ts";
import { Served } from "./serve.ts";

/** What was read, and is not used yet, is from `start` to `end`. */
let buffer = Buffer.alloc(65_536);
let start = 0;
let end = 0;

/** Null at the end. */
function receive(): Request | null {
  if (!fill(HEAD)) return null;
  const size = buffer.readUInt32LE(start);
  if (!fill(HEAD + size)) return null;
  const request = deserialize(buffer.subarray(start + HEAD, start + HEAD + size)) as Request; // as the program writes it
  start += HEAD + size;
  return request;
}

/** Reads until so many bytes are there, and whatever has come with them. */
function fill(size: number): boolean {
  if (start === end || buffer.length < start + size) {
    const larger = buffer.length < size ? Buffer.alloc(size) : buffer;
    buffer.copy(larger, 0, start, end);
    buffer = larger;
    end -= start;
    start = 0;
  }
  while (end - start < size) {
    const count = patiently(() => readSync(PIPE, buffer, end, buffer.length - end, null));
    if (count === 0) return false;
    end += count;
  }
  return true;
}

function send(reply: Reply): void {
  const body = serialize(reply);
  const message = Buffer.allocUnsafe(HEAD + body.length);
  message.writeUInt32LE(body.length, 0);
  body.copy(message, HEAD);
  for (let at = 0; at < message.length; ) {
    at += patiently(() => writeSync(PIPE, message, at, message.length - at));
  }
}

const pause = new Int32Array(new SharedArrayBuffer(4));

/** Where pipes don't wait by themselves. */
function patiently(io: () => number): number {
  for (;;) {
    try {
      return io();
    } catch (error) {
      const { code } = error as { code?: unknown };
      if (code === "EOF" || code === "EPIPE" || code === "ECONNRESET") return process.exit(0);
      if (code !== "EAGAIN") throw error;
      Atomics.wait(pause, 0, 0, 1);
    }
  }
}

function failure(error: unknown): Failure {
  const { message, name, errcode, rawCode } = error as Error & { errcode?: number; rawCode?: number };
  return { message, name, code: errcode ?? rawCode ?? 0 };
}

endWithProgram();
// Ctrl-C goes to all processes of a terminal: what is to be done about it is for the program to say.
process.on("SIGINT", () => {});
let served: Served | null = null;
for (let request = receive(); request !== null; request = receive()) {
  let reply: Reply;
  let begun = false;
  try {
    if (request.type === "open") {
      served = await Served.open(request.start);
      reply = { ok: true, value: null };
    } else if (served === null) {
      throw new Error("no database is open");
    } else {
      if (request.begin !== undefined) {
        served.begin(request.begin);
        begun = true;
      }
      reply = { ok: true, value: served.answer(request) };
    }
  } catch (error) {
    reply = { ok: false, error: failure(error), begun };
  }
  try {
    send(reply);
  } catch (error) {
    send({ ok: false, error: failure(error), begun }); // such as a value that can't be sent
  }
  if (request.type === "close") break;
}
process.exit(0);
