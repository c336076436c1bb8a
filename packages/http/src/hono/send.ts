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
 *
 * @example
 * ```ts
 * import { once } from "node:events";
 * import type { Server } from "node:http";
 * import type { AddressInfo } from "node:net";
 * import { brio, sendStream } from "@brio/http/hono";
 * import { serve } from "@hono/node-server";
 * import { interruptible, run, sleep } from "brio";
 * import { Hono } from "hono";
 *
 * await run(async () => {
 *   const app = new Hono();
 *   await using tasks = await brio(app);
 *   app.get("/", (context) =>
 *     sendStream(context, async function* () {
 *       for (const piece of ["a", "b"]) yield await sleep("1ms", piece);
 *     }),
 *   );
 *   const server = tasks.attach(serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }) as Server);
 *   if (!server.listening) await interruptible(once(server, "listening"));
 *   const response = await interruptible(fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
 *   console.log(await interruptible(response.text())); // ab
 * });
 * ```
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
 *
 * @example
 * ```ts
 * import { once } from "node:events";
 * import type { Server } from "node:http";
 * import type { AddressInfo } from "node:net";
 * import { brio, sendEvents } from "@brio/http/hono";
 * import { serve } from "@hono/node-server";
 * import { interruptible, run, sleep } from "brio";
 * import { Hono } from "hono";
 *
 * await run(async () => {
 *   const app = new Hono();
 *   await using tasks = await brio(app);
 *   app.get("/", (context) =>
 *     sendEvents(context, async function* () {
 *       yield await sleep("1ms", { data: { n: 1 } });
 *     }),
 *   );
 *   const server = tasks.attach(serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }) as Server);
 *   if (!server.listening) await interruptible(once(server, "listening"));
 *   const response = await interruptible(fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
 *   console.log((await interruptible(response.text())).trim().split("\n").at(-1)); // data: {"n":1}
 * });
 * ```
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
