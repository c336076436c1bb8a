import { createTask, getRunningLoop, sleep } from "brio";
import { IncompleteReadError, LimitOverrunError, StreamReader } from "brio/streams";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";
import { errorOf } from "../compose/trace.ts";

// What CPython's own tests observe of a reader, one by one.

const TEXT = "line1\nline2\nline3\n";

/** A reader that has got these pieces already. */
function readerOf(pieces: readonly string[], limit?: number): StreamReader {
  const reader = new StreamReader({ limit });
  for (const piece of pieces) reader.feedData(Buffer.from(piece));
  return reader;
}

/** The reader gets these pieces when the task that reads waits for them; then the stream ends, if it is told so. */
function feedLater(reader: StreamReader, pieces: readonly string[], end = false): void {
  getRunningLoop().callSoon(() => {
    for (const piece of pieces) reader.feedData(Buffer.from(piece));
    if (end) reader.feedEof();
  });
}

const text = async (read: Promise<Buffer>): Promise<string> => (await read).toString();

/** What is left in the buffer. Ends the stream. */
function rest(reader: StreamReader): Promise<string> {
  reader.feedEof();
  return text(reader.read());
}

describe("feedData", () => {
  it("of nothing adds nothing", () =>
    runVirtual(async () => {
      expect(await rest(readerOf([""]))).toBe("");
    }));

  it("adds to what is there", () =>
    runVirtual(async () => {
      expect(await rest(readerOf([TEXT, TEXT]))).toBe(TEXT + TEXT);
    }));
});

describe("read", () => {
  it("of no bytes gives none, and leaves all", () =>
    runVirtual(async () => {
      const reader = readerOf([TEXT]);
      expect(await text(reader.read(0))).toBe("");
      expect(await rest(reader)).toBe(TEXT);
    }));

  it("waits until something has come, and gives what there is", () =>
    runVirtual(async () => {
      const reader = new StreamReader();
      feedLater(reader, [TEXT]);
      expect(await text(reader.read(30))).toBe(TEXT);
      expect(await rest(reader)).toBe("");
    }));

  it("gives at most so many bytes, wherever lines and pieces end", () =>
    runVirtual(async () => {
      const reader = readerOf(["line1", "line2"]);
      expect(await text(reader.read(5))).toBe("line1");
      expect(await rest(reader)).toBe("line2");
    }));

  it("gives nothing at the end of the stream", () =>
    runVirtual(async () => {
      const reader = new StreamReader();
      feedLater(reader, [], true);
      expect(await text(reader.read(1024))).toBe("");
    }));

  it("without a number gives all up to the end", () =>
    runVirtual(async () => {
      for (const read of [(from: StreamReader) => from.read(), (from: StreamReader) => from.read(-1)]) {
        const reader = new StreamReader();
        feedLater(reader, ["chunk1\n", "chunk2"], true);
        expect(await text(read(reader))).toBe("chunk1\nchunk2");
      }
    }));

  it("may give more than the limit", () =>
    runVirtual(async () => {
      expect(await text(readerOf(["chunk"], 3).read(5))).toBe("chunk");
    }));

  it("throws the reader's error, even if there is data", () =>
    runVirtual(async () => {
      const reader = readerOf(["line\n"]);
      expect(await text(reader.read(2))).toBe("li");
      reader.setException(new Error("lost"));
      for (const read of [() => reader.read(2), () => reader.readLine(), () => reader.readExactly(2)]) {
        expect(await errorOf(read())).toEqual(new Error("lost"));
      }
    }));
});

