import { createTask, run, sleep, taskGroup } from "brio";
import { openDatagram } from "brio/streams";
import { describe, expect, it } from "vitest";
import { ending, leavesNothing, local, text, two, until } from "./datagrams.ts";
import { sharesPorts } from "./loopback.ts";

describe("a datagram", () => {
  it("comes whole, with the address to answer to", async () => {
    await leavesNothing(() =>
      two(async (left, right) => {
        await left.send("ping", right.localAddress);
        const { data, address } = await right.receive();
        expect([data.toString(), address]).toEqual(["ping", left.localAddress]);
        await right.send(Buffer.from("pong"), address);
        expect(await text(left)).toBe("pong");
      }),
    );
  });

  it("may be empty", async () => {
    await leavesNothing(() =>
      two(async (left, right) => {
        await left.send("", right.localAddress);
        await left.send(new Uint8Array(0), right.localAddress);
        await left.send("end", right.localAddress);
        expect([await text(right), await text(right), await text(right)]).toEqual(["", "", "end"]);
      }),
    );
  });

  it("may be as large as UDP allows, and no larger: the sender is told", async () => {
    await leavesNothing(() =>
      two(async (left, right) => {
        expect(await ending(left.send(Buffer.alloc(65_508), right.localAddress))).toBe("EMSGSIZE");
        await left.send(Buffer.alloc(65_507, "x"), right.localAddress);
        const { data } = await right.receive();
        expect([data.length, data.every((byte) => byte === 120)]).toEqual([65_507, true]);
        expect(left.statistics()).toMatchObject({ sent: 1, sending: 0, errors: 0 });
      }),
    );
  });

  it("finds its way to a name", async () => {
    await leavesNothing(() =>
      two(async (left, right) => {
        await left.send("by name", { address: "localhost", port: right.port });
        expect(await text(right)).toBe("by name");
      }),
    );
  });

  it("goes over IPv6", async () => {
    await leavesNothing(async () => {
      await using left = await openDatagram({ localAddress: "::1" });
      await using right = await openDatagram({ localAddress: "::1" });
      await left.send("six", right.localAddress);
      expect((await right.receive()).address).toEqual({ address: "::1", family: 6, port: left.port });
    });
  });
});

describe("receivers", () => {
  it("are served in the order in which they came", async () => {
    await leavesNothing(() =>
      two(async (left, right) => {
        const got: string[] = [];
        await taskGroup(async (group) => {
          for (const name of ["first", "second", "third"]) {
            group.createTask(async () => void got.push(`${name}: ${await text(right)}`));
          }
          await until(() => right.statistics().receiving === 3);
          for (const word of ["a", "b", "c"]) await left.send(word, right.localAddress);
        });
        expect(got).toEqual(["first: a", "second: b", "third: c"]);
      }),
    );
  });

  it("that come while others wait don't overtake them", async () => {
    await leavesNothing(() =>
      two(async (left, right) => {
        const got: string[] = [];
        const receive = (name: string) => async () => void got.push(`${name}: ${await text(right)}`);
        const early = createTask(receive("early"));
        await until(() => right.statistics().receiving === 1);
        await left.send("1", right.localAddress);
        await left.send("2", right.localAddress);
        await until(() => right.statistics().received === 2);
        await Promise.all([early, createTask(receive("late"))]);
        expect(got).toEqual(["early: 1", "late: 2"]);
      }),
    );
  });

  it("get everything in a loop, until the socket is closed", async () => {
    await leavesNothing(() =>
      two(async (left, right) => {
        const got: string[] = [];
        const loop = createTask(async () => {
          for await (const { data } of right) got.push(data.toString());
          got.push("end of the loop");
        });
        await left.send("a", right.localAddress);
        await left.send("b", right.localAddress);
        await until(() => got.length === 2);
        right.close();
        await loop;
        expect(got).toEqual(["a", "b", "end of the loop"]);
      }),
    );
  });

  it("may leave the loop, and come back", async () => {
    await leavesNothing(() =>
      two(async (left, right) => {
        for (const word of ["a", "b"]) await left.send(word, right.localAddress);
        for await (const { data } of right) {
          expect(data.toString()).toBe("a");
          break;
        }
        expect(await text(right)).toBe("b");
      }),
    );
  });
});

