import { brio, type ServerSocket, serveWebSocket } from "@brio/http/fastify";
import { Event, run, sleep, sleepForever } from "brio";
import fastify, { type FastifyInstance } from "fastify";
import { describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import { leavesNothing } from "../../../brio/test/left-behind.ts";
import { closed, message, withSocket } from "./socket-client.ts";

leavesNothing();

const PIECE = "x".repeat(64 * 1024);

/** A server whose WebSockets `handler` serves, and a client of it that is connected. */
const connected = (
  handler: (socket: ServerSocket) => Promise<void>,
  body: (client: WebSocket, app: FastifyInstance, errors: unknown[]) => Promise<void>,
): Promise<void> =>
  withSocket(
    "",
    {},
    (app) => {
      const server = new WebSocketServer({ server: app.server });
      server.on("connection", (socket) => void serveWebSocket(app.brio, socket, handler));
    },
    body,
  );

describe.skipIf(typeof WebSocket !== "function")("a WebSocket (needs Node 22 for its client)", () => {
  it("is served by a task, which gets messages and sends some", async () => {
    const echo = async (socket: ServerSocket): Promise<void> => {
      for await (const text of socket) {
        await sleep(1);
        await socket.send(`you said ${text}`);
        if (text === "bye") break;
      }
    };
    await connected(echo, async (client) => {
      client.send("hello");
      expect(await message(client)).toBe("you said hello");
      client.send("bye");
      expect(await message(client)).toBe("you said bye");
      expect(await closed(client)).toBe(1000);
    });
  });

  it("whose client goes is cancelled, and that is no error", async () => {
    const entered = new Event();
    const ended = new Event();
    const handler = async (): Promise<void> => {
      entered.set();
      try {
        await sleepForever();
      } finally {
        ended.set();
      }
    };
    await connected(handler, async (client, app, errors) => {
      await entered.wait();
      client.close();
      await ended.wait();
      await app.brio.whenIdle();
      expect(errors).toEqual([]);
    });
  });

  it("whose handler fails is closed with 1011, and the error reported", async () => {
    const handler = async (): Promise<void> => {
      await sleep(1);
      throw new RangeError("no");
    };
    await connected(handler, async (client, _app, errors) => {
      expect(await closed(client)).toBe(1011);
      expect(errors).toEqual([expect.any(RangeError)]);
    });
  });

  it("finishes the message in hand when the server begins to stop, and is closed with 1001", async () => {
    const entered = new Event();
    const handler = async (socket: ServerSocket): Promise<void> => {
      for await (const text of socket) {
        entered.set();
        await sleep(20);
        await socket.send(`did ${text}`);
      }
    };
    await connected(handler, async (client, app) => {
      const all: unknown[] = [];
      client.addEventListener("message", (event) => all.push(event.data));
      client.send("one");
      await entered.wait();
      app.brio.close();
      expect(await closed(client)).toBe(1001);
      expect(all).toEqual(["did one"]);
      await app.brio.waitClosed();
    });
  });

  it("is read no faster than its handler takes the messages", async () => {
    const goOn = new Event();
    let taken = 0;
    const handler = async (socket: ServerSocket): Promise<void> => {
      await goOn.wait();
      for await (const _ of socket) if (++taken === 1000) break;
    };
    await connected(handler, async (client) => {
      for (let n = 0; n < 1000; n++) client.send(PIECE);
      for (let before = -1; client.bufferedAmount !== before; ) {
        before = client.bufferedAmount;
        await sleep(100); // until nothing goes out any more
      }
      expect(client.bufferedAmount).toBeGreaterThan(500 * PIECE.length);
      goOn.set();
      expect(await closed(client)).toBe(1000);
      expect(taken).toBe(1000);
    });
  });
});

describe("what is no WebSocket", () => {
  it("is refused", async () => {
    await run(async () => {
      const app = fastify();
      await app.register(brio);
      expect(() => serveWebSocket(app.brio, {} as never, async () => {})).toThrow("of the package ws");
      await app.close();
    });
  });
});
