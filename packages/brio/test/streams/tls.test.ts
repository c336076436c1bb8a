import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { createTask, run, TimeoutError, taskGroup, timeout } from "brio";
import {
  openConnection,
  openUnixConnection,
  type Server,
  type StreamReader,
  type StreamWriter,
  startServer,
} from "brio/streams";
import { describe, expect, it } from "vitest";
import { leavesNothing } from "../left-behind.ts";
import { CLIENT_IDENTITY, ca, SERVER } from "./certificates.ts";
import { deadPort } from "./loopback.ts";

leavesNothing();

/** Sends back each line in capitals. */
async function shout(reader: StreamReader, writer: StreamWriter): Promise<void> {
  for await (const line of reader) {
    writer.write(line.toString().toUpperCase());
    await writer.drain();
  }
}

async function ask(reader: StreamReader, writer: StreamWriter, question: string): Promise<string> {
  writer.write(`${question}\n`);
  await writer.drain();
  return (await reader.readLine()).toString().trim();
}

const local = "127.0.0.1";

describe("TLS", () => {
  it("encrypts what goes both ways, and says with what", () =>
    run(async () => {
      await using listening = await startServer(shout, local, 0, { tls: SERVER });
      const [reader, writer] = await openConnection("localhost", listening.port, { family: 4, tls: { ca } });
      await using _ = writer;
      expect(await ask(reader, writer, "hello")).toBe("HELLO");
      expect(writer.getExtraInfo("cipher")?.version).toMatch(/^TLSv1\.[23]$/);
      expect(writer.getExtraInfo("peercert")?.subject.CN).toBe("server.test");
      expect(writer.canWriteEof()).toBe(false);
    }));

  it("agrees on a protocol (ALPN)", () =>
    run(async () => {
      const tls = { ...SERVER, ALPNProtocols: ["h2", "http/1.1"] };
      await using listening = await startServer(
        async (_, writer) => writer.write(`${writer.getExtraInfo("alpnProtocol")}\n`),
        local,
        0,
        { tls },
      );
      const [reader, writer] = await openConnection(local, listening.port, {
        tls: { ca, ALPNProtocols: ["http/1.1"] },
      });
      await using _ = writer;
      expect((await reader.readLine()).toString()).toBe("http/1.1\n");
      expect(writer.getExtraInfo("alpnProtocol")).toBe("http/1.1");
    }));

  it("lets only clients in that the server's authority vouches for", () =>
    run(async () => {
      const tls = { ...SERVER, ca, requestCert: true, rejectUnauthorized: true };
      await using listening = await startServer(
        async (_, writer) => writer.write(`${writer.getExtraInfo("peercert")?.subject.CN}\n`),
        local,
        0,
        { tls },
      );
      const [reader, writer] = await openConnection(local, listening.port, {
        tls: { ca, ...CLIENT_IDENTITY },
      });
      await using _ = writer;
      expect((await reader.readLine()).toString()).toBe("client.test\n");
      // With TLS 1.2 the server's answer is part of the handshake; with 1.3 it comes after it.
      const stranger = openConnection(local, listening.port, { tls: { ca, maxVersion: "TLSv1.2" } });
      await expect(stranger).rejects.toThrow();
      expect(listening.statistics()).toMatchObject({ accepted: 1, failedHandshakes: 1 });
    }));

  it("refuses a server that nobody vouches for, and one of another name", () =>
    run(async () => {
      await using listening = await startServer(shout, local, 0, { tls: SERVER });
      await expect(openConnection(local, listening.port, { tls: true })).rejects.toMatchObject({
        code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
      });
      const other = openConnection(local, listening.port, { tls: { ca, servername: "elsewhere.test" } });
      await expect(other).rejects.toMatchObject({ code: "ERR_TLS_CERT_ALTNAME_INVALID" });
      expect(listening.statistics().connections).toBe(0);
    }));

  it("ends with the side that ends: there is no half of it", () =>
    run(async () => {
      await using listening = await startServer(async (_, writer) => writer.write("bye"), local, 0, {
        tls: SERVER,
      });
      const [reader, writer] = await openConnection(local, listening.port, { tls: { ca } });
      expect((await reader.read()).toString()).toBe("bye");
      await writer.waitClosed();
      expect(writer.isClosing()).toBe(true);
    }));
});

