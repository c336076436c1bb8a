import { once } from "node:events";
import { ContextVar, Event, getRunningLoop } from "brio";
import { createConnection, createServer, type Protocol, type Transport } from "brio/streams";
import { describe, expect, it } from "vitest";
import { errorOf } from "../compose/trace.ts";
import { leavesNothing } from "../left-behind.ts";
import { events, type Note, nodeClient, nodeServer, textOf } from "./loopback.ts";
import { Noting, toNode } from "./noting-protocol.ts";

leavesNothing();

describe("a protocol", () => {
  it("is told that the connection stands, of what comes, of its end, and that it is gone, in this order", async () => {
    const noted = await events(async (note) => {
      const [, protocol, peer] = await toNode(() => new Noting(note));
      note("connected");
      peer.end("hello");
      await protocol.lost.wait();
    });
    expect(noted).toEqual(["made", "connected", "data hello", "eof", "lost in order"]);
  });

  it("need not have any method", async () => {
    const noted = await events(async () => {
      const [transport, , peer] = await toNode((): Protocol => ({}));
      transport.write("hello");
      peer.end("ignored");
      expect(await textOf(peer)).toBe("hello");
    });
    expect(noted).toEqual([]);
  });

  it("is told nothing any more once it has closed the connection, but that it is gone", async () => {
    const noted = await events(async (note) => {
      class Closing extends Noting {
        override dataReceived(data: Buffer): void {
          super.dataReceived(data);
          this.transport.close();
        }
      }
      const [, protocol, peer] = await toNode(() => new Closing(note));
      peer.write("first");
      await once(peer.resume(), "end");
      peer.end("second");
      await protocol.lost.wait();
    });
    expect(noted).toEqual(["made", "data first", "lost in order"]);
  });

  it("may keep the connection open for writing when the other side has ended", async () => {
    const noted = await events(async (note) => {
      class HalfOpen extends Noting {
        override eofReceived(): boolean {
          note("eof");
          this.transport.write("the answer");
          this.transport.writeEof();
          return true;
        }
      }
      const [transport, protocol, peer] = await toNode(() => new HalfOpen(note));
      peer.end("the question");
      expect(await textOf(peer)).toBe("the answer");
      await protocol.lost.wait(); // both sides have ended: nothing is left to be closed
      expect(transport.isClosing()).toBe(true);
    });
    expect(noted).toEqual(["made", "data the question", "eof", "lost in order"]);
  });

  it("is told what a connection was lost with", async () => {
    const noted = await events(async (note) => {
      const [, protocol, peer] = await toNode(() => new Noting(note));
      peer.resetAndDestroy();
      await protocol.lost.wait();
    });
    expect(noted).toEqual(["made", "lost ECONNRESET"]);
  });

  it("is told of the loss even if it aborts the connection as it is made", async () => {
    const noted = await events(async (note) => {
      class Refusing extends Noting {
        override connectionMade(transport: Transport): void {
          super.connectionMade(transport);
          transport.abort();
        }
      }
      const [transport, protocol] = await toNode(() => new Refusing(note));
      note(String(transport.isClosing()));
      await protocol.lost.wait();
    });
    expect(noted).toEqual(["made", "true", "lost in order"]);
  });

  it("can be replaced", async () => {
    const noted = await events(async (note) => {
      const [transport, , peer] = await toNode(() => new Noting((event) => note(`first: ${event}`)));
      const second = new Noting((event) => note(`second: ${event}`));
      transport.setProtocol(second);
      expect(transport.getProtocol()).toBe(second);
      peer.end("hello");
      await second.lost.wait();
    });
    expect(noted).toEqual(["first: made", "second: data hello", "second: eof", "second: lost in order"]);
  });

  it("runs outside of any task, with the context variables of where the connection was asked for", async () => {
    const variable = new ContextVar<string>("variable", { default: "none" });
    const noted = await events(async (note) => {
      const told = new Event();
      variable.set("asked for");
      const [, , peer] = await toNode(() => ({
        dataReceived: () => {
          note(`${variable.get()}, ${getRunningLoop().toString()}`);
          told.set();
        },
      }));
      variable.set("changed later");
      peer.end("x");
      await told.wait();
    });
    expect(noted).toEqual(["asked for, <EventLoop running>"]);
  });
});

describe("an error in a protocol", () => {
  const failing = (method: keyof Protocol, fail: () => unknown, note: Note): Noting =>
    Object.assign(new Noting(note), { [method]: fail });

  it.each(["dataReceived", "eofReceived"] as const)(
    "%s is reported, and aborts the connection",
    async (method) => {
      const noted = await events(async (note) => {
        const fail = (): never => {
          throw new Error("oops");
        };
        const [, protocol, peer] = await toNode(() => failing(method, fail, note));
        peer.end(method === "dataReceived" ? "hello" : "");
        await protocol.lost.wait();
      });
      expect(noted).toEqual([
        "made",
        `reported: protocol.${method}() failed: the connection is aborted Error(oops)`,
        "lost oops",
      ]);
    },
  );

  it("connectionMade is reported, and aborts the connection", async () => {
    const noted = await events(async (note) => {
      const fail = (): never => {
        throw new Error("oops");
      };
      const [, protocol] = await toNode(() => failing("connectionMade", fail, note));
      await protocol.lost.wait();
    });
    expect(noted).toEqual([
      "reported: protocol.connectionMade() failed: the connection is aborted Error(oops)",
      "lost oops",
    ]);
  });

  it("connectionLost is reported", async () => {
    const noted = await events(async (note) => {
      const reported = new Event();
      getRunningLoop().setExceptionHandler((_loop, { message }) => {
        note(message);
        reported.set();
      });
      const fail = (): never => {
        throw new Error("oops");
      };
      const [transport] = await toNode(() => failing("connectionLost", fail, note));
      transport.close();
      await reported.wait();
    });
    expect(noted).toEqual(["made", "protocol.connectionLost() failed: the connection is aborted"]);
  });

  it("is reported as well when the method is async", async () => {
    const noted = await events(async (note) => {
      const fail = (): Promise<never> => Promise.reject(new Error("oops"));
      const [, protocol, peer] = await toNode(() => failing("dataReceived", fail, note));
      peer.write("hello");
      await protocol.lost.wait();
    });
    expect(noted).toEqual([
      "made",
      "reported: protocol.dataReceived() failed: the connection is aborted Error(oops)",
      "lost oops",
    ]);
  });

  it("in the factory leaves no connection", async () => {
    await events(async () => {
      const closed = new Event();
      const port = await nodeServer((socket) => socket.resume().on("end", () => closed.set()));
      const factory = (): Protocol => {
        throw new Error("oops");
      };
      expect(await errorOf(createConnection(factory, "127.0.0.1", port))).toEqual(new Error("oops"));
      await closed.wait();
    });
  });

  it("in a server's factory is reported, closes this connection, and the server goes on", async () => {
    const noted = await events(async (note) => {
      let count = 0;
      const factory = (): Protocol => {
        if (++count === 1) throw new Error("oops");
        return { connectionMade: (transport) => transport.write("welcome") };
      };
      await using server = await createServer(factory, "127.0.0.1", 0);
      note(await textOf(await nodeClient(server.port)));
      const second = await nodeClient(server.port);
      note(String((await once(second, "data"))[0]));
    });
    expect(noted).toEqual([
      expect.stringMatching(/^reported: <Server .*> could not take a connection Error\(oops\)$/),
      "",
      "welcome",
    ]);
  });
});
