// WebSockets whose handlers are routes of Fastify, as @fastify/websocket makes them of the package ws: the upgrade goes through
// the router as a request, whose reply is hijacked, and the handler is called with the socket in its place.
import { once } from "node:events";
import { type IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { brio, type ServerSocket, serveWebSocket, type WebSocketLike } from "@brio/http/fastify";
import { CancelledError, Event, interruptible, run, sleep, sleepForever } from "brio";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { describe, expect, it } from "vitest";
import { leavesNothing } from "../../../brio/test/left-behind.ts";

leavesNothing();

interface WebSocketServer {
  handleUpgrade(
    request: IncomingMessage,
    socket: Socket,
    head: Buffer,
    done: (it: WebSocketLike) => void,
  ): void;
}
interface Ws {
  WebSocketServer: new (options: object) => WebSocketServer;
}

const ws = await import("ws" as string).then(
  (found: Ws) => found,
  () => null,
);
const usable = ws !== null && typeof WebSocket === "function";

type SocketHandler = (socket: WebSocketLike, request: FastifyRequest) => unknown;

/** Routes with `{ config: { socket: true } }` get WebSockets. */
function routeSockets(app: FastifyInstance): void {
  const server = new (ws as Ws).WebSocketServer({ noServer: true });
  const upgrades = new WeakMap<IncomingMessage, (use: (socket: WebSocketLike) => void) => void>();
  app.server.on("upgrade", (request: IncomingMessage, connection: Socket, head: Buffer) => {
    upgrades.set(request, (use) => server.handleUpgrade(request, connection, head, use));
    const response = new ServerResponse(request);
    response.assignSocket(connection);
    app.routing(request, response);
  });
  app.addHook("onRoute", (route) => {
    if ((route.config as { socket?: boolean } | undefined)?.socket !== true) return;
    const handler = route.handler as unknown as SocketHandler; // so it was written
    route.handler = function (this: FastifyInstance, request: FastifyRequest, reply: FastifyReply): void {
      const upgrade = upgrades.get(request.raw);
      reply.hijack();
      upgrade?.((socket) => void handler.call(this, socket, request));
    };
  });
}

/** An app with a route whose WebSockets `handler` serves, and a client of it that is connected. */
async function connected(
  handler: (socket: ServerSocket) => Promise<void>,
  body: (client: WebSocket, app: FastifyInstance, errors: unknown[]) => Promise<void>,
): Promise<void> {
  await run(async () => {
    const errors: unknown[] = [];
    const app = fastify({ forceCloseConnections: true });
    await app.register(brio, { onError: (error) => errors.push(error), drain: "2s", timeout: "50ms" });
    routeSockets(app);
    app.get("/", () => "hello");
    const serveSocket: SocketHandler = (socket) => serveWebSocket(app.brio, socket, handler);
    app.get("/socket", { config: { socket: true } as object }, serveSocket as never); // called as routeSockets() says
    await interruptible(app.listen({ port: 0, host: "127.0.0.1" }));
    const { port } = app.server.address() as AddressInfo;
    const client = new WebSocket(`ws://127.0.0.1:${port}/socket`);
    await interruptible(once(client, "open"));
    try {
      await body(client, app, errors);
    } finally {
      client.close();
      await app.close();
    }
  });
}

async function message(client: WebSocket): Promise<unknown> {
  const [event] = await interruptible(once(client, "message"));
  return (event as MessageEvent).data;
}

async function closed(client: WebSocket): Promise<number> {
  const [event] = await interruptible(once(client, "close"));
  return (event as CloseEvent).code;
}

describe.skipIf(!usable)("a WebSocket of a route (needs the package ws, and Node 22 for its client)", () => {
  it("is served by a task, which the time limit of requests does not end; other requests go on", async () => {
    const echo = async (socket: ServerSocket): Promise<void> => {
      for await (const text of socket) await socket.send(`you said ${text}`);
    };
    await connected(echo, async (client, app, errors) => {
      client.send("hello");
      expect(await message(client)).toBe("you said hello");
      await sleep(150); // three times the limit
      client.send("still there");
      expect(await message(client)).toBe("you said still there");
      expect((await interruptible(app.inject("/"))).body).toBe("hello");
      client.close();
      await app.brio.whenIdle();
      expect(app.brio.statistics()).toMatchObject({ requests: 0, background: 0 });
      expect(errors).toEqual([]);
    });
  });

  it("whose client goes is cancelled, and nothing of its request is left", async () => {
    const entered = new Event();
    let end: unknown;
    const handler = async (): Promise<void> => {
      entered.set();
      try {
        await sleepForever();
      } catch (error) {
        end = error;
        throw error;
      }
    };
    await connected(handler, async (client, app, errors) => {
      await entered.wait();
      client.close();
      await app.brio.whenIdle();
      expect(end).toBeInstanceOf(CancelledError);
      expect(errors).toEqual([]);
    });
  });

  it("finishes the message in hand when the app is closed, and is closed with 1001", async () => {
    const entered = new Event();
    const handler = async (socket: ServerSocket): Promise<void> => {
      for await (const text of socket) {
        entered.set();
        await sleep(20);
        await socket.send(`did ${text}`);
      }
    };
    await connected(handler, async (client, app, errors) => {
      const all: unknown[] = [];
      client.addEventListener("message", (event) => all.push(event.data));
      client.send("one");
      await entered.wait();
      const code = closed(client);
      await interruptible(app.close());
      expect(await code).toBe(1001);
      expect(all).toEqual(["did one"]);
      expect(errors).toEqual([]);
    });
  });
});