describe("a TLS handshake", () => {
  /** A server that accepts and says nothing. */
  async function withMute(body: (port: number) => Promise<void>): Promise<void> {
    const mute = createServer().listen(0, local);
    await once(mute, "listening");
    const accepted = once(mute, "connection");
    try {
      await body((mute.address() as AddressInfo).port);
      const [socket] = await accepted;
      if (!socket.closed) await once(socket.resume(), "close"); // the client is gone
    } finally {
      mute.close();
    }
  }

  it("that stalls ends with its own time limit", () =>
    withMute((port) =>
      run(async () => {
        const connecting = openConnection(local, port, { tls: { handshakeTimeout: "30ms" } });
        await expect(connecting).rejects.toThrow(TimeoutError);
      }),
    ));

  it("that stalls can be cancelled", () =>
    withMute((port) =>
      run(async () => {
        const connecting = timeout("30ms", () => openConnection(local, port, { tls: true }));
        await expect(connecting).rejects.toThrow(TimeoutError);
      }),
    ));

  it("with a client that says nothing ends with the server's time limit, and with the server", () =>
    run(async () => {
      const tls = { ...SERVER, handshakeTimeout: "50ms" as const };
      await using listening = await startServer(shout, local, 0, { tls });
      const silent = connect(listening.port, local);
      silent.on("error", () => {});
      await once(silent.resume(), "close");
      expect(listening.statistics()).toMatchObject({ accepted: 0, failedHandshakes: 1 });
      const left = connect(listening.port, local);
      left.on("error", () => {});
      await once(left, "connect");
      await listening[Symbol.asyncDispose]();
      if (!left.closed) await once(left.resume(), "close");
    }));

  it("with something that is not TLS is counted, and the server goes on", () =>
    run(async () => {
      await using listening = await startServer(shout, local, 0, { tls: SERVER });
      const stranger = connect(listening.port, local, () => stranger.write("GET / HTTP/1.1\r\n\r\n"));
      stranger.on("error", () => {});
      await once(stranger.resume(), "close");
      const [reader, writer] = await openConnection(local, listening.port, { tls: { ca } });
      await using _ = writer;
      expect(await ask(reader, writer, "still there?")).toBe("STILL THERE?");
      expect(listening.statistics()).toMatchObject({ accepted: 1, failedHandshakes: 1 });
    }));
});

