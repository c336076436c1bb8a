import { CancelledError, createTask, run, sleep, taskGroup } from "brio";
import { openDatagram, SocketClosedError } from "brio/streams";
import { describe, expect, it } from "vitest";
import { ending, leavesNothing, local, text, two, until } from "./datagrams.ts";

const nobody = { address: "127.0.0.1", port: 9 };

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

describe("the end of a socket", () => {
  it("wakes all who wait, with an error that says so", async () => {
    await leavesNothing(async () => {
      const socket = await local();
      const receivers = [1, 2, 3].map(() => createTask(() => socket.receive()));
      const closed = createTask(() => socket.waitClosed());
      await until(() => socket.statistics().receiving === 3);
      socket.close();
      for (const receiver of receivers) {
        await expect(receiver).rejects.toThrow(
          /^<UDP socket at 127\.0\.0\.1 port \d+, \w+> is closed: nothing more can be received/,
        );
      }
      await closed;
      expect(String(socket)).toMatch(/, lost>$/);
      await socket.waitClosed();
    });
  });

  it("lets who stands in line to send know; what was handed over is sent", async () => {
    await leavesNothing(() =>
      two(async (left, right) => {
        const large = Buffer.alloc(60_000);
        const sends = [1, 2, 3, 4].map(() => createTask(() => ending(left.send(large, right.localAddress))));
        await sleep(0);
        left.close();
        expect(await Promise.all(sends)).toEqual(["done", "done", "SocketClosedError", "SocketClosedError"]);
        await until(() => right.statistics().received === 2);
      }),
    );
  });

  it("drops what was not sent when it is aborted", async () => {
    await leavesNothing(() =>
      two(async (left, right) => {
        const sends = [1, 2, 3].map(() =>
          createTask(() => ending(left.send(Buffer.alloc(60_000), right.localAddress))),
        );
        await sleep(0);
        left.abort();
        const endings = await Promise.all(sends);
        expect(endings[2]).toBe("SocketClosedError");
        expect(left.statistics().sending).toBe(0);
      }),
    );
  });

  it("leaves what had come to be received", async () => {
    await leavesNothing(() =>
      two(async (left, right) => {
        await left.send("last words", right.localAddress);
        await until(() => right.statistics().received === 1);
        right.close();
        expect(await text(right)).toBe("last words");
        expect(await ending(right.receive())).toBe("SocketClosedError");
        await expect(right.send("x", nobody)).rejects.toBeInstanceOf(SocketClosedError);
      }),
    );
  });

  it("may be asked for twice", async () => {
    await leavesNothing(async () => {
      await using socket = await local();
      socket.close();
      socket.close();
      socket.abort();
      expect(socket.isClosing()).toBe(true);
    });
  });

  it("comes with the end of the loop at the latest", async () => {
    const socket = await leavesNothing(() => local());
    expect(socket.isClosing()).toBe(true);
  });
});

