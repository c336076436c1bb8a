import { createSocket } from "node:dgram";
import { watch as watchFile } from "node:fs";
import { appendFile, mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { createTask, DeadlockError, Event, Lock } from "brio";
import { open, readFile, watch } from "brio/files";
import {
  createConnection,
  openConnection,
  openDatagram,
  type Protocol,
  StreamReader,
  startServer,
} from "brio/streams";
import { createSubprocessExec, PIPE } from "brio/subprocess";
import { runVirtual } from "brio/testing";
import { describe, expect, it, onTestFinished } from "vitest";
import { leavesNothing } from "../left-behind.ts";
import { nodeClient, nodeServer } from "./loopback.ts";

// Node keeps the descriptor that all its watchers share, from the first on.
watchFile(tmpdir()).close();

leavesNothing();

const HOST = "127.0.0.1";

/** So many turns of Node's loop that a check which looked too early has looked by then. */
async function turns(): Promise<void> {
  for (let i = 0; i < 50; i++) await turn();
}

/** A task that waits for a lock it holds. */
async function stuck(): Promise<never> {
  const lock = new Lock();
  await lock.acquire();
  await lock.acquire();
  return expect.unreachable();
}

/** What the tasks of a program wait for which can't go on. */
async function report(main: () => Promise<unknown>): Promise<string[]> {
  const error = await runVirtual(main).then(
    () => expect.unreachable("main went on"),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(DeadlockError);
  return (error as DeadlockError).tasks.flatMap(({ waits }) => waits.map(({ kind }) => kind)); // checked above
}

/** A peer that is not brio's, and says something later. */
const lateServer = (): Promise<number> =>
  nodeServer((socket: Socket) => void turns().then(() => socket.write("late\n")));

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "brio-test-"));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

describe("in virtual time, a deadlock is reported though there is open", () => {
  it("a connection", async () => {
    const port = await nodeServer();
    const kinds = await report(async () => {
      const [, writer] = await openConnection(HOST, port);
      await using _ = writer;
      await stuck();
    });
    expect(kinds).toEqual(["lock.acquire"]);
  });

  it("a file", async () => {
    const kinds = await report(async () => {
      await using _ = await open("package.json");
      await stuck();
    });
    expect(kinds).toEqual(["lock.acquire"]);
  });

  it("a child process that nobody waits for", async () => {
    const kinds = await report(async () => {
      await using _ = await createSubprocessExec("sleep", ["1000"], { grace: "1h" });
      await stuck();
    });
    expect(kinds).toEqual(["lock.acquire"]);
  });

  it("a watcher whose changes nobody takes", async () => {
    const path = await folder();
    const kinds = await report(async () => {
      using _ = watch(path);
      await stuck();
    });
    expect(kinds).toEqual(["lock.acquire"]);
  });

  it("a server that was closed", async () => {
    const kinds = await report(async () => {
      await using server = await startServer(() => {}, HOST, 0);
      server.close();
      await stuck();
    });
    expect(kinds).toEqual(["lock.acquire"]);
  });

  it("a reader that only the program feeds", async () => {
    expect(await report(() => new StreamReader().read())).toEqual(["reader.read"]);
  });
});

describe("in virtual time, it is no deadlock when there is still to come", () => {
  it("something to read", async () => {
    const port = await lateServer();
    await runVirtual(async () => {
      const came = new Event();
      const [reader, writer] = await openConnection(HOST, port);
      await using _ = writer;
      createTask(async () => {
        expect((await reader.readLine()).toString()).toBe("late\n");
        came.set();
      });
      await came.wait();
    });
  });

  it("room to write", async () => {
    const port = await nodeServer((socket) => void turns().then(() => socket.resume()));
    await runVirtual(async () => {
      const [, writer] = await openConnection(HOST, port);
      await using _ = writer;
      writer.write(Buffer.alloc(2 ** 25)); // more than the system takes
      const draining = createTask(() => writer.drain());
      await draining;
      writer.transport.abort();
    });
  });

  it("what a thread does with a file", () =>
    runVirtual(async () => {
      const reading = createTask(() => readFile("package.json", "utf8"));
      expect(JSON.parse(await reading).license).toBe("MIT");
    }));

  it("somebody to a server", () =>
    runVirtual(async () => {
      const came = new Event();
      await using server = await startServer(() => came.set(), HOST, 0);
      const { port } = server;
      void turns().then(() => nodeClient(port));
      await came.wait();
    }));

  it("something for a protocol that is not brio's", async () => {
    const port = await lateServer();
    await runVirtual(async () => {
      const came = new Event();
      const protocol: Protocol = { dataReceived: () => came.set() };
      const [transport] = await createConnection(() => protocol, HOST, port);
      await came.wait();
      transport.abort();
    });
  });

  it("a datagram", () =>
    runVirtual(async () => {
      await using receiver = await openDatagram({ localAddress: HOST });
      const { port } = receiver;
      const sender = createSocket("udp4");
      void turns().then(() => sender.send("late", port, HOST, () => sender.close()));
      expect((await receiver.receive()).data.toString()).toBe("late");
    }));

  it("the end of a connection", async () => {
    const port = await nodeServer((socket) => void turns().then(() => socket.destroy()));
    await runVirtual(async () => {
      const [reader, writer] = await openConnection(HOST, port);
      expect((await reader.read()).length).toBe(0);
      writer.close();
      await writer.waitClosed();
    });
  });

  it("the end of a child, and what it writes", () =>
    runVirtual(async () => {
      await using child = await createSubprocessExec("sh", ["-c", "read line; echo $line; read line"], {
        stdin: PIPE,
        stdout: PIPE,
      });
      child.stdin.write("late\n");
      expect((await child.stdout.readLine()).toString()).toBe("late\n");
      child.stdin.close();
      expect(await child.wait()).toBe(1);
    }));

  it("a change in a folder", async () => {
    const path = await folder();
    await runVirtual(async () => {
      using changes = watch(path);
      void turns().then(() => appendFile(join(path, "late"), ""));
      for await (const change of changes) if (change.type === "rename") break;
    });
  });

  it("the last of a closed server's connections", async () => {
    await runVirtual(async () => {
      await using server = await startServer(async (reader) => void (await reader.read()), HOST, 0);
      const client = connect(server.port, HOST);
      await new Promise((resolve) => client.once("connect", resolve));
      while (server.statistics().connections === 0) await turns();
      server.close();
      void turns().then(() => client.destroy());
      await server.waitClosed();
    });
  });
});
