import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { createTask, Event, ExceptionGroup, run, sleep, TimeoutError, timeout } from "brio";
import {
  createConnection,
  type getaddrinfo,
  openConnection,
  openUnixConnection,
  type SocketAddress,
  startServer,
} from "brio/streams";
import { describe, expect, it } from "vitest";
import { errorOf, outcome } from "../compose/trace.ts";
import { leavesNothing } from "../left-behind.ts";
import { deafServer } from "./deaf-server.ts";
import { deadPort, events, nodeServer } from "./loopback.ts";

leavesNothing();

/** A name that has these addresses. */
function at(...places: readonly (readonly [address: string, port: number])[]): typeof getaddrinfo {
  return async () =>
    places.map(
      ([address, port]): SocketAddress => ({ address, port, family: address.includes(":") ? 6 : 4 }),
    );
}

const greet = (_: unknown, writer: { write(text: string): void }): void => writer.write("welcome");

/** Connects, reads all, and closes. */
async function visit(...where: Parameters<typeof openConnection>): Promise<string> {
  const [reader, writer] = await openConnection(...where);
  await using _ = writer;
  return (await reader.read()).toString();
}

describe("openConnection", () => {
  it("connects to an address or a name", async () => {
    await events(async () => {
      await using server = await startServer(greet, ["127.0.0.1", "::1"], 0);
      expect(await visit("127.0.0.1", server.port)).toBe("welcome");
      expect(await visit("localhost", server.port)).toBe("welcome");
    });
  });

  it("fails with the system's error where nobody listens", async () => {
    await run(async () => {
      const port = await deadPort();
      const error = await errorOf(openConnection("127.0.0.1", port));
      expect(error).toMatchObject({ code: "ECONNREFUSED", syscall: "connect", port });
    });
  });

  it("fails with the resolver's error if there is no such name", async () => {
    await run(async () => {
      expect(await errorOf(openConnection("no-such-name.invalid", 80))).toMatchObject({
        code: expect.stringMatching(/^(ENOTFOUND|EAI_AGAIN)$/),
      });
      expect(await errorOf(openConnection("no-address.test", 80, { lookup: at() }))).toMatchObject({
        code: "ENOTFOUND",
      });
    });
  });

  it("comes from the address and port that it is told", async () => {
    await events(async () => {
      const peers: string[] = [];
      const port = await nodeServer((socket) => {
        peers.push(`${socket.remoteAddress}:${socket.remotePort}`);
        socket.end();
      });
      const localPort = await deadPort();
      expect(await visit("127.0.0.1", port, { localAddress: "127.0.0.3" })).toBe("");
      expect(await visit("127.0.0.1", port, { localAddress: "127.0.0.3", localPort })).toBe("");
      expect(peers).toEqual([expect.stringMatching(/^127\.0\.0\.3:/), `127.0.0.3:${localPort}`]);
      await using server = await startServer(() => {}, "127.0.0.1", 0);
      const inUse = { localAddress: "127.0.0.1", localPort: server.port };
      expect(await errorOf(openConnection("127.0.0.1", port, inUse))).toMatchObject({ code: "EADDRINUSE" });
    });
  });

  it("takes addresses of one family only, if it is told so", async () => {
    await events(async () => {
      await using server = await startServer(greet, ["127.0.0.1", "::1"], 0);
      const [four, six] = server.sockets as readonly AddressInfo[]; // both are TCP
      const seen: unknown[] = [];
      const lookup: typeof getaddrinfo = async (host, port, options) => {
        seen.push(host, options);
        return [{ address: "::1", port, family: 6 }];
      };
      expect(await visit("here.test", six?.port ?? 0, { family: 6, lookup })).toBe("welcome");
      expect(seen).toEqual(["here.test", { family: 6 }]);
      const error = await errorOf(openConnection("127.0.0.1", four?.port ?? 0, { family: 6 }));
      expect(error).toBeInstanceOf(RangeError);
    });
  });
});