describe("the receive queue", () => {
  it("keeps queueSize datagrams, drops what comes then, and counts it", async () => {
    await leavesNothing(() =>
      two(
        async (left, right) => {
          for (let i = 0; i < 10; i++) await left.send(String(i), right.localAddress);
          await until(() => right.statistics().received + right.statistics().dropped === 10);
          expect(right.statistics()).toMatchObject({ received: 3, dropped: 7, queued: 3 });
          expect([await text(right), await text(right), await text(right)]).toEqual(["0", "1", "2"]);
          await left.send("there is room again", right.localAddress);
          expect(await text(right)).toBe("there is room again");
          expect(right.statistics()).toMatchObject({ received: 4, dropped: 7, queued: 0 });
        },
        { queueSize: 3 },
      ),
    );
  });

  it("must have room for one", async () => {
    await run(async () => {
      for (const queueSize of [0, -1, 1.5, Number.NaN]) {
        await expect(local({ queueSize })).rejects.toThrow(/queueSize must be a whole number/);
      }
    });
  });
});

describe("a connected socket", () => {
  it("sends without an address, and only hears the other side", async () => {
    await leavesNothing(async () => {
      await using server = await local();
      await using client = await openDatagram({
        remoteAddress: "127.0.0.1",
        remotePort: server.port,
        localAddress: "127.0.0.1",
      });
      await using stranger = await local();
      expect(client.remoteAddress).toEqual(server.localAddress);
      await stranger.send("nonsense", client.localAddress);
      await client.send("hello");
      await server.send("answer", (await server.receive()).address);
      expect(await text(client)).toBe("answer");
      await client.send("with its address", server.localAddress);
      expect(await text(server)).toBe("with its address");
      await expect(client.send("x", stranger.localAddress)).rejects.toThrow(/connected to 127.0.0.1/);
    });
  });

  it("tells a receiver that nobody listens, and works on", async () => {
    await leavesNothing(async () => {
      const server = await local();
      await using client = await openDatagram({ remoteAddress: "127.0.0.1", remotePort: server.port });
      await using _ = server;
      const { port } = server;
      server.close();
      await server.waitClosed();
      const receiving = createTask(() => client.receive());
      await until(() => client.statistics().receiving === 1);
      await client.send("anybody there?");
      expect(await ending(receiving)).toBe("ECONNREFUSED");
      expect(client.statistics()).toMatchObject({ errors: 1, queued: 0 });
      await using again = await local({ localPort: port });
      await client.send("and now?");
      expect(await text(again)).toBe("and now?");
    });
  });

  it("keeps an error until somebody receives, in its place among the datagrams", async () => {
    await leavesNothing(async () => {
      const server = await local();
      await using client = await openDatagram({ remoteAddress: "127.0.0.1", remotePort: server.port });
      await client.send("hello");
      await server.send("before", (await server.receive()).address);
      await until(() => client.statistics().received === 1);
      server.close();
      await server.waitClosed();
      await client.send("lost");
      await until(() => client.statistics().errors === 1);
      expect(await text(client)).toBe("before");
      expect(await ending(client.receive())).toBe("ECONNREFUSED");
    });
  });
});

describe("sending more than the system takes", () => {
  it("stands in line, and keeps the order", async () => {
    await leavesNothing(() =>
      two(async (left, right) => {
        const large = (i: number): Buffer => Buffer.alloc(40_000, i);
        const got = createTask(async () => {
          const bytes: number[] = [];
          while (bytes.length < 5) bytes.push((await right.receive()).data[0] as number); // none is empty
          return bytes;
        });
        const sends = [0, 1, 2, 3, 4].map((i) => createTask(() => left.send(large(i), right.localAddress)));
        await sleep(0);
        expect(left.statistics()).toMatchObject({ sent: 0, sending: 5 });
        await Promise.all(sends);
        expect(await got).toEqual([0, 1, 2, 3, 4]);
        expect(left.statistics()).toMatchObject({ sent: 5, sending: 0 });
      }),
    );
  });
});

describe("a port for several", () => {
  it("is shared by sockets that all ask for it, or refused where Node does not know of that", async () => {
    await leavesNothing(async () => {
      if (!sharesPorts) {
        await expect(local({ reusePort: true })).rejects.toThrow(/^reusePort needs Node 22\.12/);
        return;
      }
      await using one = await local({ reusePort: true });
      await using other = await local({ reusePort: true, localPort: one.port });
      expect(other.port).toBe(one.port);
    });
  });
});