describe("readPieces", () => {
  const texts = async (reading: Promise<Buffer[]>): Promise<string[]> =>
    (await reading).map((piece) => piece.toString());

  it("gives what has come as it came, up to the most", () =>
    runVirtual(async () => {
      const reader = readerOf(["one", "two", "three"]);
      expect(await texts(reader.readPieces(1, 7))).toEqual(["one", "two", "t"]);
      expect(await texts(reader.readPieces(1, 7))).toEqual(["hree"]);
    }));

  it("copies nothing", () =>
    runVirtual(async () => {
      const piece = Buffer.from("piece");
      const reader = new StreamReader();
      reader.feedData(piece);
      expect((await reader.readPieces(1, 10))[0]).toBe(piece);
    }));

  it("waits for the least, or the end of the stream, where nothing is left", () =>
    runVirtual(async () => {
      const reader = new StreamReader();
      reader.feedData(Buffer.from("one"));
      feedLater(reader, ["two"]);
      expect(await texts(reader.readPieces(4, 100))).toEqual(["one", "two"]);
      feedLater(reader, ["three"], true);
      expect(await texts(reader.readPieces(100, 100))).toEqual(["three"]);
      expect(await reader.readPieces(1, 100)).toEqual([]);
    }));

  it("waits for more than the reader holds before it has its source pause", () =>
    runVirtual(async () => {
      const moves: string[] = [];
      const reader = new StreamReader({ limit: 2 });
      reader.setTransport({
        pauseReading: () => moves.push("pause"),
        resumeReading: () => moves.push("resume"),
      });
      feedLater(reader, ["chunk1", "chunk2"]);
      expect(await texts(reader.readPieces(12, 12))).toEqual(["chunk1", "chunk2"]);
      expect(moves.at(-1)).toBe("resume");
    }));

  it("gives what came before the connection was lost, and then throws", () =>
    runVirtual(async () => {
      const reader = readerOf(["one", "two"]);
      reader.setException(new Error("lost"));
      expect(await texts(reader.readPieces(5, 5))).toEqual(["one", "tw"]);
      expect(await texts(reader.readPieces(5, 5))).toEqual(["o"]);
      expect(await errorOf(reader.readPieces(5, 5))).toEqual(new Error("lost"));
    }));

  it("needs numbers that make sense", () =>
    runVirtual(async () => {
      for (const [least, most] of [
        [0, 1],
        [1.5, 2],
        [2, 1],
        [1, Number.NaN],
      ] as const)
        expect(await errorOf(readerOf(["data"]).readPieces(least, most))).toBeInstanceOf(RangeError);
    }));
});

describe("a limit", () => {
  it("must be more than nothing", () => {
    for (const limit of [0, -1, 1.5, Number.NaN])
      expect(() => new StreamReader({ limit })).toThrow(RangeError);
  });
});

describe("readLine", () => {
  it("waits until the end of the line has come", () =>
    runVirtual(async () => {
      const reader = readerOf(["chunk1 "]);
      feedLater(reader, ["chunk2 ", "chunk3 ", "\n chunk4"]);
      expect(await text(reader.readLine())).toBe("chunk1 chunk2 chunk3 \n");
      expect(await rest(reader)).toBe(" chunk4");
    }));

  it("need not wait for a line that is there", () =>
    runVirtual(async () => {
      const reader = readerOf([TEXT.slice(0, 6), TEXT.slice(6)]);
      expect(await text(reader.readLine())).toBe("line1\n");
      expect(await rest(reader)).toBe("line2\nline3\n");
    }));

  it("drops a line that is there and longer than the limit: through its end, or all that has come of it", () =>
    runVirtual(async () => {
      const whole = readerOf(["li", "ne1\nline2\n"], 3);
      expect(await errorOf(whole.readLine())).toBeInstanceOf(RangeError);
      expect(await rest(whole)).toBe("line2\n");
      const part = readerOf(["li", "ne1", "li"], 3);
      expect(await errorOf(part.readLine())).toBeInstanceOf(RangeError);
      expect(await rest(part)).toBe("");
    }));

  it("drops a line that comes and is longer than the limit", () =>
    runVirtual(async () => {
      const alone = new StreamReader({ limit: 7 });
      feedLater(alone, ["chunk1", "chunk2", "chunk3\n"], true);
      expect(await errorOf(alone.readLine())).toBeInstanceOf(RangeError);
      expect(await text(alone.read())).toBe("");
      const followed = new StreamReader({ limit: 7 });
      feedLater(followed, ["chunk1", "chunk2\n", "chunk3\n"], true);
      expect(await errorOf(followed.readLine())).toBeInstanceOf(RangeError);
      expect(await text(followed.read())).toBe("chunk3\n");
    }));

  it("takes a line of just the limit, not counting its end", () =>
    runVirtual(async () => {
      const reader = readerOf(["1234567\n"], 7);
      expect(await text(reader.readLine())).toBe("1234567\n");
      for (const long of ["12345678\n", "12345678"]) {
        reader.feedData(Buffer.from(long));
        expect(await errorOf(reader.readLine())).toBeInstanceOf(RangeError);
      }
      expect(await rest(reader)).toBe("");
    }));

  it("gives the last line without an end, and then nothing", () =>
    runVirtual(async () => {
      const reader = readerOf(["some data"]);
      reader.feedEof();
      expect(await text(reader.readLine())).toBe("some data");
      expect(await text(reader.readLine())).toBe("");
    }));

  it("can be followed by a read of bytes", () =>
    runVirtual(async () => {
      const reader = readerOf([TEXT]);
      await reader.readLine();
      expect(await text(reader.read(7))).toBe("line2\nl");
      expect(await rest(reader)).toBe("ine3\n");
    }));
});

