import { once } from "node:events";
import {
  CancelledError,
  ContextVar,
  createTask,
  currentTask,
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
  type StreamReader,
  type StreamWriter,
  startServer,
  type Transport,
} from "brio/streams";
import { describe, expect, it } from "vitest";
import { errorOf, outcome } from "../compose/trace.ts";
import { leavesNothing } from "../left-behind.ts";
import { events, letters, nodeClient, textOf } from "./loopback.ts";

leavesNothing();

const HOST = "127.0.0.1";

/** Gives back what comes, until that ends. */
async function echo(reader: StreamReader, writer: StreamWriter): Promise<void> {
  for await (const chunk of reader.chunks()) {
    writer.write(chunk);
    await writer.drain();
  }
}

describe("a server", () => {
  it("runs its handler in a task of its own for each connection, and closes that when it has ended", async () => {
    const noted = await events(async (note) => {
      const main = currentTask();
      const handler = async (reader: StreamReader, writer: StreamWriter): Promise<void> => {
        expect(currentTask()).not.toBe(main);
        const line = await reader.readLine();
        note(`${currentTask()?.getName()} got ${line.toString().trim()}`);
        writer.write(`hello, ${line}`);
      };
      await using server = await startServer(handler, HOST, 0);
      for (const who of ["ada", "ben"]) {
        const client = await nodeClient(server.port);
        client.write(`${who}\n`);
        note((await textOf(client)).trim());
        client.end();
      }
      expect(server.statistics()).toMatchObject({ accepted: 2, refused: 0, failedHandshakes: 0 });
    });
    expect(noted).toEqual(["connection got ada", "hello, ada", "connection got ben", "hello, ben"]);
  });

  it("serves many at once", async () => {
    await events(async () => {
      await using server = await startServer(echo, HOST, 0);
      const clients = Array.from({ length: 100 }, async (_element, number) => {
        const [reader, writer] = await openConnection(HOST, server.port);
        await using _ = writer;
        writer.write(`${number}`.repeat(10_000));
        writer.writeEof();
        expect((await reader.read()).toString()).toBe(`${number}`.repeat(10_000));
      });
      await Promise.all(clients);
      expect(server.statistics().accepted).toBe(100);
    });
  });

  it("gives its handlers the context variables of where it was started", async () => {
    const variable = new ContextVar<string>("variable", { default: "none" });
    const noted = await events(async (note) => {
      variable.set("started here");
      await using server = await startServer(() => note(variable.get()), HOST, 0);
      variable.set("changed later");
      await textOf(await nodeClient(server.port));
    });
    expect(noted).toEqual(["started here"]);
  });

  it("may be made before it listens", async () => {
    await events(async () => {
      await using server = await startServer(echo, HOST, 0, { startServing: false });
      expect([server.isServing(), server.sockets]).toEqual([false, []]);
      expect(() => server.port).toThrow("has no port");
      await server.startServing();
      await server.startServing(); // twice is fine
      expect(server.isServing()).toBe(true);
      expect(server.sockets).toEqual([{ address: HOST, port: server.port, family: "IPv4" }]);
      server.close();
      server.close();
      expect([server.isServing(), server.sockets]).toEqual([false, []]);
      await expect(server.startServing()).rejects.toThrow("is closed: start a new one");
      await expect(server.serveForever()).rejects.toThrow("is closed: start a new one");
    });
  });

  it("that is closed while it is being started does not listen", async () => {
    await events(async () => {
      const server = await startServer(echo, ["127.0.0.1", "127.0.0.2"], 0, { startServing: false });
      const starting = createTask(() => server.startServing());
      await sleep(0);
      const again = errorOf(createTask(() => server.startServing()));
      await sleep(0);
      server.close();
      expect(String(await errorOf(starting))).toMatch(/was closed before it listened/);
      expect(String(await again)).toMatch(/is being started by another task|is closed/);
      await server.waitClosed();
    });
  });

  it("listens at several hosts, and at none if one of them fails", async () => {
    await events(async () => {
      await using server = await startServer(echo, ["127.0.0.1", "127.0.0.2", "::1"], 0);
      expect(server.sockets.map((socket) => (typeof socket === "string" ? socket : socket.address))).toEqual([
        "127.0.0.1",
        "127.0.0.2",
        "::1",
      ]);
      const taken = server.port;
      const error = await errorOf(startServer(echo, ["127.0.0.3", "127.0.0.1"], taken));
      expect(error).toMatchObject({ code: "EADDRINUSE" });
      expect(await errorOf(openConnection("127.0.0.3", taken))).toMatchObject({ code: "ECONNREFUSED" });
    });
  });

  it("takes each address once, by whatever names it is given", async () => {
    await events(async () => {
      await using server = await startServer(echo, ["localhost", "127.0.0.1", "localhost"], 0);
      const addresses = server.sockets.map((socket) =>
        typeof socket === "string" ? socket : socket.address,
      );
      expect(new Set(addresses).size).toBe(addresses.length);
      expect(addresses).toContain("127.0.0.1");
    });
  });

  it.each([["", null]])("listens at all addresses of the machine when it is given %j", async (host) => {
    await events(async () => {
      await using server = await startServer((_, writer) => writer.write("welcome"), host, 0);
      expect(await textOf(await nodeClient(server.port, "127.0.0.1"))).toBe("welcome");
      expect(await textOf(await nodeClient(server.port, "::1"))).toBe("welcome");
    });
  });

  it("leaves out an address that the machine does not have, unless there is no other", async () => {
    await events(async () => {
      await using server = await startServer(echo, ["192.0.2.1", HOST], 0);
      expect(server.sockets).toHaveLength(1);
      expect(await errorOf(startServer(echo, "192.0.2.1", 0))).toMatchObject({ code: "EADDRNOTAVAIL" });
    });
  });

  it("listens nowhere if there is no such name", async () => {
    await events(async () => {
      const error = await errorOf(startServer(echo, [HOST, "no-such-name.invalid"], 0));
      expect(error).toMatchObject({ code: expect.stringMatching(/^(ENOTFOUND|EAI_AGAIN)$/) });
    });
  });

  it("knows its loop", async () => {
    await events(async () => {
      await using server = await startServer(echo, HOST, 0);
      expect(server.getLoop()).toBe(getRunningLoop());
    });
  });

  it("says which port is in use, and reports nothing else", async () => {
    const noted = await events(async (note) => {
      await using first = await startServer(echo, HOST, 0);
      const error = await errorOf(startServer(echo, HOST, first.port));
      note((error as NodeJS.ErrnoException).code ?? "");
      expect(String(error)).toContain(String(first.port));
    });
    expect(noted).toEqual(["EADDRINUSE"]);
  });

  it("may share its port, where it is told so", async () => {
    await events(async () => {
      await using first = await startServer(echo, HOST, 0, { reusePort: true });
      await using second = await startServer(echo, HOST, first.port, { reusePort: true });
      expect(second.port).toBe(first.port);
    });
  });

  it("that is cancelled while it is started listens nowhere", async () => {
    await events(async () => {
      const starting = createTask(() => startServer(echo, ["localhost", HOST], 0));
      await sleep(0);
      starting.cancel();
      expect(await outcome(starting)).toBe("CancelledError");
    });
  });

  it("takes no more connections than it is told, over all of its addresses", async () => {
    await events(async (note) => {
      await using server = await startServer(echo, ["127.0.0.1", "127.0.0.2"], 0, { maxConnections: 2 });
      const [one, two] = server.sockets as readonly { port: number }[]; // both are TCP
      const first = await nodeClient(one?.port ?? 0, "127.0.0.1");
      const second = await nodeClient(two?.port ?? 0, "127.0.0.2");
      for (const client of [first, second]) {
        client.write("x");
        await once(client, "data");
      }
      const third = await nodeClient(one?.port ?? 0, "127.0.0.1");
      note(await textOf(third));
      expect(server.statistics()).toMatchObject({ connections: 2, accepted: 2, refused: 1 });
      first.end();
      await once(first.resume(), "close");
      while (server.statistics().connections > 1) await sleep(0);
      const fourth = await nodeClient(two?.port ?? 0, "127.0.0.2");
      fourth.write("y");
      expect(String((await once(fourth, "data"))[0])).toBe("y");
    });
  });
});

