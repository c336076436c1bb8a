import { ContextVar, createTask, Event, type EventLoop, getRunningLoop, run, sleep } from "brio";
import {
  createDatagramEndpoint,
  type DatagramProtocol,
  type DatagramTransport,
  type SocketAddress,
} from "brio/streams";
import { describe, expect, it } from "vitest";
import { ending, leavesNothing, until } from "./datagrams.ts";

/** Notes all that it is told. */
class Noting implements DatagramProtocol {
  readonly events: string[] = [];
  readonly lost = new Event();
  transport: DatagramTransport | null = null;

  connectionMade(transport: DatagramTransport): void {
    this.transport = transport;
    this.events.push("made");
  }

  datagramReceived(data: Buffer, address: SocketAddress): void {
    this.events.push(`got ${data} from ${address.address}`);
  }

  errorReceived(error: Error): void {
    this.events.push(`error ${(error as NodeJS.ErrnoException).code}`);
  }

  connectionLost(error: Error | null): void {
    this.events.push(`lost ${error}`);
    this.lost.set();
  }

  pauseWriting(): void {
    this.events.push("pause");
  }

  resumeWriting(): void {
    this.events.push("resume");
  }
}

const open = (options = {}) =>
  createDatagramEndpoint(() => new Noting(), { localAddress: "127.0.0.1", ...options });

async function close(...protocols: Noting[]): Promise<void> {
  for (const { transport, lost } of protocols) {
    transport?.close();
    await lost.wait();
  }
}

