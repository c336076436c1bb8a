import { once } from "node:events";
import {
  CancelledError,
  createTask,
  Event,
  getRunningLoop,
  run,
  sleep,
  sleepForever,
  timeout,
  uncancellable,
} from "brio";
import {
  createServer,
  openConnection,
  type Server,
  type StreamWriter,
  startServer,
  type Transport,
} from "brio/streams";
import { describe, expect, it } from "vitest";
import { outcome } from "../compose/trace.ts";
import { leavesNothing } from "../left-behind.ts";
import { echo, events, HOST, letters, nodeClient, textOf } from "./loopback.ts";

leavesNothing();

describe("waitClosed", () => {
  it("waits until the server is closed and its connections are gone", async () => {
    const noted = await events(async (note) => {
      const server = await startServer(echo, HOST, 0);
      const waiting = createTask(async () => {
        await server.waitClosed();
        note("closed");
      });
      await sleep(0);
      const [reader, writer] = await openConnection(HOST, server.port);
      writer.write("x");
      await reader.readExactly(1);
      server.close();
      await sleep(0);
      note(`waits: ${!waiting.done()}`);
      writer.write("y");
      note(`still served: ${await reader.readExactly(1)}`);
      writer.close();
      await writer.waitClosed();
      await waiting;
      await server.waitClosed(); // at once now
    });
    expect(noted).toEqual(["waits: true", "still served: y", "closed"]);
  });

  it("ends when the last connection ends while the server is being closed", async () => {
    await events(async () => {
      const server = await startServer(echo, HOST, 0);
      const [reader, writer] = await openConnection(HOST, server.port);
      writer.write("x");
      await reader.readExactly(1);
      createTask(() => server.close());
      createTask(() => writer.close());
      await server.waitClosed();
    });
  });

  it("is refused in a handler, which would wait for itself: there, close is enough", async () => {
    const noted = await events(async (note) => {
      const server = await startServer(
        async () => {
          note(await outcome(server.waitClosed()));
          note(await outcome(server[Symbol.asyncDispose]()));
          server.close();
        },
        HOST,
        0,
      );
      await textOf(await nodeClient(server.port));
      await server.waitClosed();
    });
    expect(noted).toEqual(["RuntimeError", "RuntimeError"]);
  });

  it("that is cancelled leaves the server as it is", async () => {
    await events(async () => {
      await using server = await startServer(echo, HOST, 0);
      expect(await outcome(timeout(1, () => server.waitClosed()))).toBe("TimeoutError");
      expect(server.isServing()).toBe(true);
    });
  });
});

describe("the clients of a server", () => {
  it("are sent what was written, and closed, by closeClients", async () => {
    await events(async () => {
      const server = await startServer(
        async (_, writer) => {
          writer.write(letters(3_000_000));
          await writer.waitClosed();
        },
        HOST,
        0,
      );
      const client = await nodeClient(server.port);
      await once(client, "readable");
      server.close();
      server.closeClients();
      expect((await textOf(client)).length).toBe(3_000_000);
      await server.waitClosed();
    });
  });

  it("that do not read are cut off by abortClients", async () => {
    await events(async () => {
      const accepted = getRunningLoop().createFuture<StreamWriter>();
      const server = await startServer(
        async (_, writer) => {
          accepted.setResult(writer);
          await writer.waitClosed();
        },
        HOST,
        0,
      );
      const [reader, clientWriter] = await openConnection(HOST, server.port, { limit: 4096 });
      const writer = await accepted;
      while (writer.transport.getWriteBufferSize() === 0) writer.write(letters(100_000));
      server.close();
      server.closeClients(); // waits for the client
      const waiting = createTask(() => server.waitClosed());
      await sleep(0);
      expect(waiting.done()).toBe(false);
      server.abortClients();
      await waiting;
      await reader.read().catch(() => {});
      await clientWriter[Symbol.asyncDispose]();
    });
  });

  it("made by protocols are counted, closed and aborted in the same way", async () => {
    await events(async () => {
      const accepted: Transport[] = [];
      const two = new Event();
      const factory = () => ({
        connectionMade(transport: Transport): void {
          if (accepted.push(transport) === 2) two.set();
        },
      });
      const server = await createServer(factory, HOST, 0);
      const clients = [await nodeClient(server.port), await nodeClient(server.port)];
      await two.wait();
      expect(server.statistics().connections).toBe(2);
      accepted[0]?.write("goodbye");
      server.close();
      server.closeClients();
      expect(await textOf(clients[0] as never)).toBe("goodbye"); // there are two
      await server.waitClosed();
      expect(server.statistics().connections).toBe(0);
    });
  });
});