describe("an error in a handler", () => {
  it("is reported, ends this connection, and the server goes on", async () => {
    const noted = await events(async (note) => {
      const handler = async (reader: StreamReader, writer: StreamWriter): Promise<void> => {
        const line = await reader.readLine();
        if (line.length === 1) throw new Error("an empty line");
        writer.write("ok");
      };
      await using server = await startServer(handler, HOST, 0);
      for (const line of ["\n", "x\n"]) {
        const client = await nodeClient(server.port);
        client.write(line);
        note(`answer "${await textOf(client)}"`);
      }
    });
    expect(noted).toEqual([
      "reported: Unhandled exception in the handler of a connection Error(an empty line)",
      'answer ""',
      'answer "ok"',
    ]);
  });

  it("is reported as well if the handler is no async function", async () => {
    const noted = await events(async (note) => {
      const handler = (): never => {
        throw new Error("at once");
      };
      await using server = await startServer(handler, HOST, 0);
      note(`answer "${await textOf(await nodeClient(server.port))}"`);
    });
    expect(noted).toEqual([
      "reported: Unhandled exception in the handler of a connection Error(at once)",
      'answer ""',
    ]);
  });

  it("is none if it was cancelled: the connection is closed", async () => {
    const noted = await events(async (note) => {
      const handler = async (): Promise<void> => {
        currentTask()?.cancel();
        await sleep(0);
      };
      await using server = await startServer(handler, HOST, 0);
      note(`answer "${await textOf(await nodeClient(server.port))}"`);
    });
    expect(noted).toEqual(['answer ""']);
  });
});

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
