import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createTask, Event, sleep } from "brio";
import { open, openFileStatistics } from "brio/files";
import { openConnection, type StreamReader, type StreamWriter, startServer } from "brio/streams";
import { describe, expect, it } from "vitest";
import { errorOf } from "../compose/trace.ts";
import { leavesNothing } from "../left-behind.ts";
import { CLIENT, SERVER } from "./certificates.ts";
import { events, HOST, letters, temporaryFolder } from "./loopback.ts";

leavesNothing();

const SIZE = 3_000_001;

/** A file of letters that say where they are. */
async function lettersFile(size = SIZE): Promise<string> {
  const path = join(await temporaryFolder(), "letters");
  await writeFile(
    path,
    Uint8Array.from({ length: size }, (_, i) => 97 + (i % 26)),
  );
  return path;
}

/** What asyncio's `loop.sendfile` does: a part of a file, from where it stands. */
async function send(
  writer: StreamWriter,
  path: string,
  offset = 0,
  count = Number.POSITIVE_INFINITY,
): Promise<number> {
  await using file = await open(path);
  await file.seek(offset);
  let left = count;
  for await (const chunk of file.chunks()) {
    const part = chunk.subarray(0, left);
    writer.write(part);
    await writer.drain();
    left -= part.length;
    if (left === 0) break;
  }
  return file.position - offset;
}

describe.each([
  ["plain", {}, {}],
  ["with TLS", { tls: SERVER }, { tls: CLIENT }],
])("a file that is sent through a connection, %s", (_, serving, connecting) => {
  /** Sends to a server, and gives what that got. */
  async function sent(body: (writer: StreamWriter) => Promise<unknown>): Promise<Buffer> {
    let got: Buffer | undefined;
    const handler = async (reader: StreamReader): Promise<void> => {
      got = await reader.read();
    };
    const server = await startServer(handler, HOST, 0, serving);
    const [, writer] = await openConnection(HOST, server.port, connecting);
    await body(writer);
    writer.close();
    await writer.waitClosed();
    server.close();
    await server.waitClosed();
    if (got === undefined) throw new Error("the handler has not ended");
    return got;
  }

  it("arrives whole, in its place among what is written before and after", async () => {
    const path = await lettersFile();
    await events(async () => {
      const got = await sent(async (writer) => {
        writer.write("before ");
        expect(await send(writer, path)).toBe(SIZE);
        writer.write(" after");
      });
      expect(
        got.equals(Buffer.concat([Buffer.from("before "), await readFile(path), Buffer.from(" after")])),
      ).toBe(true);
    });
  });

  it("may be a part of one, or nothing", async () => {
    const path = await lettersFile();
    const empty = await lettersFile(0);
    await events(async () => {
      const got = await sent(async (writer) => {
        await send(writer, path, 1_000_000, 100_000);
        await send(writer, empty);
      });
      expect(got.equals((await readFile(path)).subarray(1_000_000, 1_100_000))).toBe(true);
    });
  });

  it("ends with an error if the other side goes away in the middle, and leaves nothing open", async () => {
    const path = await lettersFile(16_000_000);
    await events(async () => {
      const gone = new Event();
      await using server = await startServer(
        async (reader, writer) => {
          await reader.readExactly(100_000);
          writer.transport.abort();
          gone.set();
        },
        HOST,
        0,
        serving,
      );
      const [, writer] = await openConnection(HOST, server.port, connecting);
      const error = (await errorOf(send(writer, path))) as NodeJS.ErrnoException;
      expect(error.code ?? error.name).toMatch(/^(EPIPE|ECONNRESET|ConnectionResetError)$/);
      await gone.wait();
      await writer[Symbol.asyncDispose]().catch(() => {});
      expect(openFileStatistics().open).toBe(0);
    });
  });

  it("stops when it is cancelled: the connection can be used on", async () => {
    const path = await lettersFile(16_000_000);
    await events(async () => {
      const go = new Event();
      let got = 0;
      const handler = async (reader: StreamReader): Promise<void> => {
        await go.wait();
        for await (const chunk of reader.chunks()) got += chunk.length;
      };
      const server = await startServer(handler, HOST, 0, serving);
      const [, writer] = await openConnection(HOST, server.port, connecting);
      const sending = createTask(() => send(writer, path));
      while (writer.transport.getWriteBufferSize() < 65_536) await sleep(0);
      sending.cancel();
      await errorOf(sending);
      expect(openFileStatistics().open).toBe(0);
      go.set();
      await writer.drain();
      const before = got;
      writer.write(letters(1000));
      writer.close();
      await writer.waitClosed();
      server.close();
      await server.waitClosed();
      expect(got).toBeGreaterThan(before + 999);
      expect(got).toBeLessThan(16_000_000);
    });
  });
});
