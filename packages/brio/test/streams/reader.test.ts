import { createTask, getRunningLoop, RuntimeError, sleep, wait } from "brio";
import { IncompleteReadError, LimitOverrunError, type ReadFlow, StreamReader } from "brio/streams";
import { cancelAnywhere, Random, runVirtual, waitAllTasksBlocked } from "brio/testing";
import { describe, expect, it } from "vitest";

// What CPython's reader does is checked by the recorded programs (conformance); here is what these can't see.

const bytes = (text: string): Buffer => Buffer.from(text, "latin1");

/** Feeds a text in pieces, a millisecond apart, and ends the stream. */
function feed(reader: StreamReader, pieces: readonly string[]): void {
  const loop = getRunningLoop();
  for (const [i, piece] of pieces.entries()) loop.callLater(i + 1, () => reader.feedData(bytes(piece)));
  loop.callLater(pieces.length + 1, () => reader.feedEof());
}

/** Cuts a text into pieces of random lengths. */
function cut(text: string, random: Random): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < text.length; ) {
    const length = 1 + random.integer(7);
    pieces.push(text.slice(at, at + length));
    at += length;
  }
  return pieces;
}

const TEXT = "first line\nsecond\n\nthe fourth line is longer than the others\nlast, without an end";

type Read = (reader: StreamReader) => Promise<Buffer>;

const reads: readonly (readonly [name: string, read: Read])[] = [
  ["read(7)", (reader) => reader.read(7)],
  ["read(): to the end", (reader) => reader.read()],
  ["readPieces(3, 7)", async (reader) => Buffer.concat(await reader.readPieces(3, 7))],
  ["readLine", (reader) => reader.readLine()],
  ["readExactly(9)", (reader) => reader.readExactly(9).catch(partial)],
  ["readUntil", (reader) => reader.readUntil(["th", "ne"]).catch(partial)],
];

function partial(error: unknown): Buffer {
  if (error instanceof IncompleteReadError) return error.partial;
  throw error;
}

describe.each(reads)("%s", (_name, read) => {
  it.each([1, 2, 3, 4, 5])("gives all of a stream that comes in pieces (seed %i)", (seed) =>
    runVirtual(async () => {
      const reader = new StreamReader();
      feed(reader, cut(TEXT, new Random(seed)));
      let got = "";
      while (!reader.atEof()) got += (await read(reader)).toString("latin1");
      expect(got).toBe(TEXT);
    }),
  );

  it("loses nothing when it is cancelled, wherever it is", async () => {
    const { points } = await cancelAnywhere(
      async (trial) => {
        const reader = new StreamReader();
        feed(reader, cut(TEXT, new Random(6)));
        let got = "";
        const readAll = async (): Promise<void> => {
          while (!reader.atEof()) got += (await read(reader)).toString("latin1");
        };
        await wait([createTask(readAll, { name: "victim" })]);
        await readAll(); // what the task did not come to
        trial.check(() => expect(got).toBe(TEXT));
      },
      { targets: (task) => task.getName() === "victim" },
    );
    expect(points).toBeGreaterThan(20);
  });
});

