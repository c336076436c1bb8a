import { once } from "node:events";
import { ContextVar, createTask, currentTask, getRunningLoop, sleep } from "brio";
import { openConnection, type StreamReader, type StreamWriter, startServer } from "brio/streams";
import { describe, expect, it } from "vitest";
import { errorOf, outcome } from "../compose/trace.ts";
import { leavesNothing } from "../left-behind.ts";
import { echo, events, HOST, nodeClient, sharesPorts, textOf } from "./loopback.ts";

leavesNothing();

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

  it("may share its port, where it is told so and Node knows of that", async () => {
    await events(async () => {
      if (!sharesPorts) {
        const error = await errorOf(startServer(echo, HOST, 0, { reusePort: true }));
        expect(String(error)).toMatch(/reusePort needs Node 22\.12/);
        return;
      }
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
