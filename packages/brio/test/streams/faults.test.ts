import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createTask, Event, getRunningLoop, run, sleep, taskGroup, timeout } from "brio";
import { openConnection, type StreamReader, type StreamWriter, startServer } from "brio/streams";
import { describe, expect, it, onTestFinished } from "vitest";
import { errorOf, outcome } from "../compose/trace.ts";
import { leavesNothing } from "../left-behind.ts";
import { Child } from "../run/child.ts";
import { events, letters, nodeClient, nodeServer, textOf } from "./loopback.ts";

leavesNothing();

const HOST = "127.0.0.1";

/** What a peer does that the handler of a server, or a client, is to live through. */
async function toNode(): Promise<{ reader: StreamReader; writer: StreamWriter; peer: Socket }> {
  const accepted = getRunningLoop().createFuture<Socket>();
  const port = await nodeServer((socket) => accepted.setResult(socket));
  const [reader, writer] = await openConnection(HOST, port);
  return { reader, writer, peer: await accepted };
}

describe("a peer that resets the connection in mid-line", () => {
  it("fails the read that waits, with the system's error, and every later one", async () => {
    await events(async () => {
      const { reader, writer, peer } = await toNode();
      const reading = createTask(() => reader.readLine());
      peer.write("half a li");
      while (!String(reader).includes("9 bytes")) await sleep(0);
      peer.resetAndDestroy();
      expect(await errorOf(reading)).toMatchObject({ code: "ECONNRESET" });
      expect(await errorOf(reader.read(1))).toMatchObject({ code: "ECONNRESET" });
      expect(reader.exception()).toMatchObject({ code: "ECONNRESET" });
      expect(await errorOf(writer.drain())).toMatchObject({ code: "ECONNRESET" });
      expect(await errorOf(writer.waitClosed())).toMatchObject({ code: "ECONNRESET" });
      expect(writer.isClosing()).toBe(true);
      writer.write("dropped");
      await writer[Symbol.asyncDispose](); // the error was told
    });
  });

  it("ends a handler with that error, and the server goes on", async () => {
    const noted = await events(async (note) => {
      const handler = async (reader: StreamReader, writer: StreamWriter): Promise<void> => {
        writer.write("welcome");
        note(await outcome(reader.readLine()));
      };
      await using server = await startServer(handler, HOST, 0);
      const first = await nodeClient(server.port);
      first.write("half a li");
      await once(first, "data");
      first.resetAndDestroy();
      const second = await nodeClient(server.port);
      second.end("a line\n");
      note(await textOf(second));
    });
    expect(noted).toHaveLength(3);
    expect(noted).toEqual(expect.arrayContaining([expect.stringContaining("ECONNRESET"), "welcome"]));
  });

  it("is told by dispose, if nobody has been told before", async () => {
    await run(async () => {
      const { writer, peer } = await toNode();
      peer.resetAndDestroy();
      while (!writer.isClosing() || !String(writer).includes("lost")) await sleep(0);
      expect(await errorOf(writer[Symbol.asyncDispose]())).toMatchObject({ code: "ECONNRESET" });
      await writer[Symbol.asyncDispose](); // once
    });
  });

  it("fails a writer that waits for it to read", async () => {
    await run(async () => {
      const { writer, peer } = await toNode();
      writer.write(letters(10_000_000));
      const drains = [createTask(() => writer.drain()), createTask(() => writer.drain())];
      await sleep(0);
      peer.resetAndDestroy();
      for (const drain of drains) expect(await outcome(drain)).toMatch(/ECONNRESET|EPIPE/);
    });
  });
});

describe("half-close", () => {
  it("by a client: the handler reads to the end, and answers then", async () => {
    await events(async () => {
      const handler = async (reader: StreamReader, writer: StreamWriter): Promise<void> => {
        const all = await reader.read();
        expect(reader.atEof()).toBe(true);
        writer.write(`${all.length} bytes`);
      };
      await using server = await startServer(handler, HOST, 0);
      const [reader, writer] = await openConnection(HOST, server.port);
      await using _ = writer;
      expect(writer.canWriteEof()).toBe(true);
      writer.write(letters(1_000_000));
      writer.writeEof();
      expect(() => writer.write("more")).toThrow("write() after writeEof()");
      expect((await reader.read()).toString()).toBe("1000000 bytes");
    });
  });

  it("by a server: the client reads the end, and goes on writing", async () => {
    const noted = await events(async (note) => {
      const ended = new Event();
      const handler = async (reader: StreamReader, writer: StreamWriter): Promise<void> => {
        writer.write("tell me\n");
        writer.writeEof();
        note((await reader.read()).toString());
        ended.set();
      };
      await using server = await startServer(handler, HOST, 0);
      const [reader, writer] = await openConnection(HOST, server.port);
      await using _ = writer;
      note((await reader.read()).toString().trim());
      writer.write("a secret");
      writer.close();
      await ended.wait();
    });
    expect(noted).toEqual(["tell me", "a secret"]);
  });
});

