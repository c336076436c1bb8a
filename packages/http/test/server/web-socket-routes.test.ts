// WebSockets whose handlers are routes of Fastify: those of @fastify/websocket.
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { brio, type ServerSocket, serveWebSocket } from "@brio/http/fastify";
import websocket from "@fastify/websocket";
import { CancelledError, Event, interruptible, run, sleep, sleepForever } from "brio";
import fastify, { type FastifyInstance } from "fastify";
import { describe, expect, it } from "vitest";
import { leavesNothing } from "../../../brio/test/left-behind.ts";

leavesNothing();

/** An app with a route whose WebSockets `handler` serves, and a client of it that is connected. */
async function connected(
  handler: (socket: ServerSocket) => Promise<void>,
  body: (client: WebSocket, app: FastifyInstance, errors: unknown[]) => Promise<void>,
): Promise<void> {
  await run(async () => {
    const errors: unknown[] = [];
    const app = fastify({ forceCloseConnections: true });
    await app.register(brio, { onError: (error) => errors.push(error), drain: "2s", timeout: "50ms" });
    await app.register(websocket);
    app.get("/", () => "hello");
    app.get("/socket", { websocket: true }, (socket) => {
      serveWebSocket(app.brio, socket, handler);
    });
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

describe.skipIf(typeof WebSocket !== "function")(
  "a WebSocket of a route (needs Node 22 for its client)",
  () => {
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
  },
);
