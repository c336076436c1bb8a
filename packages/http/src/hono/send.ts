import { Readable } from "node:stream";
import type { ReadableStream as WebStream } from "node:stream/web";
import type { Context, Env } from "hono";
import type { EventsOptions, ServerEvent } from "../server/event-stream.ts";
import { begun, bodyStream, EVENT_STREAM_HEADERS, eventStream } from "../server/respond.ts";
import type { Pieces } from "../server/task-stream.ts";

/**
 * Answers with pieces that are made in the request's task, as the client reads them.
 *
 * *Cancel safety*: when the client leaves, or the time is over, the generator is cancelled where it waits, and the connection
 * cut off: half a response does not look like a whole one.
 *
 * @throws TypeError if `pieces` can't be iterated; RuntimeError outside of a request's task.
 */
export async function sendStream<E extends Env>(
  context: Context<E>,
  pieces: Pieces<Buffer | Uint8Array | string>,
): Promise<Response> {
  return await send(context, bodyStream(pieces, "sendStream()"));
}

/**
 * Answers with server-sent events that are made in the request's task, as the client reads them. Such a request has no time
 * limit; when the server begins to stop, it ends, so that clients come back elsewhere.
 *
 * *Cancel safety*: when the client leaves, or the server stops, the generator is cancelled where it waits.
 *
 * @throws TypeError if `events` can't be iterated; RangeError for a heartbeat of 0; RuntimeError outside of a request's task.
 */
export async function sendEvents<E extends Env>(
  context: Context<E>,
  events: Pieces<ServerEvent>,
  options: EventsOptions = {},
): Promise<Response> {
  const body = eventStream(events, options, "sendEvents()");
  for (const [name, value] of Object.entries(EVENT_STREAM_HEADERS)) context.header(name, value);
  return await send(context, body);
}

async function send<E extends Env>(context: Context<E>, body: Readable): Promise<Response> {
  await begun(body);
  const web: WebStream = Readable.toWeb(body);
  return context.body(web as ReadableStream); // the platform's type and Node's are of the same thing
}
