import type { Readable } from "node:stream";
import { interruptible } from "brio";
import {
  EVENT_STREAM_HEADERS,
  type EventsOptions,
  encodeEvent,
  Heart,
  type ServerEvent,
} from "./event-stream.ts";
import { requireRequest } from "./per-request.ts";
import { type Pieces, piecesOf, TaskStream } from "./task-stream.ts";

/** A body made of pieces, in the request's task. */
export function bodyStream(pieces: Pieces<Buffer | Uint8Array | string>, caller: string): Readable {
  const request = requireRequest(caller);
  return new TaskStream(request, eachOf(piecesOf(pieces, caller)), false);
}

/** A body made of events, in the request's task. It has no time limit; the beginning of the server's end ends it. */
export function eventStream(
  events: Pieces<ServerEvent>,
  { heartbeat = "15s" }: EventsOptions,
  caller: string,
): Readable {
  const request = requireRequest(caller);
  request.setTimeout(null);
  const source = piecesOf(events, caller);
  let stream: TaskStream | null = null;
  // A client that reads too slowly is not silent.
  const heart = new Heart(request.tasks.loop, heartbeat, (text) => {
    if (stream?.readableLength === 0) stream.push(text);
  });
  stream = new TaskStream(request, encoded(source, heart), true);
  return stream;
}

/** Waits for the first piece of a body: before anything is sent, there can still be an answer that says what is wrong. */
export async function begun(body: Readable): Promise<void> {
  await interruptible(
    new Promise<void>((resolve, reject) => {
      body.once("readable", resolve);
      body.once("end", resolve);
      body.once("error", reject);
    }),
  );
}

async function* eachOf<T>(pieces: AsyncIterable<T> | Iterable<T>): AsyncGenerator<T> {
  yield* pieces;
}

async function* encoded(
  events: AsyncIterable<ServerEvent> | Iterable<ServerEvent>,
  heart: Heart,
): AsyncGenerator<string> {
  try {
    yield ":\n\n"; // the headers go out with it: the client knows that it is connected
    for await (const event of events) {
      heart.rest();
      yield encodeEvent(event);
    }
  } finally {
    heart.stop();
  }
}

export { EVENT_STREAM_HEADERS };
