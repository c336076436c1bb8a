import { once } from "node:events";
import { createServer as createHttpServer, get, type IncomingMessage } from "node:http";
import { type AddressInfo, connect, createServer, type Server as NetServer, type Socket } from "node:net";
import { CancelledError, ExceptionGroup, interruptible, sleepForever } from "brio";
import { openConnection, type Service, serve, startServer } from "brio/streams";
import { describe, expect, it } from "vitest";
import { leavesNothing, local } from "./datagrams.ts";

async function listening<S extends NetServer>(server: S): Promise<[server: S, port: number]> {
  server.listen(0, "127.0.0.1");
  await interruptible(once(server, "listening"));
  return [server, (server.address() as AddressInfo).port]; // it listens at TCP
}

/** Connects with Node's own means, and gives the socket. */
async function client(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {}); // the service may reset it
  await interruptible(once(socket, "connect"));
  return socket;
}

const closed = (socket: Socket): Promise<unknown> => interruptible(once(socket, "close"));

/** Stops the service when it is ready and `then` has ended. */
function whenReady(service: Service, then: () => Promise<unknown>): void {
  service.background(async () => {
    await service.whenReady();
    await then();
    service.stop();
  });
}

describe("a server of brio's in a service", () => {
  it("accepts nothing more when that stops; its handlers end, and nothing is left", async () => {
    await leavesNothing(async () => {
      const events: string[] = [];
      await serve(async (service) => {
        const server = await startServer(
          async (reader, writer) => {
            const line = await reader.readLine();
            await service.whenStopping();
            events.push(`serving while it drains: ${server.isServing()}`);
            writer.write(line);
          },
          "127.0.0.1",
          0,
        );
        expect(service.add(server)).toBe(server);
        whenReady(service, async () => {
          const [reader, writer] = await openConnection("127.0.0.1", server.port);
          service.work(async () => {
            await using _ = writer;
            events.push((await reader.readLine()).toString().trim());
          });
          writer.write("last\n");
          while (server.statistics().connections === 0) await interruptible(new Promise(setImmediate));
        });
      });
      expect(events).toEqual(["serving while it drains: false", "last"]);
    });
  });

  it("is cut off when the time is over", async () => {
    await leavesNothing(async () => {
      const events: string[] = [];
      await serve(
        async (service) => {
          const server = await startServer(
            async () => {
              await sleepForever().finally(() => events.push("handler cancelled"));
            },
            "127.0.0.1",
            0,
          );
          service.add(server);
          whenReady(service, async () => {
            const socket = await client(server.port);
            socket.once("close", () => events.push("client closed")).resume();
            while (server.statistics().connections === 0) await interruptible(new Promise(setImmediate));
            service.work(() => closed(socket).then(() => events.push("client knows")));
          });
        },
        { drain: "20ms" },
      );
      expect(events[0]).toBe("handler cancelled");
    });
  });

  it("that comes too late is closed", async () => {
    await leavesNothing(async () => {
      await serve(async (service) => {
        const server = await startServer(() => {}, "127.0.0.1", 0);
        service.stop();
        expect(() => service.add(server)).toThrow(/the service is stopping: it takes no new server/);
        expect(server.isServing()).toBe(false);
      });
    });
  });

  it("that has begun ends when the rest can't begin", async () => {
    await leavesNothing(async () => {
      const served = serve(async (service) => {
        const first = service.add(await startServer(() => {}, "127.0.0.1", 0));
        expect(first.isServing()).toBe(true);
        const socket = service.use(await local());
        await local({ localPort: socket.port });
      });
      const error = await served.catch((error: unknown) => error);
      expect(error).toBeInstanceOf(ExceptionGroup);
      expect((error as ExceptionGroup).exceptions).toMatchObject([{ code: "EADDRINUSE" }]);
    });
  });
});

describe("a server of Node's own in a service", () => {
  it("gets the time to answer, and closes what is idle", async () => {
    await leavesNothing(async () => {
      const events: string[] = [];
      await serve(async (service) => {
        const [server, port] = await listening(
          createHttpServer((_request, response) => {
            service.work(async () => {
              await service.whenStopping();
              response.end("answer");
            });
          }),
        );
        service.add(server);
        whenReady(service, async () => {
          const idle = await client(port); // it has asked nothing yet
          service.work(() => closed(idle.resume()).then(() => events.push("idle one closed")));
          const asked = once(server, "request");
          const request = get({ port, host: "127.0.0.1", agent: false });
          service.work(async () => {
            const [response] = (await interruptible(once(request, "response"))) as [IncomingMessage];
            for await (const data of response) events.push(String(data));
          });
          await interruptible(asked);
        });
      });
      expect(events.sort()).toEqual(["answer", "idle one closed"]);
    });
  });

  it("is cut off when the time is over", async () => {
    await leavesNothing(async () => {
      const sockets: Socket[] = [];
      await serve(
        async (service) => {
          const [server, port] = await listening(createServer((socket) => void socket.on("error", () => {})));
          service.add(server);
          whenReady(service, async () => {
            const accepted = once(server, "connection");
            sockets.push(await client(port));
            await interruptible(accepted);
          });
        },
        { drain: 0 },
      );
      const [socket] = sockets;
      if (socket?.destroyed === false) await closed(socket.resume());
    });
  });

  it("may be closed by others meanwhile, or never have listened", async () => {
    await leavesNothing(async () => {
      await serve(async (service) => {
        const [server] = await listening(createServer());
        service.add(server);
        service.add(createServer());
        server.close();
        service.stop();
      });
    });
  });
});

describe("a server of somebody else's in a service", () => {
  const calls: string[] = [];
  class Strange implements AsyncDisposable {
    close(): void {
      calls.push("close");
      throw new Error("closed badly");
    }

    async waitClosed(): Promise<void> {
      calls.push("wait");
      throw new Error("ended badly");
    }

    async [Symbol.asyncDispose](): Promise<void> {
      calls.push("dispose");
      throw new CancelledError("not an error");
    }
  }

  it("is asked in the same order; what it fails with is not lost", async () => {
    await leavesNothing(async () => {
      const served = serve((service) => {
        service.add(new Strange());
        service.stop();
      });
      const error = (await served.catch((error: unknown) => error)) as ExceptionGroup;
      expect(calls).toEqual(["close", "wait", "dispose"]);
      expect(error.exceptions).toMatchObject([{ message: "closed badly" }, { message: "ended badly" }]);
    });
  });
});
