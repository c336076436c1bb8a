import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { brio, type ServerSocket, serveWebSocket, type WebSocketLike } from "@brio/http/fastify";
import { Event, interruptible, run, sleep, sleepForever } from "brio";
import fastify, { type FastifyInstance } from "fastify";
import { describe, expect, it } from "vitest";
import { leavesNothing } from "../../../brio/test/left-behind.ts";

leavesNothing();

interface WebSocketServer {
  on(event: "connection", listener: (socket: WebSocketLike) => void): void;
}
interface Ws {
  WebSocketServer: new (options: object) => WebSocketServer;
}

const ws = await import("ws" as string).then(
  (found: Ws) => found,
  () => null,
);
const usable = ws !== null && typeof WebSocket === "function";

const PIECE = "x".repeat(64 * 1024);

/** A server whose WebSockets `handler` serves, and a client of it that is connected. */
async function connected(
  handler: (socket: ServerSocket) => Promise<void>,
  body: (client: WebSocket, app: FastifyInstance, errors: unknown[]) => Promise<void>,
): Promise<void> {
  await run(async () => {
    const errors: unknown[] = [];
    const app = fastify({ forceCloseConnections: true });
    await app.register(brio, { onError: (error) => errors.push(error), drain: "2s" });
    const server = new (ws as Ws).WebSocketServer({ server: app.server });
    server.on("connection", (socket) => void serveWebSocket(app.brio, socket, handler));
    await interruptible(app.listen({ port: 0, host: "127.0.0.1" }));
    const { port } = app.server.address() as AddressInfo;
    const client = new WebSocket(`ws://127.0.0.1:${port}`);
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

describe.skipIf(!usable)("a WebSocket (needs the package ws, and Node 22 for its client)", () => {
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