describe("atEof", () => {
  it("is true when the stream has ended and all of it was read", () =>
    runVirtual(async () => {
      const reader = new StreamReader();
      const seen = [reader.atEof()];
      reader.feedData(Buffer.from("some data\n"));
      seen.push(reader.atEof());
      await reader.readLine();
      seen.push(reader.atEof());
      reader.feedData(Buffer.from("some data\n"));
      reader.feedEof();
      seen.push(reader.atEof());
      await reader.readLine();
      seen.push(reader.atEof());
      expect(seen).toEqual([false, false, false, false, true]);
    }));
});

describe("readUntil", () => {
  it("needs a separator, and none that is empty", () =>
    runVirtual(async () => {
      const reader = new StreamReader();
      for (const separator of ["", [""], [], ["x", Buffer.alloc(0)]]) {
        expect(await errorOf(reader.readUntil(separator))).toBeInstanceOf(RangeError);
      }
    }));

  it("gives what comes up to and with the separator", () =>
    runVirtual(async () => {
      const reader = readerOf(["lineAAA"]);
      expect(await text(reader.readUntil("AAA"))).toBe("lineAAA");
      reader.feedData(Buffer.from("lineAAAxxx"));
      expect(await text(reader.readUntil("AAA"))).toBe("lineAAA");
      expect(await rest(reader)).toBe("xxx");
    }));

  it.each([
    [["QWEaa", "XYaa", "a"]],
    [["QWEaa", "XYa", "aa"]],
    [["aaa"]],
    [["Xaaa"]],
    [["XXX", "a", "a", "a"]],
  ])("finds a separator in pieces: %j", (pieces) =>
    runVirtual(async () => {
      expect(await text(readerOf(pieces).readUntil("aaa"))).toBe(pieces.join(""));
      const waiting = new StreamReader();
      for (const piece of pieces) feedLater(waiting, [piece]);
      expect(await text(waiting.readUntil("aaa"))).toBe(pieces.join(""));
    }),
  );

  it("takes bytes for a separator", () =>
    runVirtual(async () => {
      expect(await text(readerOf(["some data\r\n"]).readUntil(new Uint8Array([13, 10])))).toBe(
        "some data\r\n",
      );
    }));

  it("gives what there was when the stream ends before", () =>
    runVirtual(async () => {
      const reader = readerOf(["some dataAA"]);
      reader.feedEof();
      const error = await errorOf(reader.readUntil("AAA"));
      expect(error).toBeInstanceOf(IncompleteReadError);
      expect(error).toMatchObject({ partial: Buffer.from("some dataAA"), expected: null });
      expect(reader.atEof()).toBe(true);
    }));

  it("leaves the data where it is if the limit is overrun, with the separator or without", () =>
    runVirtual(async () => {
      const reader = readerOf(["some dataAA"], 3);
      const missing = await errorOf(reader.readUntil("AAA"));
      expect(missing).toBeInstanceOf(LimitOverrunError);
      expect(missing).toMatchObject({ consumed: 9 });
      reader.feedData(Buffer.from("A"));
      const found = await errorOf(reader.readUntil("AAA"));
      expect(found).toBeInstanceOf(LimitOverrunError);
      expect(found).toMatchObject({ consumed: 9 });
      expect(await rest(reader)).toBe("some dataAAA");
    }));

  it("of several separators takes the one that ends first, even if it is longer", () =>
    runVirtual(async () => {
      const reader = readerOf(["line 1\nline 2\r"]);
      expect(await text(reader.readUntil(["\r", "\n"]))).toBe("line 1\n");
      expect(await text(reader.readUntil(["\r", "\n"]))).toBe("line 2\r");
      reader.feedData(Buffer.from("ABCDEFG"));
      expect(await text(reader.readUntil(["DEF", "BCDE"]))).toBe("ABCDE");
      expect(await rest(reader)).toBe("FG");
    }));

  it("of several separators that end together takes the shortest for the limit", () =>
    runVirtual(async () => {
      const reader = readerOf(["some dataA"], 3);
      const error = await errorOf(reader.readUntil(["A", "ome dataA"]));
      expect(error).toBeInstanceOf(LimitOverrunError);
      expect(error).toMatchObject({ consumed: 9 });
      expect(await rest(reader)).toBe("some dataA");
    }));

  it("begins at the beginning when less has come than the longest separator", () =>
    runVirtual(async () => {
      const reader = readerOf(["data"]);
      feedLater(reader, ["Z"]);
      feedLater(reader, ["Aaaa"]);
      expect(await text(reader.readUntil(["A", "long sep"]))).toBe("dataZA");
      expect(await rest(reader)).toBe("aaa");
    }));
});