describe("a reader that stops", () => {
  it("stops the writer: what both sides hold is bounded, however much is written", async () => {
    await run(async () => {
      const go = new Event();
      let read = 0;
      const handler = async (reader: StreamReader): Promise<void> => {
        await go.wait();
        for await (const chunk of reader.chunks()) read += chunk.length;
      };
      await using server = await startServer(handler, HOST, 0, { limit: 4096 });
      const [, writer] = await openConnection(HOST, server.port);
      await using _ = writer;
      let written = 0;
      const write = async (): Promise<never> => {
        for (;;) {
          writer.write(letters(10_000));
          written += 10_000;
          await writer.drain();
        }
      };
      const writing = createTask(write);
      // Stopped: no more is written in many turns of Node's loop, in which nothing but this happens.
      for (let last = -1; last !== written; ) {
        last = written;
        for (let turn = 0; turn < 50; turn++) await sleep(1);
      }
      const { transport } = writer;
      expect(transport.getWriteBufferSize()).toBeLessThanOrEqual(64 * 1024 + 10_000);
      expect(transport.getWriteBufferSize()).toBeGreaterThan(64 * 1024);
      expect(written).toBeLessThan(16 * 2 ** 20); // the rest is with the system
      expect(read).toBe(0);
      go.set();
      const before = written;
      while (written < before + 1_000_000) await sleep(0); // it goes on
      writing.cancel();
      expect(await outcome(writing)).toBe("CancelledError");
      writer.close();
      while (read < written) await sleep(0);
      expect(read).toBe(written);
    });
  });

  it("stops the writer of 1 GiB: the memory that it takes is bounded, and nothing of it is lost", async () => {
    const child = new Child(new URL("fixtures/gibibyte.ts", import.meta.url));
    const { out, code, err } = await child.ended;
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const { ahead, written, read, grown } = JSON.parse(out[0] ?? "");
    expect(read).toEqual(written);
    expect(read.size).toBe(2 ** 30);
    expect(ahead).toBeLessThan(16); // MiB: the most of it is with the system
    expect(grown).toBeLessThan(200); // MiB: both sides, and what waits to be collected
  }, 60_000);

  it("holds at most twice its limit and what Node had read", async () => {
    await run(async () => {
      const { reader, writer, peer } = await toNode();
      await using _ = writer;
      peer.write(letters(20_000_000));
      while (writer.transport.isReading()) await sleep(0);
      const size = Number(/(\d+) bytes/.exec(String(reader))?.[1]);
      expect(size).toBeGreaterThan(2 * 65_536);
      expect(size).toBeLessThanOrEqual(2 * 65_536 + 65_536);
      for (let turn = 0; turn < 20; turn++) await sleep(0);
      expect(Number(/(\d+) bytes/.exec(String(reader))?.[1])).toBe(size); // and not more
      expect((await reader.readExactly(20_000_000)).length).toBe(20_000_000);
    });
  });
});

describe("cancellation", () => {
  it("in drain leaves the connection as it is: what was written is sent", async () => {
    await run(async () => {
      const { writer, peer } = await toNode();
      writer.write(letters(5_000_000));
      const other = createTask(() => writer.drain());
      expect(await outcome(timeout("5ms", () => writer.drain()))).toBe("TimeoutError");
      writer.write("end");
      const text = textOf(peer);
      await other; // is not disturbed
      await writer.drain();
      writer.close();
      expect((await text).length).toBe(5_000_003);
    });
  });

  it("in waitClosed closes all the same", async () => {
    await run(async () => {
      const { writer, peer } = await toNode();
      writer.write(letters(5_000_000));
      writer.close();
      expect(await outcome(timeout("5ms", () => writer.waitClosed()))).toBe("TimeoutError");
      expect((await textOf(peer)).length).toBe(5_000_000);
      await writer.waitClosed();
    });
  });

  it("in a read loses nothing", async () => {
    await run(async () => {
      const { reader, writer, peer } = await toNode();
      await using _ = writer;
      peer.write("first ");
      expect(await outcome(timeout("5ms", () => reader.readLine()))).toBe("TimeoutError");
      expect(await outcome(timeout("5ms", () => reader.read()))).toBe("TimeoutError");
      peer.end("second\nthird");
      expect((await reader.readLine()).toString()).toBe("first second\n");
      expect((await reader.read()).toString()).toBe("third");
    });
  });

  it("of the handler's clients: a group that fails leaves no connection", async () => {
    await run(async () => {
      const stops = new Event();
      const ended = new Event();
      await using server = await startServer(
        async (reader) => {
          await reader.read().catch(() => {});
          if (server.statistics().connections === 1) ended.set();
        },
        HOST,
        0,
      );
      const failing = taskGroup((group) => {
        for (let i = 0; i < 10; i++) {
          group.createTask(async () => {
            const [reader, writer] = await openConnection(HOST, server.port);
            await using _ = writer;
            if (i === 9) stops.set();
            await reader.read();
          });
        }
        group.createTask(async () => {
          await stops.wait();
          throw new Error("enough");
        });
      });
      expect(await outcome(failing)).toBe("[Error(enough)]");
      while (server.statistics().connections > 0) await sleep(0);
    });
  });
});

