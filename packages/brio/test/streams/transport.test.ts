import { once } from "node:events";
import type { Socket } from "node:net";
import { ContextVar, Event, getRunningLoop, interruptible } from "brio";
import { createConnection, createServer, type Protocol, type Transport } from "brio/streams";
import { describe, expect, it } from "vitest";
import { errorOf } from "../compose/trace.ts";
import { leavesNothing } from "../left-behind.ts";
import { events, letters, type Note, nodeClient, nodeServer, textOf } from "./loopback.ts";

leavesNothing();

/** Notes all that it is told. */
class Noting implements Protocol {
  readonly lost = new Event();
  readonly made = new Event();
  transport!: Transport; // set when the connection stands
  private readonly note: Note;

  constructor(note: Note) {
    this.note = note;
  }

  connectionMade(transport: Transport): void {
    this.transport = transport;
    this.note("made");
    this.made.set();
  }

  dataReceived(data: Buffer): void {
    this.note(`data ${data}`);
  }

  eofReceived(): boolean {
    this.note("eof");
    return false;
  }

  pauseWriting(): void {
    this.note("pause");
  }

  resumeWriting(): void {
    this.note("resume");
  }

  connectionLost(error: Error | null): void {
    this.note(`lost ${(error as NodeJS.ErrnoException | null)?.code ?? error?.message ?? "in order"}`);
    this.lost.set();
  }
}

/** A connection to a socket of Node's own, which reads nothing until it is told to. */
async function toNode<P extends Protocol>(make: () => P): Promise<[Transport, P, Socket]> {
  const accepted = getRunningLoop().createFuture<Socket>();
  const port = await nodeServer((socket) => accepted.setResult(socket));
  const [transport, protocol] = await createConnection(make, "127.0.0.1", port);
  return [transport, protocol, await accepted];
}

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

describe("writing", () => {
  it("sends what was written before it was closed, in order", async () => {
    await events(async (note) => {
      const [transport, , peer] = await toNode(() => new Noting(note));
      const big = letters(1_000_000);
      transport.write("a");
      transport.writeLines([Buffer.from("b"), "c", new Uint8Array([100])]);
      transport.write(big);
      transport.close();
      transport.close(); // twice is fine
      transport.write("dropped");
      expect(await textOf(peer)).toBe(`abcd${big}`);
    });
  });

  it("drops what was not sent when it is aborted", async () => {
    const noted = await events(async (note) => {
      const [transport, protocol, peer] = await toNode(() => new Noting(note));
      transport.write(letters(10_000_000));
      transport.abort();
      await protocol.lost.wait();
      expect((await textOf(peer)).length).toBeLessThan(10_000_000);
    });
    expect(noted).toEqual(["made", "pause", "lost in order"]);
  });

  it("refuses what is neither bytes nor text", async () => {
    await events(async (note) => {
      const [transport] = await toNode(() => new Noting(note));
      for (const data of [1, null, undefined, ["a"], {}]) {
        expect(() => transport.write(data as never)).toThrow(TypeError); // wrong on purpose
      }
      transport.close();
    });
  });

  it("after writeEof is an error, and the other side may still send", async () => {
    const noted = await events(async (note) => {
      const [transport, protocol, peer] = await toNode(() => new Noting(note));
      expect(transport.canWriteEof()).toBe(true);
      transport.write("hello");
      transport.writeEof();
      transport.writeEof(); // twice is fine
      expect(() => transport.write("more")).toThrow("write() after writeEof()");
      note(await textOf(peer));
      peer.end("goodbye");
      await protocol.lost.wait();
    });
    expect(noted).toEqual(["made", "hello", "data goodbye", "eof", "lost in order"]);
  });
});

