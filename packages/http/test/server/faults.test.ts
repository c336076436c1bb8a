import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { brio } from "@brio/http/fastify";
import { allTasks, Event, interruptible, run, sleep, sleepForever } from "brio";
import express from "express";
import fastify from "fastify";
import { describe, expect, it } from "vitest";
import { leavesNothing } from "../../../brio/test/left-behind.ts";
import { brio as brioExpress } from "../../src/express/index.ts";
import { ask, RawClient } from "./clients.ts";
import { frameworks } from "./frameworks.ts";
import { serving } from "./serving.ts";

leavesNothing();

/** How many clients vanish, each with two descriptors of this process. (Fewer where the framework changes little.) */
const CROWDS: Readonly<Record<string, number>> = { fastify: 5000, express: 1000, hono: 1000 };
const BATCH = 250;

async function crowd(port: number, size: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < size) {
    const batch = Array.from({ length: BATCH }, async () => {
      const socket = connect(port, "127.0.0.1");
      socket.on("error", () => {});
      await once(socket, "connect");
      socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
      return socket;
    });
    sockets.push(...(await Promise.all(batch)));
  }
  return sockets;
}

describe.each(frameworks)("on $name", (framework) => {
  const size = CROWDS[framework.name] as number; // it has all of them

  it(`${size} clients that vanish in mid-request leave no handler and no memory behind`, async () => {
    let inside = 0;
    let awaited = 0;
    let full = new Event();
    const page = async (): Promise<string> => {
      if (++inside === awaited) full.set();
      try {
        await sleepForever();
      } finally {
        inside--;
      }
      return "never";
    };
    const heap = (): number => {
      (globalThis as { gc?: () => void }).gc?.();
      return process.memoryUsage().heapUsed;
    };
    await serving(framework, { pages: { "/": page } }, async ({ port, tasks, errors }) => {
      const vanish = async (clients: number): Promise<number> => {
        awaited = clients;
        full = new Event();
        const sockets = await interruptible(crowd(port, clients));
        await full.wait();
        expect(inside).toBe(clients);
        for (const socket of sockets.splice(0)) socket.resetAndDestroy();
        await tasks.whenIdle();
        expect(inside).toBe(0);
        while (tasks.statistics().connections > 0) await sleep(1);
        return heap();
      };
      const before = await vanish(BATCH);
      await vanish(size);
      const growth = (await vanish(BATCH)) - before; // Node lets go of closed sockets on later turns
      expect(errors).toEqual([]);
      expect(tasks.statistics()).toMatchObject({ requests: 0, connections: 0 });
      expect([...allTasks()].filter((task) => task.getName().startsWith("GET"))).toEqual([]);
      expect(growth).toBeLessThan(size * 500); // bytes: a request that is kept has some thousands
    });
  }, 120_000);

  it("a client that sends its body and leaves before it is read costs nothing", async () => {
    let handled = 0;
    const page = (): string => {
      handled++;
      return "never";
    };
    await serving(framework, { pages: { "/": page } }, async ({ port, tasks }) => {
      const client = await interruptible(RawClient.connect(port));
      const head = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
      client.send(`${head}Content-Length: 1000\r\n\r\n{"half":`);
      while (tasks.statistics().requests === 0) await sleep(1); // until it has arrived
      client.leave();
      await tasks.whenIdle();
      expect(handled).toBe(0);
    });
  });

  it("a client that sends its headers one by one does not hold up the end of the server", async () => {
    await serving(framework, { pages: { "/": () => "ok" } }, async ({ port, tasks }) => {
      const slow = await interruptible(RawClient.connect(port));
      slow.send("GET / HTTP/1.1\r\nHost: localhost\r\nX-A: 1\r\n"); // and never the empty line
      await interruptible(ask(port, "/")); // the server has seen it
      tasks.close();
      await tasks.waitClosed();
      expect(await interruptible(slow.end())).toBe("");
    });
  });

  it("headers of hostile size are refused by Node, and never become a task", async () => {
    await serving(framework, { pages: { "/": () => "ok" } }, async ({ port, tasks }) => {
      const client = await interruptible(RawClient.connect(port));
      client.get("/", `X-A: ${"a".repeat(20_000)}\r\n`);
      expect(await interruptible(client.end())).toMatch(/^HTTP\/1\.1 431 /);
      expect(tasks.statistics().requests).toBe(0);
    });
  });
});

describe("the limits of frameworks", () => {
  const big = JSON.stringify("x".repeat(2000));

  it("of Fastify refuse a body, and the task ends", async () => {
    await run(async () => {
      const app = fastify({ bodyLimit: 1000 });
      await app.register(brio);
      app.post("/", () => "never");
      const { statusCode } = await interruptible(
        app.inject({ method: "POST", url: "/", body: big, headers: { "content-type": "application/json" } }),
      );
      expect(statusCode).toBe(413);
      await app.brio.whenIdle();
      await app.close();
    });
  });

  it("of Express refuse a body, and the task ends", async () => {
    await run(async () => {
      const app = express();
      const tasks = await brioExpress(app);
      app.use(express.json({ limit: 1000 }));
      app.post("/", () => {});
      app.use(((error, _request, response, _next) => {
        response.status(error.status).end();
      }) satisfies express.ErrorRequestHandler);
      const server = app.listen(0, "127.0.0.1");
      await interruptible(once(server, "listening"));
      const { port } = server.address() as { port: number };
      expect((await interruptible(ask(port, "/", { method: "POST", body: big }))).status).toBe(413);
      await tasks.whenIdle();
      await tasks[Symbol.asyncDispose]();
    });
  });

  it("of Fastify cut off a client that sends too slowly, and that never becomes a task", async () => {
    await run(async () => {
      const app = fastify({ requestTimeout: 100, http: { connectionsCheckingInterval: 20 } });
      await app.register(brio);
      app.get("/", () => "never");
      await app.listen({ port: 0, host: "127.0.0.1" });
      const { port } = app.server.address() as { port: number };
      const slow = await interruptible(RawClient.connect(port));
      slow.send("GET / HTTP/1.1\r\nHost: localhost\r\n");
      expect(await interruptible(slow.end())).toMatch(/^HTTP\/1\.1 408 /);
      expect(app.brio.statistics().requests).toBe(0);
      await app.close();
    });
  });
});