describe("a host with several addresses", () => {
  it("is tried at the next one when one refuses", async () => {
    await events(async () => {
      await using server = await startServer(greet, "127.0.0.1", 0);
      const lookup = at(["127.0.0.2", await deadPort()], ["127.0.0.1", server.port]);
      expect(await visit("here.test", 1, { lookup, happyEyeballsDelay: null })).toBe("welcome");
    });
  });

  it("is tried at the next one when one does not answer, and that attempt is given up", async () => {
    await events(async () => {
      const deaf = await deafServer("127.0.0.2");
      await using server = await startServer(greet, "127.0.0.1", 0);
      const lookup = at(["127.0.0.2", deaf], ["127.0.0.1", server.port]);
      expect(await visit("here.test", 1, { lookup, happyEyeballsDelay: "1ms" })).toBe("welcome");
      expect(server.statistics().accepted).toBe(1);
    });
  });

  it("is tried at addresses of both families by turns", async () => {
    await run(async () => {
      const port = await deadPort();
      const lookup = at(["127.0.0.1", port], ["127.0.0.2", port], ["127.0.0.3", port], ["::1", port]);
      const error = await errorOf(openConnection("here.test", 1, { lookup, allErrors: true }));
      expect(error).toBeInstanceOf(ExceptionGroup);
      const { exceptions } = error as ExceptionGroup; // as just expected
      expect(exceptions.map((each) => (each as { address?: string }).address)).toEqual([
        "127.0.0.1",
        "::1",
        "127.0.0.2",
        "127.0.0.3",
      ]);
    });
  });

  it("fails with all that happened when none can be reached", async () => {
    await run(async () => {
      const port = await deadPort();
      const lookup = at(["127.0.0.1", port], ["127.0.0.2", port]);
      const error = await errorOf(openConnection("here.test", 7, { lookup }));
      expect(error).toMatchObject({ code: "ECONNREFUSED" });
      expect(String(error)).toMatch(/could not connect to here\.test:7: .*127\.0\.0\.1.*127\.0\.0\.2/);
      const alone = await errorOf(openConnection("here.test", 7, { lookup: at(["127.0.0.1", port]) }));
      expect(alone).toMatchObject({ code: "ECONNREFUSED", address: "127.0.0.1" });
      const all = await errorOf(
        openConnection("here.test", 7, { lookup: at(["127.0.0.1", port]), allErrors: true }),
      );
      expect(all).toBeInstanceOf(ExceptionGroup);
    });
  });

  it("leaves out addresses that the own one can't reach", async () => {
    await events(async () => {
      await using server = await startServer(greet, "127.0.0.1", 0);
      const lookup = at(["::1", server.port], ["127.0.0.1", server.port]);
      expect(await visit("here.test", 1, { lookup, localAddress: "127.0.0.1" })).toBe("welcome");
    });
  });
});

