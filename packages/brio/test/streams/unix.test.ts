import { existsSync } from "node:fs";
import { lstat, readFile, unlink, writeFile } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { createTask, Event, run, sleep } from "brio";
import {
  createUnixConnection,
  createUnixServer,
  openUnixConnection,
  type StreamReader,
  type StreamWriter,
  startUnixServer,
  type TlsOptions,
  type Transport,
} from "brio/streams";
import { describe, expect, it, onTestFinished } from "vitest";
import { errorOf, outcome } from "../compose/trace.ts";
import { leavesNothing } from "../left-behind.ts";
import { Child } from "../run/child.ts";
import { CLIENT, SERVER } from "./certificates.ts";
import { events, temporaryFolder } from "./loopback.ts";

leavesNothing();

async function shout(reader: StreamReader, writer: StreamWriter): Promise<void> {
  for await (const line of reader) writer.write(line.toString().toUpperCase());
}

const greet = (_: unknown, writer: StreamWriter): void => writer.write("welcome");

async function visit(path: string): Promise<string> {
  const [reader, writer] = await openUnixConnection(path);
  await using _ = writer;
  return (await reader.read()).toString();
}

describe("a server at a Unix socket", () => {
  it("is reached by its path, and leaves no file", async () => {
    const path = join(await temporaryFolder(), "s");
    await events(async () => {
      await using server = await startUnixServer(shout, path);
      expect(server.sockets).toEqual([path]);
      expect(() => server.port).toThrow("has no port");
      const [reader, writer] = await openUnixConnection(path);
      await using _ = writer;
      expect(writer.getExtraInfo("peername")).toBeUndefined();
      writer.write("hello\n");
      expect((await reader.readLine()).toString()).toBe("HELLO\n");
    });
    expect(existsSync(path)).toBe(false);
  });

  it("serves until the task that serves is cancelled", async () => {
    const path = join(await temporaryFolder(), "s");
    await events(async () => {
      const server = await startUnixServer(
        async (reader, writer) => {
          await reader.readLine();
          serving.cancel();
          writer.write("1");
        },
        path,
        { startServing: false },
      );
      expect(existsSync(path)).toBe(false);
      await server.startServing();
      const serving = createTask(() => server.serveForever());
      const [reader, writer] = await openUnixConnection(path);
      await using _ = writer;
      writer.write("stop\n");
      expect((await reader.read()).toString()).toBe("1");
      expect(await outcome(serving)).toBe("CancelledError");
      expect([server.isServing(), server.sockets]).toEqual([false, []]);
    });
    expect(existsSync(path)).toBe(false);
  });

  it("serves protocols as well", async () => {
    const path = join(await temporaryFolder(), "s");
    const noted = await events(async (note) => {
      const factory = () => ({
        connectionMade: (transport: Transport) => {
          transport.write("welcome");
          transport.close();
        },
      });
      await using server = await createUnixServer(factory, path);
      await new Promise<void>((resolve) => {
        void createUnixConnection(
          () => ({
            dataReceived: (data) => note(data.toString()),
            connectionLost: () => resolve(),
          }),
          path,
        );
      });
      expect(server.statistics().accepted).toBe(1);
    });
    expect(noted).toEqual(["welcome"]);
  });

  it("can be encrypted, for streams as well as for protocols", async () => {
    const path = join(await temporaryFolder(), "s");
    const noted = await events(async (note) => {
      await using _ = await startUnixServer(shout, path, { tls: SERVER });
      const [reader, writer] = await openUnixConnection(path, { tls: CLIENT });
      writer.write("hello\n");
      note(String(await reader.readLine()));
      note(`${writer.getExtraInfo("peercert")?.subject.CN} ${writer.getExtraInfo("cipher")?.version}`);
      await writer[Symbol.asyncDispose]();
      const lost = new Event();
      await createUnixConnection(
        () => ({
          connectionMade: (transport) => transport.write("again\n"),
          dataReceived(data) {
            note(String(data));
            lost.set();
          },
        }),
        path,
        { tls: CLIENT },
      );
      await lost.wait();
    });
    expect(noted).toEqual(["HELLO\n", expect.stringMatching(/^server.test TLSv1/), "AGAIN\n"]);
  });

  it("that nobody vouches for is refused, and one of another name; a name must be given", async () => {
    const path = join(await temporaryFolder(), "s");
    await events(async () => {
      await using server = await createUnixServer(() => ({}), path, { tls: SERVER });
      const visit = (tls: true | TlsOptions) => errorOf(createUnixConnection(() => ({}), path, { tls }));
      expect(await visit({ servername: "localhost" })).toMatchObject({
        code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
      });
      expect(await visit({ ...CLIENT, servername: "elsewhere.test" })).toMatchObject({
        code: "ERR_TLS_CERT_ALTNAME_INVALID",
      });
      for (const nameless of [true, { ca: CLIENT.ca }] as const) {
        expect(String(await visit(nameless))).toMatch(/^TypeError: tls needs the name/);
      }
      expect(server.statistics().connections).toBe(0);
    });
  });

  it.skipIf(process.platform !== "linux")(
    "that goes away with something unread fails the reads",
    async () => {
      const path = join(await temporaryFolder(), "s");
      const accepted = new Promise<Socket>((resolve) => {
        const server = createServer({ pauseOnConnect: true }, resolve).listen(path);
        onTestFinished(() => void server.close());
      });
      await events(async () => {
        const [reader, writer] = await openUnixConnection(path);
        const peer = await accepted;
        writer.write("never read");
        while (writer.transport.getWriteBufferSize() > 0) await sleep(0);
        peer.destroy();
        expect(await errorOf(reader.read())).toMatchObject({ code: "ECONNRESET" });
        expect(await errorOf(reader.read(1))).toBe(reader.exception());
        await writer[Symbol.asyncDispose]();
      });
    },
  );

  it("leaves no file either when the loop ends with it open", async () => {
    const path = join(await temporaryFolder(), "s");
    await run(async () => {
      await startUnixServer(shout, path);
      expect(existsSync(path)).toBe(true);
    });
    expect(existsSync(path)).toBe(false);
  });

  it("takes the place of one that was killed, and left its file", async () => {
    const path = join(await temporaryFolder(), "s");
    const child = new Child(new URL("fixtures/unix-server.ts", import.meta.url), [path]);
    await child.printed("listening");
    child.kill("SIGKILL");
    await child.ended;
    expect((await lstat(path)).isSocket()).toBe(true);
    await events(async () => {
      expect(await errorOf(openUnixConnection(path))).toMatchObject({ code: "ECONNREFUSED" });
      await using _ = await startUnixServer(greet, path);
      expect(await visit(path)).toBe("welcome");
    });
    expect(existsSync(path)).toBe(false);
  });

  it("does not take the place of one that lives", async () => {
    const path = join(await temporaryFolder(), "s");
    await events(async () => {
      await using _ = await startUnixServer(greet, path);
      expect(await errorOf(startUnixServer(shout, path))).toMatchObject({ code: "EADDRINUSE" });
      expect(await visit(path)).toBe("welcome");
    });
  });

  it("does not touch a file that is no socket", async () => {
    const path = join(await temporaryFolder(), "file");
    await writeFile(path, "precious");
    await events(async () => {
      expect(await errorOf(startUnixServer(greet, path))).toMatchObject({ code: "EADDRINUSE" });
    });
    expect(await readFile(path, "utf8")).toBe("precious");
  });

  it.skipIf(process.platform !== "linux")("may have a name that is no file", async () => {
    const path = `\0brio-${process.pid}`;
    await events(async () => {
      await using server = await startUnixServer(greet, path);
      expect(await visit(path)).toBe("welcome");
      expect(await errorOf(startUnixServer(greet, path))).toMatchObject({ code: "EADDRINUSE" });
      expect(server.isServing()).toBe(true);
    });
  });

  it("may find its file gone when it is closed", async () => {
    const path = join(await temporaryFolder(), "s");
    await events(async () => {
      const server = await startUnixServer(greet, path);
      await unlink(path);
      server.close();
    });
    expect(existsSync(path)).toBe(false);
  });

  it("leaves a file alone that is another's by now", async () => {
    const path = join(await temporaryFolder(), "s");
    await events(async () => {
      const first = await startUnixServer(greet, path);
      await unlink(path);
      await using _ = await startUnixServer(shout, path);
      first.close();
      const [reader, writer] = await openUnixConnection(path);
      await using __ = writer;
      writer.write("still here\n");
      expect((await reader.readLine()).toString()).toBe("STILL HERE\n");
    });
    expect(existsSync(path)).toBe(false);
  });

  it("says what is wrong with its path", async () => {
    const folder = await temporaryFolder();
    await events(async () => {
      for (const wrong of ["", null, undefined, new URL(`file://${folder}/s`)]) {
        expect(await errorOf(startUnixServer(greet, wrong as never)), String(wrong)).toBeInstanceOf(
          TypeError,
        );
        expect(await errorOf(openUnixConnection(wrong as never)), String(wrong)).toBeInstanceOf(TypeError);
      }
      expect(await errorOf(startUnixServer(greet, join(folder, "no", "such", "folder")))).toMatchObject({
        code: expect.stringMatching(/^(ENOENT|EACCES)$/),
      });
      expect(await errorOf(openUnixConnection(join(folder, "nobody")))).toMatchObject({ code: "ENOENT" });
    });
  });

  it("reaches servers that are not brio's", async () => {
    const path = join(await temporaryFolder(), "s");
    const server = createServer((socket) => socket.end("node's")).listen(path);
    await events(async () => expect(await visit(path)).toBe("node's"));
    server.close();
  });
});