describe("cancelled", () => {
  it("receive that was granted a datagram gives it back", async () => {
    await leavesNothing(() =>
      two(async (left, right) => {
        const first = createTask(() => right.receive());
        const second = createTask(() => text(right));
        await until(() => right.statistics().receiving === 2);
        // Told in Node's own event, before the loop has run anybody.
        const node = right as unknown as { transport: { getExtraInfo(name: "socket"): NodeJS.EventEmitter } };
        node.transport.getExtraInfo("socket").once("message", () => first.cancel());
        await left.send("handed on", right.localAddress);
        await expect(first).rejects.toBeInstanceOf(CancelledError);
        expect(await second).toBe("handed on");
        expect(right.statistics()).toMatchObject({ receiving: 0, queued: 0, dropped: 0 });
      }),
    );
  });

  it("receive that waits stands in line no longer", async () => {
    await leavesNothing(() =>
      two(async (left, right) => {
        const first = createTask(() => right.receive());
        const second = createTask(() => text(right));
        await until(() => right.statistics().receiving === 2);
        first.cancel();
        expect(await ending(first)).toBe("CancelledError");
        await left.send("for the next", right.localAddress);
        expect(await second).toBe("for the next");
      }),
    );
  });

  it("send in line sends nothing, and lets the others pass", async () => {
    await leavesNothing(() =>
      two(async (left, right) => {
        const sends = [0, 1, 2, 3].map((i) =>
          createTask(() => ending(left.send(Buffer.alloc(60_000, i), right.localAddress))),
        );
        await sleep(0);
        sends[2]?.cancel();
        expect(await Promise.all(sends)).toEqual(["done", "done", "CancelledError", "done"]);
        const got = [await right.receive(), await right.receive(), await right.receive()];
        expect(got.map(({ data }) => data[0])).toEqual([0, 1, 3]);
        expect(left.statistics()).toMatchObject({ sent: 3, sending: 0 });
      }),
    );
  });

  it("send whose turn had come gives it to the next", async () => {
    await leavesNothing(() =>
      two(async (left, right) => {
        const send = (i: number) => left.send(Buffer.alloc(60_000, i), right.localAddress);
        const first = createTask(() => send(0));
        const second = createTask(async () => {
          await send(1); // the last that was in the way: the third one has its turn as soon as this has run
          third.cancel();
        });
        const third = createTask(() => send(2));
        const fourth = createTask(() => send(3));
        await sleep(0);
        await Promise.all([first, second, fourth]);
        expect(await ending(third)).toBe("CancelledError");
        const got = [await right.receive(), await right.receive(), await right.receive()];
        expect(got.map(({ data }) => data[0])).toEqual([0, 1, 3]);
      }),
    );
  });

  it("send that has handed over its datagram has sent it", async () => {
    await leavesNothing(() =>
      two(async (left, right) => {
        const send = createTask(() => left.send("gone", right.localAddress));
        await sleep(0);
        send.cancel();
        expect(await ending(send)).toBe("CancelledError");
        expect(await text(right)).toBe("gone");
      }),
    );
  });

  it("send in a scope that is cancelled already sends nothing", async () => {
    await leavesNothing(() =>
      two(async (left, right) => {
        const send = createTask(async () => {
          await sleep("1h").catch(() => {});
          await left.send("never", right.localAddress);
        });
        await sleep(0);
        send.cancel();
        expect(await ending(send)).toBe("CancelledError");
        expect(left.statistics()).toMatchObject({ sent: 0, sending: 0 });
      }),
    );
  });

  it("send to a name stops looking for it", async () => {
    await leavesNothing(() =>
      two(async (left) => {
        const send = createTask(() => left.send("x", { address: "localhost", port: 9 }));
        await sleep(0);
        send.cancel();
        expect(await ending(send)).toBe("CancelledError");
        expect(left.statistics().sent).toBe(0);
        await until(() => !process.getActiveResourcesInfo().includes("GetAddrInfoReqWrap"));
      }),
    );
  });

  it("opening leaves no socket, at whatever point", async () => {
    await leavesNothing(async () => {
      for (const remoteAddress of ["127.0.0.1", "localhost"]) {
        for (let turns = 0; turns < 6; turns++) {
          const opening = createTask(() => openDatagram({ remoteAddress, remotePort: 9 }));
          for (let turn = 0; turn < turns; turn++) await sleep(0);
          opening.cancel();
          // One that was open before gives its socket.
          await opening.then((socket) => socket[Symbol.asyncDispose]()).catch(() => {});
        }
      }
      await until(() => !process.getActiveResourcesInfo().includes("GetAddrInfoReqWrap"));
    });
  });

  it("waitClosed leaves the socket closing; the end of `await using` waits all the same", async () => {
    await leavesNothing(async () => {
      const socket = await local();
      const waiting = createTask(() => socket.waitClosed());
      await sleep(0);
      waiting.cancel();
      expect(await ending(waiting)).toBe("CancelledError");
      const using = createTask(async () => {
        await using _ = socket;
        await socket.receive();
      });
      await until(() => socket.statistics().receiving === 1);
      using.cancel();
      expect(await ending(using)).toBe("CancelledError");
      expect(String(socket)).toMatch(/, lost>$/);
    });
  });
});