describe("the water marks", () => {
  it("are 64 KiB and a quarter of that, and follow each other", async () => {
    await events(async (note) => {
      const [transport] = await toNode(() => new Noting(note));
      expect(transport.getWriteBufferLimits()).toEqual([16_384, 65_536]);
      transport.setWriteBufferLimits({ high: 100 });
      expect(transport.getWriteBufferLimits()).toEqual([25, 100]);
      transport.setWriteBufferLimits({ low: 20 });
      expect(transport.getWriteBufferLimits()).toEqual([20, 80]);
      transport.setWriteBufferLimits({ high: 0 });
      expect(transport.getWriteBufferLimits()).toEqual([0, 0]);
      transport.setWriteBufferLimits();
      expect(transport.getWriteBufferLimits()).toEqual([16_384, 65_536]);
      for (const limits of [{ high: 10, low: 11 }, { high: -1 }, { low: -1 }, { high: Number.NaN }]) {
        expect(() => transport.setWriteBufferLimits(limits)).toThrow(RangeError);
      }
      expect(transport.getWriteBufferLimits()).toEqual([16_384, 65_536]);
      transport.close();
    });
  });

  it("have writing paused once above, and resumed once below", async () => {
    const noted = await events(async (note) => {
      const resumed = new Event();
      class Paused extends Noting {
        override resumeWriting(): void {
          super.resumeWriting();
          note(`${this.transport.getWriteBufferSize() <= 16_384}`);
          resumed.set();
        }
      }
      const [transport, , peer] = await toNode(() => new Paused(note));
      while (transport.getWriteBufferSize() <= 65_536) transport.write(letters(100_000));
      transport.write(letters(100_000));
      note("written");
      peer.resume();
      await resumed.wait();
      transport.close();
    });
    expect(noted.slice(0, 5)).toEqual(["made", "pause", "written", "resume", "true"]);
  });

  it("have writing paused only if more than the high one waits", async () => {
    const noted = await events(async (note) => {
      const [transport] = await toNode(() => new Noting(note));
      while (transport.getWriteBufferSize() === 0) transport.write(letters(50_000));
      const size = transport.getWriteBufferSize();
      transport.setWriteBufferLimits({ high: size });
      note("at the mark");
      transport.setWriteBufferLimits({ high: size - 1 });
      transport.abort();
    });
    expect(noted.slice(0, 3)).toEqual(["made", "at the mark", "pause"]);
  });

  it("work as well where Node itself would not pause yet", async () => {
    const noted = await events(async (note) => {
      const resumed = new Event();
      const [transport, , peer] = await toNode(() =>
        Object.assign(new Noting(note), { resumeWriting: () => resumed.set() }),
      );
      // Fill what the system takes by pieces so small that Node's own mark is not reached.
      while (transport.getWriteBufferSize() === 0) transport.write(letters(1000));
      transport.setWriteBufferLimits({ high: 100, low: 50 });
      peer.resume();
      await resumed.wait();
      note("resumed");
      transport.close();
    });
    expect(noted).toEqual(["made", "pause", "resumed", "lost in order"].slice(0, noted.length));
    expect(noted).toContain("resumed");
  });

  it("have writing resumed also when nothing will be written any more", async () => {
    for (const end of ["writeEof", "close"] as const) {
      const noted = await events(async (note) => {
        const resumed = new Event();
        const [transport, , peer] = await toNode(() =>
          Object.assign(new Noting(note), { resumeWriting: () => resumed.set() }),
        );
        transport.write(letters(10_000_000));
        transport[end]();
        peer.resume();
        await resumed.wait();
        note("resumed");
        transport.close();
      });
      expect(noted.slice(0, 3), end).toEqual(["made", "pause", "resumed"]);
    }
  });

  it("leave out of account what several pieces sent as one need for a moment", async () => {
    const noted = await events(async (note) => {
      const [transport, , peer] = await toNode(() => new Noting(note));
      peer.resume();
      transport.writeLines(Array.from({ length: 20 }, () => letters(5000)));
      note(`${transport.getWriteBufferSize()} left`);
      transport.close();
    });
    expect(noted.slice(0, 2)).toEqual(["made", "0 left"]);
  });
});

describe("reading", () => {
  it("can be paused and resumed, each twice as well as once", async () => {
    const noted = await events(async (note) => {
      const done = new Event();
      class Counting extends Noting {
        size = 0;
        override dataReceived(data: Buffer): void {
          this.size += data.length;
          if (this.size === 10_000_000) done.set();
        }
      }
      const [transport, protocol, peer] = await toNode(() => new Counting(note));
      transport.pauseReading();
      transport.pauseReading();
      note(`reading: ${transport.isReading()}`);
      peer.write(letters(10_000_000));
      // What the system and Node hold meanwhile is less than all: the sender has to wait.
      await interruptible(new Promise((resolve) => setImmediate(resolve)));
      expect(protocol.size).toBe(0);
      expect(peer.writableLength).toBeGreaterThan(0);
      transport.resumeReading();
      transport.resumeReading();
      note(`reading: ${transport.isReading()}`);
      await done.wait();
      transport.close();
      note(`reading: ${transport.isReading()}`);
      transport.pauseReading(); // nothing to pause any more
      transport.resumeReading();
    });
    expect(noted.slice(0, 4)).toEqual(["made", "reading: false", "reading: true", "reading: false"]);
  });

  it("that is paused as the connection is made begins when it is resumed", async () => {
    const noted = await events(async (note) => {
      class Late extends Noting {
        override connectionMade(transport: Transport): void {
          super.connectionMade(transport);
          transport.pauseReading();
        }
      }
      const [transport, protocol, peer] = await toNode(() => new Late(note));
      peer.end("hello");
      await once(peer, "finish");
      note("sent");
      transport.resumeReading();
      await protocol.lost.wait();
    });
    expect(noted).toEqual(["made", "sent", "data hello", "eof", "lost in order"]);
  });
});

describe("what a transport tells of itself", () => {
  it("are both addresses and Node's socket", async () => {
    await events(async () => {
      const made = getRunningLoop().createFuture<Transport>();
      const protocol: Protocol = { connectionMade: (transport) => made.setResult(transport) };
      await using server = await createServer(() => protocol, "127.0.0.1", 0);
      const [client] = await createConnection((): Protocol => ({}), "127.0.0.1", server.port);
      const accepted = await made;
      expect(client.getExtraInfo("peername")).toEqual({
        address: "127.0.0.1",
        port: server.port,
        family: "IPv4",
      });
      expect(client.getExtraInfo("peername")).toEqual(accepted.getExtraInfo("sockname"));
      expect(client.getExtraInfo("sockname")).toEqual(accepted.getExtraInfo("peername"));
      expect(client.getExtraInfo("socket")?.remotePort).toBe(server.port);
      expect(client.getExtraInfo("cipher")).toBeUndefined();
      expect(() => client.getExtraInfo("color" as never)).toThrow('there is no extra info "color"'); // wrong on purpose
      expect(String(client)).toBe("<Transport open>");
      client.pauseReading();
      expect(String(client)).toBe("<Transport open, reading paused>");
      client.close();
      expect(String(client)).toBe("<Transport closing, reading paused>");
    });
  });
});
