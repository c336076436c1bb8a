import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { interruptible } from "brio";
import type { Response } from "express";
import type { EventsOptions, ServerEvent } from "../server/event-stream.ts";
import { begun, bodyStream, EVENT_STREAM_HEADERS, eventStream } from "../server/respond.ts";
import type { Pieces } from "../server/task-stream.ts";

/**
 * Answers with pieces that are made in the request's task, as the client reads them; resolves when the last one is sent.
 *
 * *Cancel safety*: when the client leaves, or the time is over, the generator is cancelled where it waits, and the connection
 * cut off: half a response does not look like a whole one. It throws what the generator fails with before the first piece.
 *
 * @throws TypeError if `pieces` can't be iterated; RuntimeError outside of a request's task.
 *
 * @example
 * ```ts
 * import { once } from "node:events";
 * import type { AddressInfo } from "node:net";
 * import { brio, sendStream } from "@brio/http/express";
 * import { interruptible, run, sleep } from "brio";
 * import express from "express";
 *
 * await run(async () => {
 *   const app = express();
 *   await using _ = await brio(app);
 *   app.get("/", async (_request, response) => {
 *     await sendStream(response, async function* () {
 *       for (const piece of ["a", "b"]) yield await sleep("1ms", piece);
 *     });
 *   });
 *   const server = app.listen(0, "127.0.0.1");
 *   await interruptible(once(server, "listening"));
 *   const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
 *   const response = await interruptible(fetch(url));
 *   console.log(await interruptible(response.text())); // ab
 * });
 * ```
 */
export async function sendStream(
  response: Response,
  pieces: Pieces<Buffer | Uint8Array | string>,
): Promise<void> {
  await send(response, bodyStream(pieces, "sendStream()"));
}

/**
 * Answers with server-sent events that are made in the request's task, as the client reads them; resolves when the last one
 * is sent. Such a request has no time limit; when the server begins to stop, it ends, so that clients come back elsewhere.
 *
 * *Cancel safety*: when the client leaves, or the server stops, the generator is cancelled where it waits.
 *
 * @throws TypeError if `events` can't be iterated; RangeError for a heartbeat of 0; RuntimeError outside of a request's task.
 *
 * @example
 * ```ts
 * import { once } from "node:events";
 * import type { AddressInfo } from "node:net";
 * import { brio, sendEvents } from "@brio/http/express";
 * import { interruptible, run, sleep } from "brio";
 * import express from "express";
 *
 * await run(async () => {
 *   const app = express();
 *   await using _ = await brio(app);
 *   app.get("/", async (_request, response) => {
 *     await sendEvents(response, async function* () {
 *       yield await sleep("1ms", { data: { n: 1 } });
 *     });
 *   });
 *   const server = app.listen(0, "127.0.0.1");
 *   await interruptible(once(server, "listening"));
 *   const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
 *   const response = await interruptible(fetch(url));
 *   console.log((await interruptible(response.text())).trim().split("\n").at(-1)); // data: {"n":1}
 * });
 * ```
 */
export async function sendEvents(
  response: Response,
  events: Pieces<ServerEvent>,
  options: EventsOptions = {},
): Promise<void> {
  const body = eventStream(events, options, "sendEvents()");
  response.set(EVENT_STREAM_HEADERS);
  await send(response, body);
}

async function send(response: Response, body: Readable): Promise<void> {
  await begun(body);
  await interruptible(pipeline(body, response));
}