describe("a datagram endpoint", () => {
  it("tells its protocol of the beginning, the datagrams and the end", async () => {
    await leavesNothing(async () => {
      const [server, serving] = await open();
      const [client, asking] = await open({
        remoteAddress: "127.0.0.1",
        remotePort: server.getExtraInfo("sockname")?.port,
      });
      expect(serving.transport).toBe(server);
      client.sendTo("xxx");
      await until(() => serving.events.length === 2);
      server.sendTo("yyy", client.getExtraInfo("sockname"));
      await until(() => asking.events.length === 2);
      await close(asking, serving);
      expect(serving.events).toEqual(["made", "got xxx from 127.0.0.1", "lost null"]);
      expect(asking.events).toEqual(["made", "got yyy from 127.0.0.1", "lost null"]);
    });
  });

  it("knows both addresses", async () => {
    await leavesNothing(async () => {
      const [server, serving] = await open();
      const [client, asking] = await open({
        remoteAddress: "127.0.0.1",
        remotePort: server.getExtraInfo("sockname")?.port,
      });
      expect(client.getExtraInfo("peername")).toEqual(server.getExtraInfo("sockname"));
      expect(server.getExtraInfo("peername")).toBeUndefined();
      expect(() => server.getExtraInfo("nothing" as never)).toThrow(/there are sockname, peername, socket$/);
      await close(asking, serving);
    });
  });

  it("tells the protocol of what could not be sent, and stays open", async () => {
    await leavesNothing(async () => {
      const [transport, protocol] = await open();
      transport.sendTo(Buffer.alloc(70_000), { address: "127.0.0.1", port: 9 });
      await until(() => protocol.events.includes("error EMSGSIZE"));
      expect(transport.isClosing()).toBe(false);
      await close(protocol);
    });
  });

  it("tells the protocol that nobody listens", async () => {
    await leavesNothing(async () => {
      const [server, serving] = await open();
      const remotePort = server.getExtraInfo("sockname")?.port;
      await close(serving);
      const [client, asking] = await open({ remoteAddress: "127.0.0.1", remotePort });
      client.sendTo("x");
      await until(() => asking.events.includes("error ECONNREFUSED"));
      await close(asking);
    });
  });

  it("asks the protocol to pause when much waits to be sent, and to go on when little is left", async () => {
    await leavesNothing(async () => {
      const [transport, protocol] = await open();
      const target = { address: "127.0.0.1", port: 9 };
      transport.setWriteBufferLimits({ high: 100, low: 20 });
      expect(transport.getWriteBufferLimits()).toEqual([20, 100]);
      transport.sendTo("x".repeat(92), target); // 100 with its header: not more than the mark
      expect([transport.getWriteBufferSize(), protocol.events]).toEqual([100, ["made"]]);
      transport.sendTo("", target);
      expect([transport.getWriteBufferSize(), protocol.events]).toEqual([108, ["made", "pause"]]);
      await until(() => protocol.events.includes("resume"));
      expect(transport.getWriteBufferSize()).toBe(0);
      expect(() => transport.setWriteBufferLimits({ high: 1, low: 2 })).toThrow(/high >= low >= 0/);
      await close(protocol);
    });
  });

  it("sends what was handed over before it closes; what comes after is dropped", async () => {
    await leavesNothing(async () => {
      const [server, serving] = await open();
      const [client, asking] = await open();
      const target = server.getExtraInfo("sockname");
      client.sendTo("a", target);
      client.sendTo("", target);
      client.close();
      client.sendTo("too late", target);
      await asking.lost.wait();
      await until(() => serving.events.length === 3);
      expect(serving.events).toEqual(["made", "got a from 127.0.0.1", "got  from 127.0.0.1"]);
      await close(serving);
    });
  });

  it("takes bytes in whatever view they are shown, in the order in which they are handed over", async () => {
    await leavesNothing(async () => {
      const [server, serving] = await open();
      const [client, asking] = await open();
      const target = server.getExtraInfo("sockname");
      const bytes = new TextEncoder().encode("-parts-");
      client.sendTo(bytes.subarray(1, 6), target);
      client.sendTo(new Uint8Array(bytes.buffer, 1, 4), target);
      client.sendTo(Buffer.from(bytes).subarray(1, 3), target);
      client.sendTo("text", target);
      await until(() => serving.events.length === 5);
      expect(serving.events.slice(1).map((event) => event.split(" ")[1])).toEqual([
        "parts",
        "part",
        "pa",
        "text",
      ]);
      await close(asking, serving);
    });
  });

  it("refuses an address that is not the connected one, and none where one is needed", async () => {
    await leavesNothing(async () => {
      const [server, serving] = await open();
      const [client, asking] = await open({
        remoteAddress: "127.0.0.1",
        remotePort: server.getExtraInfo("sockname")?.port,
      });
      expect(() => client.sendTo("x", { address: "127.0.0.1", port: 1 })).toThrow(RangeError);
      expect(() => server.sendTo("x")).toThrow(/sendTo\(\) needs an address/);
      expect(() => server.sendTo("x", { address: "localhost", port: 9 })).toThrow(/getaddrinfo/);
      expect(() => server.sendTo(null as never, { address: "127.0.0.1", port: 9 })).toThrow(/^data must be/);
      client.sendTo("x", server.getExtraInfo("sockname"));
      await until(() => serving.events.length === 2);
      await close(asking, serving);
    });
  });

  it("has another protocol told from now on", async () => {
    await leavesNothing(async () => {
      const [transport, first] = await open();
      const second = new Noting();
      transport.setProtocol(second);
      expect(transport.getProtocol()).toBe(second);
      transport.sendTo("x", transport.getExtraInfo("sockname"));
      await until(() => second.events.length === 1);
      transport.abort();
      await second.lost.wait();
      expect([first.events, second.events]).toEqual([["made"], ["got x from 127.0.0.1", "lost null"]]);
    });
  });

  it("is closed when its protocol throws, which is reported", async () => {
    await leavesNothing(async () => {
      const reports: string[] = [];
      getRunningLoop().setExceptionHandler((_loop, { message, exception }) =>
        reports.push(`${message}: ${(exception as Error).message}`),
      );
      const lost = new Event();
      const [transport] = await createDatagramEndpoint(
        () => ({
          datagramReceived: () => {
            throw new Error("can't read this");
          },
          connectionLost: () => lost.set(),
        }),
        { localAddress: "127.0.0.1" },
      );
      transport.sendTo("x", transport.getExtraInfo("sockname"));
      await lost.wait();
      expect(reports).toEqual(["protocol.datagramReceived() failed: the socket is closed: can't read this"]);
    });
  });

  it("is closed as well when an async method of its protocol fails", async () => {
    await leavesNothing(async () => {
      const reports: string[] = [];
      getRunningLoop().setExceptionHandler((_loop, { message, exception }) =>
        reports.push(`${message}: ${(exception as Error).message}`),
      );
      const lost = new Event();
      const [transport] = await createDatagramEndpoint(
        () => ({
          datagramReceived: () => Promise.reject(new Error("can't read this")),
          connectionLost: () => lost.set(),
        }),
        { localAddress: "127.0.0.1" },
      );
      transport.sendTo("x", transport.getExtraInfo("sockname"));
      await lost.wait();
      expect(reports).toEqual(["protocol.datagramReceived() failed: the socket is closed: can't read this"]);
    });
  });

  it("is not opened when its factory throws", async () => {
    await leavesNothing(async () => {
      for (const remote of [{}, { remoteAddress: "127.0.0.1", remotePort: 9 }]) {
        const opening = createDatagramEndpoint(() => {
          throw new Error("no protocol today");
        }, remote);
        await expect(opening).rejects.toThrow("no protocol today");
      }
      await expect(createDatagramEndpoint(new Noting() as never)).rejects.toThrow(/takes a function/);
    });
  });

  it("tells the protocol in the context of where it was asked for, and outside of any task", async () => {
    await leavesNothing(async () => {
      const user = new ContextVar("user", { default: "nobody" });
      const seen: string[] = [];
      const got = new Event();
      user.set("ada");
      const opening = createDatagramEndpoint(
        () => ({
          datagramReceived: () => {
            seen.push(user.get());
            got.set();
          },
        }),
        { localAddress: "127.0.0.1" },
      );
      user.set("grace");
      const [transport] = await opening;
      transport.sendTo("x", transport.getExtraInfo("sockname"));
      await got.wait();
      transport.close();
      expect(seen).toEqual(["ada"]);
    });
  });

  it("leaves no socket when it is cancelled while it is opened", async () => {
    await leavesNothing(async () => {
      const opening = createTask(() => open({ remoteAddress: "127.0.0.1", remotePort: 9 }));
      await sleep(0);
      opening.cancel();
      expect(await ending(opening)).toBe("CancelledError");
    });
  });

  it("ends with the loop", async () => {
    const transport = await leavesNothing(async () => (await open())[0]);
    expect(transport.isClosing()).toBe(true);
  });

  it("can't be opened at a port that is taken, or of a family that the address is not of", async () => {
    await leavesNothing(async () => {
      const [transport, protocol] = await open();
      expect(await ending(open({ localPort: transport.getExtraInfo("sockname")?.port }))).toBe("EADDRINUSE");
      expect(await ending(open({ family: 6 }))).toBe("ENOTFOUND");
      await close(protocol);
    });
  });

  it("may have neither address, and sends broadcast only if it is allowed to", async () => {
    await leavesNothing(async (_loop: EventLoop) => {
      const everybody = { address: "127.255.255.255", port: 9 };
      for (const [broadcast, events] of [
        [false, ["made", "error EACCES", "lost null"]],
        [true, ["made", "lost null"]],
      ] as const) {
        const [transport, protocol] = await createDatagramEndpoint(() => new Noting(), { broadcast });
        expect(transport.getExtraInfo("sockname")).toMatchObject({ address: "0.0.0.0", family: 4 });
        transport.sendTo("x", everybody);
        await until(() => transport.getWriteBufferSize() === 0);
        await close(protocol);
        expect(protocol.events).toEqual(events);
      }
    });
  });

  it("needs a loop", async () => {
    await expect(createDatagramEndpoint(() => new Noting())).rejects.toThrow(/needs a running event loop/);
    await run(async () => {});
  });
});
