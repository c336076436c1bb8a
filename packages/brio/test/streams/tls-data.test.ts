import { once } from "node:events";
import { type AddressInfo, connect, createServer as createNetServer, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import { Event, gather, getRunningLoop, sleep } from "brio";
import {
  createConnection,
  openConnection,
  type StreamReader,
  type StreamWriter,
  startServer,
  type Transport,
} from "brio/streams";
import { describe, expect, it, onTestFinished } from "vitest";
import { errorOf } from "../compose/trace.ts";
import { leavesNothing } from "../left-behind.ts";
import { CLIENT, SERVER } from "./certificates.ts";
import { echo, events, HOST, letters, textOf } from "./loopback.ts";
import { Noting } from "./noting-protocol.ts";

leavesNothing();

/** A TLS server that is not brio's, and reads nothing until it is told to: its port, and its only connection. */
async function tlsServer(): Promise<{ port: number; accepted: Promise<TLSSocket> }> {
  const server = createTlsServer({ key: SERVER.key, cert: SERVER.cert, allowHalfOpen: true });
  const accepted = new Promise<TLSSocket>((resolve) => {
    server.once("secureConnection", (socket) => {
      onTestFinished(() => void socket.destroy());
      socket.on("error", () => {});
      resolve(socket);
    });
  });
  onTestFinished(() => void server.close());
  server.listen(0, HOST);
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port, accepted }; // it is a TCP server
}

/** A way to `port` whose bytes can be tampered with: its own port, and both of its ends as soon as there are any. */
async function passage(
  port: number,
): Promise<{ port: number; ends: Promise<{ toClient: Socket; toServer: Socket }> }> {
  const server = createNetServer();
  const ends = new Promise<{ toClient: Socket; toServer: Socket }>((resolve) => {
    server.once("connection", (toClient) => {
      const toServer = connect(port, HOST);
      for (const socket of [toClient, toServer]) {
        onTestFinished(() => void socket.destroy());
        socket.on("error", () => {});
      }
      toClient.pipe(toServer).pipe(toClient);
      resolve({ toClient, toServer });
    });
  });
  onTestFinished(() => void server.close());
  server.listen(0, HOST);
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port, ends }; // it is a TCP server
}

