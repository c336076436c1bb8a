import { createTask, Event, sleep, sleepForever, taskGroup, uncancellable } from "brio";
import {
  ConnectionResetError,
  openConnection,
  type Server,
  type StreamReader,
  type StreamWriter,
  startServer,
} from "brio/streams";
import { describe, expect, it } from "vitest";
import { name } from "../compose/trace.ts";
import { leavesNothing } from "../left-behind.ts";
import { events, type Note, nodeClient, nodeServer } from "./loopback.ts";

leavesNothing();

const HOST = "127.0.0.1";

/** Waits until the one connection of the server has come, and its handler has ended. */
async function served(server: Server): Promise<void> {
  while (server.statistics().accepted === 0) await sleep(0);
  server.close();
  await server.waitClosed();
}

/** What becomes of an attempt to connect. */
async function attempt(port: number): Promise<string> {
  try {
    const [, writer] = await openConnection(HOST, port);
    writer.transport.abort();
    return "accepted";
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}

describe("a server that is open when run ends", () => {
  it("accepts nothing more while its handlers and other tasks end", async () => {
    const noted = await events(async (note) => {
      const began = new Event();
      const handler = async (): Promise<void> => {
        began.set();
        try {
          await sleepForever();
        } finally {
          note(`in a handler: ${await uncancellable(() => attempt(port))}`);
        }
      };
      const server = await startServer(handler, HOST, 0);
      const { port } = server;
      await nodeClient(port);
      await began.wait();
      createTask(async () => {
        try {
          await sleepForever();
        } finally {
          note(
            `${server.isServing() ? "serving" : "closed"}, in a task: ${await uncancellable(() => attempt(port))}`,
          );
        }
      });
      await sleep(0);
    });
    expect(noted.sort()).toEqual(["closed, in a task: ECONNREFUSED", "in a handler: ECONNREFUSED"]);
  });

  it("and that is only about to listen is cancelled, and reports nothing", async () => {
    const noted = await events(async (note) => {
      createTask(async () => {
        try {
          await startServer(() => {}, HOST, 0);
        } catch (error) {
          note(name(error));
          throw error;
        }
      });
      await sleep(0);
    });
    expect(noted).toEqual(["CancelledError"]);
  });
});

describe("a client that goes away", () => {
  /** The events of a server whose one client resets the connection when the handler says so. */
  async function reset(
    handler: (reader: StreamReader, writer: StreamWriter, gone: () => void, note: Note) => unknown,
    debug = false,
  ): Promise<string[]> {
    return await events(
      async (note) => {
        const ready = new Event();
        await using server = await startServer(
          (reader, writer) => handler(reader, writer, () => ready.set(), note),
          HOST,
          0,
        );
        const client = await nodeClient(server.port);
        await ready.wait();
        client.resetAndDestroy();
        await served(server);
        note(`lost ${server.statistics().lost}`);
      },
      { debug },
    );
  }

  it("is no error while its handler reads, and is counted", async () => {
    const noted = await reset(async (reader, _writer, gone) => {
      gone();
      await reader.readLine();
    });
    expect(noted).toEqual(["lost 1"]);
  });

  it("is none for several tasks of the handler", async () => {
    const noted = await reset((reader, writer, gone, note) =>
      taskGroup((group) => {
        group.createTask(() => reader.readLine());
        group.createTask(() => writer.waitClosed());
        group.createTask(async () => gone());
      }).catch((error: Error) => {
        note(name(error));
        throw error;
      }),
    );
    expect(noted).toEqual(["[Error(read ECONNRESET), Error(read ECONNRESET)]", "lost 1"]);
  });

  it("is none for one that writes to it afterwards", async () => {
    const noted = await reset(async (reader, writer, gone, note) => {
      gone();
      await reader.readLine().catch((error) => note(error.code));
      for (;;) {
        writer.write("more");
        await writer.drain();
      }
    });
    expect(noted).toEqual(["ECONNRESET", "lost 1"]);
  });

  it("is reported in debug mode", async () => {
    const noted = await reset(async (reader, _writer, gone) => {
      gone();
      await reader.readLine();
    }, true);
    expect(noted).toEqual([
      "reported: A connection was lost while its handler was at work Error(read ECONNRESET)",
      "lost 1",
    ]);
  });

  it("does not hide another error that comes with it", async () => {
    const noted = await reset((reader, _writer, gone) =>
      taskGroup((group) => {
        group.createTask(() => reader.readLine());
        group.createTask(async () => {
          gone();
          await sleepForever().catch(() => {});
          throw new Error("a bug in clean-up");
        });
      }),
    );
    expect(noted).toEqual([
      "reported: Unhandled exception in the handler of a connection [Error(read ECONNRESET), Error(a bug in clean-up)]",
      "lost 0",
    ]);
  });
});

describe("an error in a handler that looks alike is reported:", () => {
  it("another connection was lost", async () => {
    const upstream = await nodeServer((socket) => {
      socket.once("data", () => socket.resetAndDestroy());
      socket.resume();
    });
    const noted = await events(async (note) => {
      const handler = async (): Promise<void> => {
        const [reader, writer] = await openConnection(HOST, upstream);
        writer.write("hello");
        await reader.read();
      };
      await using server = await startServer(handler, HOST, 0);
      await nodeClient(server.port);
      await served(server);
      note(`lost ${server.statistics().lost}`);
    });
    expect(noted).toEqual([
      "reported: Unhandled exception in the handler of a connection Error(read ECONNRESET)",
      "lost 0",
    ]);
  });

  it("it has written to what it had closed itself", async () => {
    const noted = await events(async () => {
      const handler = async (_reader: StreamReader, writer: StreamWriter): Promise<void> => {
        writer.close();
        await writer.waitClosed();
        writer.write("too late");
        await writer.drain();
      };
      await using server = await startServer(handler, HOST, 0);
      (await nodeClient(server.port)).end();
      await served(server);
      expect(server.statistics().lost).toBe(0);
    });
    expect(noted).toEqual([
      expect.stringContaining(
        `reported: Unhandled exception in the handler of a connection ${ConnectionResetError.name}`,
      ),
    ]);
  });
});
