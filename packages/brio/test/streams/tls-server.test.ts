import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { createTask, Event, getRunningLoop, sleep, sleepForever } from "brio";
import { openConnection, startServer } from "brio/streams";
import { describe, expect, it, onTestFinished } from "vitest";
import { errorOf } from "../compose/trace.ts";
import { leavesNothing } from "../left-behind.ts";
import { CLIENT, SERVER } from "./certificates.ts";
import { echo, events, HOST, letters, textOf } from "./loopback.ts";

leavesNothing();

/** A client that is not brio's, and has shaken hands. */
async function tlsClient(port: number): Promise<TLSSocket> {
  const socket = connectTls({ ...CLIENT, port, host: HOST });
  onTestFinished(() => void socket.destroy());
  await once(socket, "secureConnect");
  socket.on("error", () => {});
  return socket;
}

describe("a server with TLS", () => {
  it("forgets connections that are gone", async () => {
    await events(async () => {
      await using server = await startServer(echo, HOST, 0, { tls: SERVER });
      for (let i = 0; i < 5; i++) {
        const [reader, writer] = await openConnection(HOST, server.port, { tls: CLIENT });
        await using _ = writer;
        writer.write("x");
        await reader.readExactly(1);
        expect(server.statistics().connections).toBe(1);
        await writer[Symbol.asyncDispose]();
        while (server.statistics().connections > 0) await sleep(0);
      }
      expect(server.statistics().accepted).toBe(5);
    });
  });

  it("counts those against its limit whose handshake is under way, and lets others in when they are gone", async () => {
    await events(async () => {
      await using server = await startServer(echo, HOST, 0, { tls: SERVER, maxConnections: 1 });
      const silent = connect(server.port, HOST);
      onTestFinished(() => void silent.destroy());
      await once(silent, "connect");
      const refused = connect(server.port, HOST);
      onTestFinished(() => void refused.destroy());
      expect(await textOf(refused)).toBe("");
      expect(server.statistics()).toMatchObject({ accepted: 0, refused: 1 });
      silent.destroy();
      let client: TLSSocket | undefined;
      while (client === undefined) client = await tlsClient(server.port).catch(() => undefined);
      client.write("x");
      expect(String((await once(client, "data"))[0])).toBe("x");
    });
  });

  it("that is disposed of sends what its handlers wrote last", async () => {
    await events(async () => {
      const client = getRunningLoop().createFuture<TLSSocket>();
      const begun = new Event();
      const leaving = createTask(async () => {
        await using server = await startServer(
          async (_, writer) => {
            begun.set();
            try {
              await sleepForever();
            } finally {
              writer.write(letters(3_000_000));
            }
          },
          HOST,
          0,
          { tls: SERVER },
        );
        client.setResult(await tlsClient(server.port));
        await begun.wait();
      });
      expect((await textOf(await client)).length).toBe(3_000_000);
      await leaving;
    });
  });

  it("notices that a client goes away before it has shaken hands", async () => {
    await events(async () => {
      await using server = await startServer(echo, HOST, 0, { tls: SERVER });
      const client = connect(server.port, HOST);
      await once(client, "connect");
      client.end();
      while (server.statistics().failedHandshakes === 0) await sleep(0);
      expect(await textOf(client).catch(() => "")).toBe("");
    });
  });

  it("that goes away before it has shaken hands fails the client at once, also in startTls", async () => {
    await events(async () => {
      await using server = await startServer(() => {}, HOST, 0);
      expect(await errorOf(openConnection(HOST, server.port, { tls: CLIENT }))).toBeInstanceOf(Error);
      const [, writer] = await openConnection(HOST, server.port);
      expect(await errorOf(writer.startTls(CLIENT))).toBeInstanceOf(Error);
      expect(writer.isClosing()).toBe(true);
      await writer[Symbol.asyncDispose]().catch(() => {});
    });
  });

  it("whose client goes away during startTls notices it", async () => {
    await events(async () => {
      const failed = getRunningLoop().createFuture<unknown>();
      await using server = await startServer(
        async (_, writer) => failed.setResult(await errorOf(writer.startTls(SERVER))),
        HOST,
        0,
      );
      const client = connect(server.port, HOST);
      await once(client, "connect");
      client.end();
      expect(await failed).toBeInstanceOf(Error);
      client.destroy();
    });
  });

  it("that is disposed of does not wait for handshakes", async () => {
    await events(async () => {
      let silent: ReturnType<typeof connect>;
      {
        await using server = await startServer(echo, HOST, 0, { tls: SERVER });
        silent = connect(server.port, HOST);
        onTestFinished(() => void silent.destroy());
        await once(silent, "connect");
      }
      expect(await textOf(silent).catch(() => "")).toBe("");
    });
  });

  it.each([true, false])(
    "leaves no handshake behind at the end of run (closed before: %s)",
    async (closed) => {
      let silent: Socket | undefined;
      await events(async () => {
        const server = await startServer(echo, HOST, 0, { tls: SERVER, maxConnections: 1 });
        silent = connect(server.port, HOST);
        await once(silent, "connect");
        const refused = connect(server.port, HOST);
        onTestFinished(() => void refused.destroy());
        expect(await textOf(refused)).toBe(""); // so the first was accepted
        if (closed) server.close();
      });
      expect(await textOf(silent as Socket).catch(() => "")).toBe(""); // it has begun
    },
  );
});