describe("what goes through TLS", () => {
  it("comes back whole from many connections at once, each of which ends in order", async () => {
    await events(async () => {
      await using server = await startServer(echo, HOST, 0, { tls: SERVER });
      const visit = async (i: number): Promise<void> => {
        const [reader, writer] = await openConnection(HOST, server.port, { tls: CLIENT });
        const data = letters(1_000_000, String.fromCharCode(97 + i));
        const send = async (): Promise<void> => {
          for (let at = 0; at < data.length; at += 30_000) {
            writer.write(data.subarray(at, at + 30_000));
            await writer.drain();
          }
        };
        const [, back] = await gather(send, () => reader.readExactly(data.length));
        expect(back.equals(data)).toBe(true);
        writer.close();
        await writer.waitClosed();
        expect(reader.atEof()).toBe(true);
      };
      await gather(Array.from({ length: 20 }, (_, i) => () => visit(i)));
      expect(server.statistics()).toMatchObject({ accepted: 20, failedHandshakes: 0 });
    });
  });

  it("is all that was written before it is closed", async () => {
    await events(async () => {
      const { port, accepted } = await tlsServer();
      const [, writer] = await openConnection(HOST, port, { tls: CLIENT });
      const peer = await accepted;
      for (let i = 0; i < 32; i++) writer.write(letters(128 * 1024));
      writer.close();
      expect((await textOf(peer)).length).toBe(4 * 2 ** 20);
      peer.end();
      await writer.waitClosed();
    });
  });

  it("is all that was written also when the other side has ended", async () => {
    await events(async () => {
      const { port, accepted } = await tlsServer();
      const [reader, writer] = await openConnection(HOST, port, { tls: CLIENT });
      const peer = await accepted;
      for (let i = 0; i < 32; i++) writer.write(letters(128 * 1024));
      peer.end("goodbye");
      expect((await reader.read()).toString()).toBe("goodbye");
      expect(writer.isClosing()).toBe(true);
      expect((await textOf(peer)).length).toBe(4 * 2 ** 20);
      await writer.waitClosed();
    });
  });

  it("is what came before the end, also for a protocol that had paused reading", async () => {
    const noted = await events(async (note) => {
      class Pausing extends Noting {
        override dataReceived(data: Buffer): void {
          super.dataReceived(data);
          if (String(data) !== "hello") return;
          this.transport.write("world");
          this.transport.pauseReading();
        }
      }
      const { port, accepted } = await tlsServer();
      const [transport, protocol] = await createConnection(() => new Pausing(note), HOST, port, {
        tls: CLIENT,
      });
      const peer = await accepted;
      peer.write("hello");
      note(`peer got ${(await once(peer, "data"))[0]}`);
      peer.end("extra bytes");
      await once(peer, "finish");
      transport.resumeReading();
      await protocol.lost.wait();
    });
    expect(noted).toEqual([
      "made",
      "data hello",
      "peer got world",
      "data extra bytes",
      "eof",
      "lost in order",
    ]);
  });

  it("fails the handler when it is not TLS any more, and the server goes on", async () => {
    const noted = await events(async (note) => {
      const handler = async (reader: StreamReader, writer: StreamWriter): Promise<void> => {
        writer.write(await reader.readLine());
        const { code } = (await errorOf(reader.read())) as NodeJS.ErrnoException;
        note(String(code).slice(0, 8));
      };
      await using server = await startServer(handler, HOST, 0, { tls: SERVER });
      const way = await passage(server.port);
      const [reader, writer] = await openConnection(HOST, way.port, { tls: CLIENT });
      writer.write("in order\n");
      note(String(await reader.readLine()).trim());
      (await way.ends).toServer.write("this is no record of TLS");
      await errorOf(reader.read());
      await writer[Symbol.asyncDispose]().catch(() => {});
      while (server.statistics().connections > 0) await sleep(0);
      expect(server.isServing()).toBe(true);
    });
    expect(noted).toEqual(["in order", "ERR_SSL_"]);
  });

  it("fails the reader when it is not TLS any more", async () => {
    await events(async () => {
      const { port, accepted } = await tlsServer();
      const way = await passage(port);
      const [reader, writer] = await openConnection(HOST, way.port, { tls: CLIENT });
      (await accepted).write("in order\n");
      expect(String(await reader.readLine())).toBe("in order\n");
      (await way.ends).toClient.write("this is no record of TLS");
      const error = await errorOf(reader.read());
      expect(error).toMatchObject({ code: expect.stringMatching(/^ERR_SSL_/) });
      expect(await errorOf(writer.waitClosed())).toBe(error);
      expect(await errorOf(reader.readLine())).toBe(error);
    });
  });

  it("is lost with the connection, which a protocol is told of while it writes", async () => {
    const noted = await events(async (note) => {
      const { port, accepted } = await tlsServer();
      const way = await passage(port);
      const [transport, protocol] = await createConnection(() => new Noting(note), HOST, way.port, {
        tls: CLIENT,
      });
      await accepted;
      transport.write(letters(20_000_000));
      (await way.ends).toClient.resetAndDestroy();
      await protocol.lost.wait();
      transport.write("dropped");
      expect(transport.getWriteBufferSize()).toBe(0);
    });
    expect(noted).toEqual(["made", "pause", expect.stringMatching(/^lost (ECONNRESET|EPIPE)$/)]);
  });

  it("may be told of no more when the connection is gone", async () => {
    await events(async () => {
      const made = getRunningLoop().createFuture<Transport>();
      const ended = new Event();
      await using server = await startServer((reader: StreamReader) => reader.read(), HOST, 0, {
        tls: SERVER,
      });
      await createConnection(
        () => ({
          connectionMade: (transport) => made.setResult(transport),
          connectionLost: () => void ended.set(),
        }),
        HOST,
        server.port,
        { tls: CLIENT },
      );
      const transport = await made;
      expect(transport.getExtraInfo("peercert")?.subject.CN).toBe("server.test");
      transport.close();
      await ended.wait();
      for (const name of ["cipher", "peercert", "peername"] as const) {
        expect(transport.getExtraInfo(name), name).toBeUndefined();
      }
    });
  });
});