describe("startTls", () => {
  /** Asks for TLS in plain text, and goes on with it. */
  const startUpgrading = (
    before: (writer: StreamWriter) => Promise<void> = async () => {},
  ): Promise<Server> =>
    startServer(
      async (reader, writer) => {
        expect((await reader.readLine()).toString()).toBe("STARTTLS\n");
        writer.write("go ahead\n");
        await before(writer);
        await writer.startTls(SERVER);
        await shout(reader, writer);
      },
      local,
      0,
    );

  it("encrypts a connection that stands, on both sides", () =>
    run(async () => {
      await using listening = await startUpgrading();
      const [reader, writer] = await openConnection(local, listening.port);
      await using _ = writer;
      expect(await ask(reader, writer, "STARTTLS")).toBe("go ahead");
      await writer.startTls({ ca, servername: "localhost" });
      expect(await ask(reader, writer, "secret")).toBe("SECRET");
      expect(writer.getExtraInfo("peercert")?.subject.CN).toBe("server.test");
      await expect(writer.startTls({ ca })).rejects.toThrow("this connection is encrypted already");
    }));

  it("gives to TLS what has come before the server begins with it", () =>
    run(async () => {
      let arrived = (): void => {};
      const hello = new Promise<void>((resolve) => {
        arrived = resolve;
      });
      await using listening = await startUpgrading((writer) => {
        writer.getExtraInfo("socket")?.once("data", arrived); // the client's first message of the handshake
        return hello;
      });
      const [reader, writer] = await openConnection(local, listening.port);
      await using _ = writer;
      expect(await ask(reader, writer, "STARTTLS")).toBe("go ahead");
      await writer.startTls({ ca, servername: "localhost" });
      expect(await ask(reader, writer, "early")).toBe("EARLY");
    }));

  it("that is refused leaves no connection", () =>
    run(async () => {
      await using listening = await startUpgrading();
      const [reader, writer] = await openConnection(local, listening.port);
      expect(await ask(reader, writer, "STARTTLS")).toBe("go ahead");
      const refused = writer.startTls({ ca, servername: "elsewhere.test" });
      await expect(refused).rejects.toMatchObject({ code: "ERR_TLS_CERT_ALTNAME_INVALID" });
      await writer.waitClosed().catch(() => {});
      expect(reader.atEof() || reader.exception() !== undefined).toBe(true);
    }));

  it("can be cancelled, and leaves no connection then", () =>
    run(async () => {
      await using listening = await startServer(async (reader) => void (await reader.read()), local, 0);
      const [, writer] = await openConnection(local, listening.port);
      await taskGroup(async () => {
        const upgrading = createTask(() => writer.startTls({ ca, servername: "localhost" }));
        await expect(timeout("30ms", () => upgrading)).rejects.toThrow(TimeoutError);
      });
      await writer.waitClosed().catch(() => {});
      expect(writer.isClosing()).toBe(true);
    }));
});

describe("options of TLS", () => {
  const wrong = (value: unknown): never => value as never; // wrong on purpose

  it("that can't be right are refused by name, before anything is done", () =>
    run(async () => {
      const port = await deadPort();
      const client = (tls: unknown) => openConnection(local, port, { tls: wrong(tls) });
      const server = (tls: unknown) => startServer(shout, local, 0, { tls: wrong(tls) });
      await expect(client("yes")).rejects.toThrow(/^tls must be true, or options such as .* got 'yes'$/);
      await expect(client(null)).rejects.toThrow(/^tls must be true/);
      await expect(server(true)).rejects.toThrow(/^tls of a server must be its options, .* got true$/);
      await expect(server({ ca })).rejects.toThrow(
        /^tls of a server needs .* \{ key, cert \}; got \[ 'ca' \]$/,
      );
      for (const handshakeTimeout of [0, -10, "0s"]) {
        await expect(client({ handshakeTimeout })).rejects.toThrow(/^handshakeTimeout /);
        await expect(server({ ...SERVER, handshakeTimeout })).rejects.toThrow(/^handshakeTimeout /);
      }
      const unix = (tls: unknown) => openUnixConnection("/nowhere", { tls: wrong(tls) });
      await expect(unix(5)).rejects.toThrow(/^tls must be true/);
    }));

  it("that startTls can't use leave the connection as it is, in plain text", () =>
    run(async () => {
      await using listening = await startServer(
        async (reader, writer) => {
          await expect(writer.startTls({ ca })).rejects.toThrow(/^tls of a server needs/);
          await shout(reader, writer);
        },
        local,
        0,
      );
      const [reader, writer] = await openConnection(local, listening.port);
      await using _ = writer;
      await expect(writer.startTls(wrong(undefined))).rejects.toThrow(/^tls must be true, or options/);
      await expect(writer.startTls({ ca })).rejects.toThrow(/^tls needs the name .* servername: /);
      await expect(writer.startTls({ ca, servername: "" })).rejects.toThrow(/^tls needs the name/);
      await expect(writer.startTls({ ca, handshakeTimeout: 0 })).rejects.toThrow(/^handshakeTimeout must be/);
      expect(await ask(reader, writer, "still plain")).toBe("STILL PLAIN");
    }));
});
