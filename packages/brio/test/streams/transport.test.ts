import { once } from "node:events";
import { Event, getRunningLoop, interruptible, sleep } from "brio";
import { createConnection, createServer, type Protocol, type Transport } from "brio/streams";
import { describe, expect, it } from "vitest";
import { leavesNothing } from "../left-behind.ts";
import { events, letters, textOf } from "./loopback.ts";
import { Noting, toNode } from "./noting-protocol.ts";

leavesNothing();

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

  it("takes bytes in whatever view they are shown, and nothing of what is empty", async () => {
    await events(async (note) => {
      const [transport, , peer] = await toNode(() => new Noting(note));
      const bytes = new TextEncoder().encode("-parts of bytes-");
      transport.write("");
      transport.write(new Uint8Array(0));
      transport.writeLines([]);
      transport.writeLines(["", Buffer.alloc(0)]);
      expect(transport.getWriteBufferSize()).toBe(0);
      transport.write(bytes.subarray(1, 6));
      transport.write(new Uint8Array(bytes.buffer, 6, 4));
      transport.write(Buffer.from(bytes).subarray(10, 15));
      transport.write(" and \u00fc");
      transport.close();
      expect(await textOf(peer)).toBe("parts of bytes and \u00fc");
    });
  });

  it("after the end is dropped, and so is all else that could be asked for", async () => {
    const noted = await events(async (note) => {
      const [transport, protocol, peer] = await toNode(() => new Noting(note));
      const use = (): void => {
        transport.write("dropped");
        transport.writeLines(["dropped", "as well"]);
        transport.pauseReading();
        transport.resumeReading();
        transport.writeEof();
        transport.close();
      };
      transport.close();
      use();
      expect(await textOf(peer)).toBe("");
      await protocol.lost.wait();
      use();
      transport.abort();
      expect([transport.getWriteBufferSize(), transport.isClosing(), transport.isReading()]).toEqual([
        0,
        true,
        false,
      ]);
      await sleep(0);
    });
    expect(noted).toEqual(["made", "lost in order"]); // each once
  });

  it("sends all that was written before writeEof says that it is all", async () => {
    await events(async (note) => {
      const [transport, protocol, peer] = await toNode(() => new Noting(note));
      transport.write(letters(10_000_000));
      transport.writeEof();
      expect(transport.getWriteBufferSize()).toBeGreaterThan(0);
      expect((await textOf(peer)).length).toBe(10_000_000);
      peer.end();
      await protocol.lost.wait();
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

  it("have writing paused also by several pieces written as one", async () => {
    const noted = await events(async (note) => {
      const [transport, protocol] = await toNode(() => new Noting(note));
      transport.writeLines(Array.from({ length: 100 }, () => letters(100_000)));
      note("written");
      transport.abort();
      await protocol.lost.wait();
    });
    expect(noted).toEqual(["made", "pause", "written", "lost in order"]);
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