describe("what can't be opened", () => {
  it("is a port that is taken", async () => {
    await leavesNothing(async () => {
      await using socket = await local();
      expect(await ending(local({ localPort: socket.port }))).toBe("EADDRINUSE");
    });
  });

  it("is an address that is not this machine's", async () => {
    await leavesNothing(async () => {
      expect(await ending(openDatagram({ localAddress: "203.0.113.1" }))).toBe("EADDRNOTAVAIL");
    });
  });

  it("is a connection that the system refuses", async () => {
    await leavesNothing(async () => {
      const everybody = { remoteAddress: "255.255.255.255", remotePort: 9 };
      expect(await ending(openDatagram(everybody))).toBe("EACCES");
    });
  });

  it("is a name that nobody knows", async () => {
    await leavesNothing(async () => {
      const code = await ending(openDatagram({ localAddress: "no-such-host.invalid" }));
      expect(["ENOTFOUND", "EAI_AGAIN"]).toContain(code);
    });
  });

  it("is a pair of addresses of different families", async () => {
    await leavesNothing(async () => {
      const options = { localAddress: "127.0.0.1", remoteAddress: "::1", remotePort: 9 };
      await expect(openDatagram(options)).rejects.toThrow(/are of different families/);
    });
  });

  it("is what the arguments say wrongly", async () => {
    await leavesNothing(async () => {
      const wrong: [object, RegExp][] = [
        [{ localPort: 65_536 }, /^localPort must be a whole number/],
        [{ localPort: "80" }, /^localPort must be a whole number/],
        [{ remoteAddress: "127.0.0.1" }, /^remoteAddress and remotePort go together/],
        [{ remotePort: 9 }, /^remoteAddress and remotePort go together/],
        [{ remoteAddress: "127.0.0.1", remotePort: -1 }, /^remotePort must be/],
        [{ family: 5 }, /^family must be 4 or 6/],
        [{ localAddress: "" }, /^host must be a name or an address/],
      ];
      for (const [options, message] of wrong) await expect(openDatagram(options)).rejects.toThrow(message);
      await expect(openDatagram(null as never)).rejects.toThrow(/takes options/);
    });
  });

  it("needs a loop", async () => {
    await expect(openDatagram()).rejects.toThrow(/openDatagram\(\) needs a running event loop/);
  });
});

describe("what can't be sent", () => {
  it("is refused before anything is sent", async () => {
    await leavesNothing(async () => {
      await using socket = await local();
      await expect(socket.send(5 as never, nobody)).rejects.toThrow(/^data must be bytes or text/);
      await expect(socket.send("x")).rejects.toThrow(/send\(\) needs an address/);
      await expect(socket.send("x", "127.0.0.1" as never)).rejects.toThrow(/send\(\) needs an address/);
      await expect(socket.send("x", { address: "127.0.0.1", port: -1 })).rejects.toThrow(/^port must be/);
      await expect(socket.send("x", { address: "::1", port: 9 })).rejects.toThrow(/^address must be an IPv4/);
      expect(socket.statistics()).toMatchObject({ sent: 0, sending: 0 });
    });
  });

  it("is broadcast, unless that is asked for", async () => {
    await leavesNothing(async () => {
      const everybody = { address: "127.255.255.255", port: 9 };
      await using plain = await local();
      expect(await ending(plain.send("x", everybody))).toBe("EACCES");
      await using broadcaster = await local({ broadcast: true });
      await broadcaster.send("x", everybody);
    });
  });

  it("has no effect outside a task", async () => {
    const socket = await leavesNothing(() => local());
    await expect(socket.receive()).rejects.toThrow(/needs a running event loop/);
    await expect(socket.send("x", nobody)).rejects.toThrow(/needs a running event loop/);
    await expect(socket.waitClosed()).rejects.toThrow(/needs a running event loop/);
  });
});

describe("a port for several", () => {
  it("is shared by sockets that all ask for it", async () => {
    await leavesNothing(async () => {
      await using one = await local({ reusePort: true });
      await using other = await local({ reusePort: true, localPort: one.port });
      expect(other.port).toBe(one.port);
    });
  });
});
