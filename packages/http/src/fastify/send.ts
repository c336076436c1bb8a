import type { FastifyReply } from "fastify";
import type { EventsOptions, ServerEvent } from "../server/event-stream.ts";
import { bodyStream, EVENT_STREAM_HEADERS, eventStream } from "../server/respond.ts";
import type { Pieces } from "../server/task-stream.ts";

/**
 * Answers with pieces that are made in the request's task, as the client reads them. Its headers go through the hooks of
 * Fastify as those of any stream do.
 *
 * *Cancel safety*: when the client leaves, or the time is over, the generator is cancelled where it waits, and the connection
 * cut off: half a response does not look like a whole one.
 *
 * @throws TypeError if `pieces` can't be iterated; RuntimeError outside of a request's task.
 *
 * @example
 * ```ts
 * import { brio, sendStream } from "@brio/http/fastify";
 * import { interruptible, run, sleep } from "brio";
 * import fastify from "fastify";
 *
 * await run(async () => {
 *   const app = fastify();
 *   await app.register(brio);
 *   app.get("/", (_request, reply) =>
 *     sendStream(reply, async function* () {
 *       for (const piece of ["a", "b"]) yield await sleep("1ms", piece);
 *     }),
 *   );
 *   console.log((await interruptible(app.inject("/"))).body); // ab
 *   await app.close();
 * });
 * ```
 */
export function sendStream(reply: FastifyReply, pieces: Pieces<Buffer | Uint8Array | string>): FastifyReply {
  return reply.send(bodyStream(pieces, "sendStream()"));
}

/**
 * Answers with server-sent events that are made in the request's task, as the client reads them. Such a request has no time
 * limit; when the server begins to stop, it ends, so that clients come back elsewhere.
 *
 * *Cancel safety*: when the client leaves, or the server stops, the generator is cancelled where it waits.
 *
 * @throws TypeError if `events` can't be iterated; RangeError for a heartbeat of 0; RuntimeError outside of a request's task.
 *
 * @example
 * ```ts
 * import { brio, sendEvents } from "@brio/http/fastify";
 * import { interruptible, run } from "brio";
 * import fastify from "fastify";
 *
 * await run(async () => {
 *   const app = fastify();
 *   await app.register(brio);
 *   app.get("/", (_request, reply) =>
 *     sendEvents(reply, async function* () {
 *       yield { data: { n: 1 } };
 *     }),
 *   );
 *   console.log((await interruptible(app.inject("/"))).body.trim().split("\n").at(-1)); // data: {"n":1}
 *   await app.close();
 * });
 * ```
 */
export function sendEvents(
  reply: FastifyReply,
  events: Pieces<ServerEvent>,
  options: EventsOptions = {},
): FastifyReply {
  const body = eventStream(events, options, "sendEvents()");
  return reply.headers({ ...EVENT_STREAM_HEADERS }).send(body);
}