describe("a reader", () => {
  it("pauses what feeds it at more than twice its limit, and resumes it at the limit, or when a read has to wait", () =>
    runVirtual(async () => {
      const events: string[] = [];
      const flow: ReadFlow = {
        pauseReading: () => void events.push("pause"),
        resumeReading: () => void events.push("resume"),
      };
      const reader = new StreamReader({ limit: 10 });
      reader.setTransport(flow);
      reader.feedData(bytes("x".repeat(20)));
      expect(events).toEqual([]);
      reader.feedData(bytes("x"));
      expect(events).toEqual(["pause"]);
      await reader.readExactly(10);
      expect(events).toEqual(["pause"]);
      await reader.readExactly(1);
      expect(events).toEqual(["pause", "resume"]);
      reader.feedData(bytes("x".repeat(11)));
      const more = createTask(() => reader.readExactly(30));
      await waitAllTasksBlocked();
      expect(events).toEqual(["pause", "resume", "pause", "resume"]);
      reader.feedData(bytes("x".repeat(9)));
      expect((await more).length).toBe(30);
    }));

  it("does not copy what is read as it came", () =>
    runVirtual(async () => {
      const reader = new StreamReader();
      const chunk = Buffer.alloc(1000, "a");
      reader.feedData(chunk);
      reader.feedData(chunk);
      expect((await reader.read(1000)).buffer).toBe(chunk.buffer);
      expect((await reader.read(1000)).buffer).toBe(chunk.buffer);
    }));

  it("never writes to what it has handed out", () =>
    runVirtual(async () => {
      const reader = new StreamReader();
      const handed: Buffer[] = [];
      let expected = "";
      for (let i = 0; i < 500; i++) {
        const line = `line ${i} ${"x".repeat(i % 40)}\n`;
        expected += line;
        for (const piece of cut(line, new Random(i))) reader.feedData(bytes(piece));
        if (i % 3 > 0) handed.push(await reader.readLine());
        if (i % 3 === 2) handed.push(await reader.read(5));
        if (i % 7 === 6) handed.push(await reader.readLine());
      }
      reader.feedEof();
      handed.push(await reader.read());
      expect(Buffer.concat(handed).toString()).toBe(expected);
    }));

  it("lets one task wait at a time", () =>
    runVirtual(async () => {
      const reader = new StreamReader();
      const first = createTask(() => reader.readLine());
      await waitAllTasksBlocked();
      await expect(reader.read(1)).rejects.toThrow(RuntimeError);
      await expect(reader.read(1)).rejects.toThrow(
        /reader\.read\(\) was called while another task waits in reader\.readLine\(\)/,
      );
      reader.feedData(bytes("line\nmore"));
      expect((await first).toString()).toBe("line\n");
      expect((await reader.read(4)).toString()).toBe("more");
    }));

  it("throws the error of its connection from a read that waits, and from all later ones", () =>
    runVirtual(async () => {
      const reader = new StreamReader();
      const waiting = createTask(() => reader.readLine());
      await waitAllTasksBlocked();
      reader.feedData(bytes("no end"));
      const error = new Error("reset");
      reader.setException(error);
      await expect(waiting).rejects.toBe(error);
      await expect(reader.read(1)).rejects.toBe(error);
      expect(reader.exception()).toBe(error);
    }));

  it("gives a read that waits what has come before the connection failed", () =>
    runVirtual(async () => {
      const reader = new StreamReader();
      const waiting = createTask(() => reader.readLine());
      await waitAllTasksBlocked();
      reader.feedData(bytes("last words\n"));
      reader.setException(new Error("reset"));
      expect((await waiting).toString()).toBe("last words\n");
      await expect(reader.read(1)).rejects.toThrow("reset");
    }));

  it("goes on with the next line after one that is too long", () =>
    runVirtual(async () => {
      const reader = new StreamReader({ limit: 8 });
      reader.feedData(bytes("short\nmuch too long\nnext\n"));
      reader.feedEof();
      const lines: string[] = [];
      const iterator = reader[Symbol.asyncIterator]();
      for (;;) {
        try {
          const { done, value } = await iterator.next();
          if (done) break;
          lines.push(value.toString());
        } catch (error) {
          lines.push((error as Error).message);
          expect((error as Error).cause).toBeInstanceOf(LimitOverrunError);
        }
      }
      expect(lines).toEqual([
        "short\n",
        "the line is longer than the reader's limit of 8 bytes, and was dropped: give the stream a higher limit",
        "next\n",
      ]);
    }));

  it("gives chunks as they come", () =>
    runVirtual(async () => {
      const reader = new StreamReader();
      feed(reader, ["ab", "cdefg", "h"]);
      const chunks: string[] = [];
      for await (const chunk of reader.chunks(3)) chunks.push(chunk.toString());
      expect(chunks).toEqual(["ab", "cde", "fg", "h"]);
    }));

  it("copies each byte of a line in many pieces a bounded number of times", () =>
    runVirtual(async () => {
      const size = 2_000_000;
      const reader = new StreamReader({ limit: size });
      const task = createTask(() => reader.readLine());
      for (let i = 0; i < size; i += 1000) {
        reader.feedData(Buffer.alloc(1000, "a"));
        await sleep(0); // the task looks for the end of the line
      }
      reader.feedData(bytes("\n"));
      expect((await task).length).toBe(size + 1);
    }));

  it("says what is wrong with its arguments", () =>
    runVirtual(async () => {
      const reader = new StreamReader();
      expect(() => new StreamReader({ limit: 0 })).toThrow("limit must be a whole number of bytes > 0");
      await expect(reader.read(1.5)).rejects.toThrow("n must be a whole number of bytes, or -1; got 1.5");
      await expect(reader.readExactly(-1)).rejects.toThrow("n must be a whole number of bytes >= 0; got -1");
      await expect(reader.readUntil("")).rejects.toThrow("separator must be at least one byte");
      await expect(reader.readUntil([])).rejects.toThrow("separator must be at least one byte");
      await expect(reader.readUntil(7 as never)).rejects.toThrow("separator must be text or bytes");
      expect(() => reader.chunks(0)).toThrow("size must be a whole number of bytes > 0; got 0");
      reader.feedEof();
      expect(() => reader.feedData(bytes("late"))).toThrow("feedData() after feedEof()");
    }));

  it("can't be read outside a task", async () => {
    await expect(new StreamReader().read(1)).rejects.toThrow("reader.read() needs a running event loop");
  });
});
