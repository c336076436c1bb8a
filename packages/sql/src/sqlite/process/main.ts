/*
 * What a process runs that has a database open: it reads a request, does it, answers, and reads the next. It waits in
 * the read itself: that is faster than a loop, and there is nothing else to do. When the program ends, the read does.
 */
import { readSync, writeSync } from "node:fs";
import { deserialize, serialize } from "node:v8";
import { endWithProgram } from "./lifeline.ts";
import { type Failure, HEAD, PIPE, type Reply, type Request } from "./protocol.ts";
import { Served } from "./serve.ts";

let buffer = Buffer.alloc(65_536);

/** Null at the end. */
function receive(): Request | null {
  if (!fill(0, HEAD)) return null;
  const size = buffer.readUInt32LE(0);
  if (buffer.length < size) buffer = Buffer.alloc(size);
  return fill(0, size) ? (deserialize(buffer.subarray(0, size)) as Request) : null; // as the program writes it
}

function fill(from: number, to: number): boolean {
  for (let at = from; at < to; ) {
    const count = patiently(() => readSync(PIPE, buffer, at, to - at, null));
    if (count === 0) return false;
    at += count;
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
  try {
    if (request.type === "open") {
      served = await Served.open(request.start);
      reply = { ok: true, value: null };
    } else if (served === null) {
      throw new Error("no database is open");
    } else {
      reply = { ok: true, value: served.answer(request) };
    }
  } catch (error) {
    reply = { ok: false, error: failure(error) };
  }
  try {
    send(reply);
  } catch (error) {
    send({ ok: false, error: failure(error) }); // such as a value that can't be sent
  }
  if (request.type === "close") break;
}
process.exit(0);