describe("serveForever", () => {
  it("listens until its task is cancelled, then cancels the handlers and waits for them", async () => {
    const noted = await events(async (note) => {
      const begun = new Event();
      const handler = async (): Promise<void> => {
        begun.set();
        try {
          await sleepForever();
        } finally {
          await uncancellable(() => sleep(1));
          note("the handler has cleaned up");
        }
      };
      const server = await startServer(handler, HOST, 0, { startServing: false });
      const serving = createTask(() => server.serveForever());
      while (!server.isServing()) await sleep(0);
      await expect(createTask(() => server.serveForever())).rejects.toThrow(
        "is being served by another task already",
      );
      const client = await nodeClient(server.port);
      await begun.wait();
      serving.cancel();
      note(await outcome(serving));
      note(`serving: ${server.isServing()}, ${server.statistics().connections} connections`);
      await textOf(client);
    });
    expect(noted).toEqual(["the handler has cleaned up", "CancelledError", "serving: false, 0 connections"]);
  });

  it("ends when the server is closed and its connections have ended by themselves", async () => {
    const noted = await events(async (note) => {
      const server = await startServer(echo, HOST, 0);
      const serving = createTask(() => server.serveForever());
      const client = await nodeClient(server.port);
      client.write("x");
      await once(client, "data");
      server.close();
      await sleep(0);
      note(`done: ${serving.done()}`);
      client.end();
      await textOf(client);
      await serving;
      note("ended");
    });
    expect(noted).toEqual(["done: false", "ended"]);
  });

  it("is ended by a handler that cancels its task", async () => {
    await events(async () => {
      const server = await startServer(
        async (reader, writer) => {
          await reader.readLine();
          serving.cancel();
          writer.write("1");
        },
        HOST,
        0,
      );
      const serving = createTask(() => server.serveForever());
      const client = await nodeClient(server.port);
      client.write("stop\n");
      expect(await textOf(client)).toBe("1");
      expect(await outcome(serving)).toBe("CancelledError");
      expect(String(server)).toMatch(/^<Server at 127\.0\.0\.1:0, closed>$/);
    });
  });
});

describe("await using server", () => {
  it("cancels what runs for the connections, and leaves nothing", async () => {
    const noted = await events(async (note) => {
      const begun = new Event();
      const ends: string[] = [];
      {
        await using server = await startServer(
          async (reader) => {
            begun.set();
            ends.push(await outcome(reader.read()));
          },
          HOST,
          0,
        );
        await nodeClient(server.port);
        await begun.wait();
      }
      note(ends.join());
    });
    expect(noted).toEqual(["CancelledError(its server is closed)"]);
  });

  it("sends what a handler wrote last", async () => {
    await events(async () => {
      const client = getRunningLoop().createFuture<Awaited<ReturnType<typeof nodeClient>>>();
      const begun = new Event();
      const leaving = createTask(async () => {
        await using server = await startServer(
          async (_, writer) => {
            begun.set();
            try {
              await sleepForever();
            } finally {
              writer.write(letters(3_000_000));
            }
          },
          HOST,
          0,
        );
        client.setResult(await nodeClient(server.port));
        await begun.wait();
      });
      expect((await textOf(await client)).length).toBe(3_000_000);
      await leaving;
    });
  });
});

describe("the end of the loop", () => {
  it("closes servers and connections that were left open, and stops their handlers", async () => {
    const ends: string[] = [];
    let server: Server | undefined;
    await run(async () => {
      server = await startServer(
        async (reader) => {
          ends.push(await outcome(reader.read()));
        },
        HOST,
        0,
      );
      const [reader, writer] = await openConnection(HOST, server.port);
      writer.write(letters(10_000_000));
      void reader;
      while (server.statistics().accepted === 0) await sleep(0);
      await sleep(0);
    });
    expect(ends).toEqual([expect.stringMatching(/^CancelledError/)]);
    expect(server?.isServing()).toBe(false);
  });

  it("closes them also when main fails", async () => {
    const running = run(async () => {
      const server = await startServer(echo, HOST, 0);
      await openConnection(HOST, server.port);
      throw new Error("main fails");
    });
    await expect(running).rejects.toThrow("main fails");
  });

  it("closes them also when main is cancelled while it serves", async () => {
    const controller = new AbortController();
    const running = run(
      async () => {
        const server = await startServer(echo, HOST, 0);
        createTask(async () => {
          await openConnection(HOST, server.port);
          controller.abort();
          await sleepForever();
        });
        await server.serveForever();
      },
      { signal: controller.signal },
    );
    await expect(running).rejects.toThrow(CancelledError);
  });
});