describe("a connection that does not come about", () => {
  it("to a black hole ends with its timeout, and nothing is left", async () => {
    await run(async () => {
      const port = await deafServer("127.0.0.1");
      expect(await errorOf(timeout("20ms", () => openConnection("127.0.0.1", port)))).toBeInstanceOf(
        TimeoutError,
      );
    });
  });

  it.each(["sticky", "once"] as const)(
    "is given up when its task is cancelled (%s)",
    async (cancellation) => {
      await run(
        async () => {
          const port = await deafServer("127.0.0.1");
          let second = 0;
          const next = await nodeServer(() => second++);
          const lookup = at(["127.0.0.1", port], ["127.0.0.1", next]);
          const task = createTask(() => openConnection("here.test", 1, { lookup, happyEyeballsDelay: null }));
          await sleep(5);
          task.cancel();
          expect(await outcome(task)).toBe("CancelledError");
          expect(second).toBe(0); // no other address was tried
        },
        { cancellation },
      );
    },
  );

  it("is given up at whatever moment its task is cancelled", async () => {
    await run(async () => {
      const seen = new Set<string>();
      for (let turns = 0; turns < 40; turns++) {
        const accepted = new Set<Socket>();
        const server = createServer((socket) => accepted.add(socket)).listen(0, "127.0.0.1");
        await once(server, "listening");
        const { port } = server.address() as AddressInfo; // it is a TCP server
        const task = createTask(async () => {
          const [, writer] = await openConnection("127.0.0.1", port);
          await using _ = writer;
          await sleep(0);
        });
        for (let turn = 0; turn < turns; turn++) await sleep(0);
        task.cancel();
        seen.add(await outcome(task));
        server.close(); // waits until all connections are gone: brio's must be closed
        await once(server, "close");
      }
      expect([...seen].sort()).toContain("CancelledError");
    });
  });

  it("is given up when the loop ends", async () => {
    const ends: string[] = [];
    await run(async () => {
      const port = await deafServer("127.0.0.1");
      createTask(async () => {
        ends.push(await outcome(openConnection("127.0.0.1", port)));
      });
      await sleep(5);
    });
    expect(ends).toEqual(["CancelledError"]);
  });

  it("with bad TLS options leaves no connection", async () => {
    await run(async () => {
      const closed = new Event();
      const port = await nodeServer((socket) => socket.resume().on("end", () => closed.set()));
      const tls = { minVersion: "TLSv9" as never }; // wrong on purpose
      expect(await errorOf(openConnection("127.0.0.1", port, { tls }))).toBeInstanceOf(Error);
      await closed.wait();
    });
  });

  it("that is reset as soon as it stands is lost, and does not end the process", async () => {
    await run(async () => {
      const reset = (socket: Socket): void => void setImmediate(() => socket.resetAndDestroy());
      const server = createServer(reset).listen(0, "127.0.0.1");
      await once(server, "listening");
      const { port } = server.address() as AddressInfo; // it is a TCP server
      // So many steps that Node has its turns between the connection and who has asked for it.
      const busy = Array.from({ length: 100 }, () =>
        createTask(async () => {
          for (;;) {
            for (const start = performance.now(); performance.now() < start + 0.2; );
            await sleep(0);
          }
        }),
      );
      for (let i = 0; i < 5; i++) {
        const ended = await outcome(
          (async () => {
            const [reader, writer] = await openConnection("127.0.0.1", port);
            try {
              return await reader.read();
            } finally {
              await writer[Symbol.asyncDispose]();
            }
          })(),
        );
        expect(ended).toMatch(/ECONNRESET/);
      }
      for (const task of busy) task.cancel();
      server.close();
    });
  });
});

describe("wrong arguments", () => {
  it("are refused before anything is done", async () => {
    await run(async () => {
      const wrong = (value: unknown): never => value as never; // wrong on purpose
      expect(await errorOf(openConnection(wrong(undefined), 80))).toBeInstanceOf(TypeError);
      expect(await errorOf(openConnection("", 80))).toBeInstanceOf(TypeError);
      for (const port of [-1, 65_536, 1.5, wrong("80"), wrong(undefined)]) {
        expect(String(await errorOf(openConnection("127.0.0.1", port)))).toMatch(/RangeError: port must be/);
        expect(String(await errorOf(startServer(greet, "127.0.0.1", port)))).toMatch(
          /RangeError: port must be/,
        );
      }
      expect(await errorOf(openConnection("127.0.0.1", 80, { limit: 0 }))).toBeInstanceOf(RangeError);
      expect(await errorOf(openConnection("127.0.0.1", 80, { family: wrong(5) }))).toBeInstanceOf(RangeError);
      expect(await errorOf(openUnixConnection(wrong(7)))).toBeInstanceOf(TypeError);
      expect(await errorOf(startServer(wrong("handler"), "127.0.0.1", 0))).toBeInstanceOf(TypeError);
      expect(await errorOf(startServer(greet, wrong(5), 0))).toBeInstanceOf(TypeError);
      expect(await errorOf(startServer(greet, [], 0))).toBeInstanceOf(TypeError);
      expect(await errorOf(startServer(greet, "127.0.0.1", 0, { maxConnections: 0 }))).toBeInstanceOf(
        RangeError,
      );
      expect(await errorOf(startServer(greet, "127.0.0.1", 0, { backlog: 0.5 }))).toBeInstanceOf(RangeError);
      expect(await errorOf(createConnection(wrong({}), "127.0.0.1", 80))).toBeInstanceOf(TypeError);
    });
  });

  it("so is a call outside of a loop", async () => {
    await expect(openConnection("127.0.0.1", 80)).rejects.toThrow(
      "openConnection() needs a running event loop",
    );
    await expect(startServer(greet, "127.0.0.1", 0)).rejects.toThrow(
      "startServer() needs a running event loop",
    );
  });
});
