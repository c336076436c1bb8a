import { type ServerSocket, serveWebSocket } from "@brio/http/fastify";
import websocket from "@fastify/websocket";
import { CancelledError, Event, interruptible, sleep, sleepForever } from "brio";
import type { FastifyInstance } from "fastify";
import { describe, expect, it } from "vitest";
import { leavesNothing } from "../../../brio/test/left-behind.ts";
import { closed, message, withSocket } from "./socket-client.ts";

leavesNothing();

/** An app with a route whose WebSockets `handler` serves, and a client of it that is connected. */
const connected = (
  handler: (socket: ServerSocket) => Promise<void>,
  body: (client: WebSocket, app: FastifyInstance, errors: unknown[]) => Promise<void>,
): Promise<void> =>
  withSocket(
    "/socket",
    { timeout: "50ms" },
    async (app) => {
      await app.register(websocket);
      app.get("/", () => "hello");
      app.get("/socket", { websocket: true }, (socket) => {
        serveWebSocket(app.brio, socket, handler);
      });
    },
    body,
  );

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
