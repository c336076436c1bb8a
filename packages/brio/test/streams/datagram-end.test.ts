import { CancelledError, createTask, sleep } from "brio";
import { openDatagram, SocketClosedError } from "brio/streams";
import { describe, expect, it } from "vitest";
import { ending, leavesNothing, local, nobody, text, two, until } from "./datagrams.ts";

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