describe("a writer", () => {
  it("that is closed lets nothing more be written, and drain says so when it is gone", async () => {
    await run(async () => {
      const { writer, peer } = await toNode();
      peer.resume();
      writer.close();
      writer.close(); // twice is fine
      expect(writer.isClosing()).toBe(true);
      await writer.drain(); // there is nothing left to be sent
      writer.write("dropped");
      expect(await outcome(writer.drain())).toMatch(/^ConnectionResetError/);
      await writer.waitClosed();
      await writer.waitClosed(); // twice is fine
      writer.write("dropped");
      expect(await outcome(writer.drain())).toMatch(/^ConnectionResetError/);
    });
  });

  it("that writes and drains without end learns that the other side has gone", async () => {
    await events(async () => {
      const { writer, peer } = await toNode();
      peer.destroy();
      const endless = async (): Promise<void> => {
        for (;;) {
          writer.write("x");
          await writer.drain();
        }
      };
      expect(await outcome(endless())).toMatch(/EPIPE|ECONNRESET/);
    });
  });

  it("lets several tasks wait until less is to be sent", async () => {
    const noted = await events(async (note) => {
      const { writer, peer } = await toNode();
      writer.write(letters(5_000_000));
      const drains = Array.from({ length: 10 }, () => createTask(() => writer.drain()));
      await sleep(0);
      note(`${drains.filter((task) => task.done()).length} done`);
      writer.close();
      const text = textOf(peer);
      for (const drain of drains) await drain;
      await text;
    });
    expect(noted).toEqual(["0 done"]);
  });

  it("that is closed with data that was not read is closed all the same", async () => {
    await events(async () => {
      const { reader, writer, peer } = await toNode();
      peer.write(letters(1_000_000));
      await reader.readExactly(1);
      writer.close();
      await writer.waitClosed();
    });
  });

  it("that is closed ends the reader, also if it waits", async () => {
    await events(async () => {
      const { reader, writer } = await toNode();
      const reading = createTask(() => reader.read(10));
      await sleep(0);
      writer.close();
      await writer.waitClosed();
      expect((await reading).length).toBe(0);
      expect(reader.atEof()).toBe(true);
      expect((await reader.read()).length).toBe(0);
    });
  });

  it("that is closed while much waits to be sent is drained when that is less", async () => {
    await run(async () => {
      const { writer, peer } = await toNode();
      writer.write(letters(5_000_000));
      writer.close();
      const draining = createTask(() => writer.drain());
      await sleep(5);
      expect(draining.done()).toBe(false);
      expect((await textOf(peer)).length).toBe(5_000_000);
      await draining;
    });
  });

  it("whose other side does not read is cut off after a while when it is disposed of", async () => {
    await run(async () => {
      const { writer } = await toNode();
      writer.write(letters(10_000_000));
      const disposing = createTask(() => writer[Symbol.asyncDispose]());
      await sleep(0);
      expect(writer.isClosing()).toBe(true);
      writer.transport.abort(); // what five seconds would come to
      await disposing;
    });
  });

  it("can't be used outside of a task, and says so", async () => {
    let kept: StreamWriter | undefined;
    await run(async () => {
      const { writer } = await toNode();
      kept = writer;
      expect(String(writer)).toBe("<StreamWriter of <Transport open>>");
    });
    await expect(kept?.drain()).rejects.toThrow("writer.drain() needs a running event loop");
    await expect(kept?.waitClosed()).rejects.toThrow("writer.waitClosed() needs a running event loop");
  });
});

/** A client that says what it is told first; nothing if it is turned away. */
function visitor(port: number): { socket: Socket; greeting: Promise<string> } {
  const socket = connect({ port, host: HOST });
  onTestFinished(() => void socket.destroy());
  const greeting = new Promise<string>((resolve) => {
    socket.once("data", (data) => resolve(data.toString()));
    socket.on("error", () => resolve(""));
    socket.once("close", () => resolve(""));
  });
  return { socket, greeting };
}

describe("a process that has no descriptor left", () => {
  it("goes on serving when it has some again", async () => {
    const child = new Child(new URL("fixtures/emfile.ts", import.meta.url), [], { descriptors: 40 });
    const port = Number(await child.line());
    const visitors = Array.from({ length: 60 }, () => visitor(port));
    const greetings = await Promise.all(visitors.map(({ greeting }) => greeting));
    expect(new Set(greetings)).toEqual(new Set(["welcome", ""])); // some were turned away
    for (const { socket } of visitors) socket.destroy();
    // It may take the server a moment to see that they are gone.
    let last = visitor(port);
    while ((await last.greeting) !== "welcome") last = visitor(port);
    last.socket.end("end\n");
    const { code, out, err } = await child.ended;
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out[out.length - 1]).toMatch(/^serving true, \d reports$/);
  });
});