describe("readExactly", () => {
  it("of no bytes gives none, and less is an error", () =>
    runVirtual(async () => {
      const reader = readerOf([TEXT]);
      expect(await text(reader.readExactly(0))).toBe("");
      expect(await errorOf(reader.readExactly(-1))).toBeInstanceOf(RangeError);
      expect(await rest(reader)).toBe(TEXT);
    }));

  it("waits until so many have come, and leaves the others", () =>
    runVirtual(async () => {
      const reader = new StreamReader();
      feedLater(reader, [TEXT, TEXT, TEXT]);
      expect(await text(reader.readExactly(2 * TEXT.length))).toBe(TEXT + TEXT);
      expect(await rest(reader)).toBe(TEXT);
    }));

  it("may give more than the limit", () =>
    runVirtual(async () => {
      expect(await text(readerOf(["chunk"], 3).readExactly(5))).toBe("chunk");
    }));

  it("gives what there was when the stream ends before", () =>
    runVirtual(async () => {
      const reader = new StreamReader();
      feedLater(reader, [TEXT], true);
      const error = await errorOf(reader.readExactly(36));
      expect(error).toBeInstanceOf(IncompleteReadError);
      expect(error).toMatchObject({ partial: Buffer.from(TEXT), expected: 36 });
      expect(String(error)).toContain("the stream ended after 18 bytes; 36 bytes had not come");
      expect(reader.atEof()).toBe(true);
    }));
});

describe("the reader's error", () => {
  it("is told by exception()", () => {
    const reader = new StreamReader();
    expect(reader.exception()).toBeUndefined();
    const error = new Error("lost");
    reader.setException(error);
    expect(reader.exception()).toBe(error);
  });

  it("may come after the read that waited was cancelled", () =>
    runVirtual(async () => {
      const reader = new StreamReader();
      const reading = createTask(() => reader.readLine());
      await sleep(1);
      reading.cancel();
      reader.setException(new Error("lost"));
      expect(await errorOf(reading)).toMatchObject({ name: "CancelledError" });
      await sleep(1);
      expect(await errorOf(reader.readLine())).toEqual(new Error("lost"));
    }));
});

describe("a reader's text", () => {
  it("says how much has come, whether it has ended, and whether it has failed", () => {
    const reader = new StreamReader();
    expect(String(reader)).toBe("<StreamReader 0 bytes>");
    reader.feedData(Buffer.from("data"));
    expect(String(reader)).toBe("<StreamReader 4 bytes>");
    reader.feedEof();
    expect(String(reader)).toBe("<StreamReader 4 bytes, ended>");
    reader.setException(new Error("lost"));
    expect(String(reader)).toBe("<StreamReader 4 bytes, failed>");
  });
});
