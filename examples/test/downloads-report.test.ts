import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { stripVTControlCharacters as plain } from "node:util";
import { createTask, sleep } from "brio";
import { runVirtual } from "brio/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Outcome } from "../03-downloads/download.ts";
import { gantt } from "../03-downloads/gantt.ts";
import { LivePicture } from "../03-downloads/live-picture.ts";
import { optionsOf } from "../03-downloads/options.ts";
import { table } from "../03-downloads/report.ts";
import { makeSite } from "../03-downloads/site.ts";
import { verify } from "../03-downloads/verify.ts";

function outcome(number: number, started: number, ended: number, failures: number[] = []): Outcome {
  const wanted = { name: `data-0${number}.bin`, size: 100_000, sha256: "" };
  return { wanted, started, ended, failures, error: null };
}

test("the Gantt chart has a line for each slot, and a cross where an attempt failed", () => {
  const chart = gantt([
    outcome(1, 1000, 1360),
    outcome(2, 1000, 1720, [1300]),
    outcome(3, 1360, 1720),
    outcome(4, 1720, 1730),
  ]);
  expect(plain(chart).split("\n")).toEqual([
    `  1 01${"━".repeat(33)}03${"━".repeat(33)}╸`,
    `  2 02${"━".repeat(27)}×${"━".repeat(40)}`,
    `    0 s${"0.73 s".padStart(69)}`,
  ]);
});

test("the table compares the passes", () => {
  const verdict = { files: 2, bytes: 2_000_000, problems: [] };
  const outcomes = [outcome(1, 0, 400, [100]), outcome(2, 400, 1000)];
  const text = table([
    { label: "one by one", outcomes, time: 1000, verdict },
    { label: "together", outcomes, time: 250, verdict },
  ]);
  expect(plain(text).split("\n")).toEqual([
    "              time                                   files  SHA-256 verified  failed tries",
    "one by one  1.00 s  ██████████████████████████████  2 of 2            2.0 MB             1",
    "together    0.25 s  ████████                        2 of 2            2.0 MB             1",
  ]);
});

test("the picture in a terminal shows the whole and each download, and is gone at the end", async () => {
  const screen = Object.assign(new PassThrough({ encoding: "utf8" }), { columns: 60, isTTY: true });
  const ended = outcome(1, 0, 10);
  const [first, second] = [ended.wanted, outcome(2, 0, 0).wanted];
  await runVirtual(async () => {
    const picture = new LivePicture("together", [first, second], 2, screen);
    await using _ = createTask(() => picture.show());
    picture.started(first);
    picture.received(first, 50_000);
    picture.retrying(first, 1, new Error("a message that is much too long for a terminal of sixty columns"));
    await sleep("10ms");
    expect(plain(picture.frame()).split("\n")).toEqual([
      "together     ━━━───────  0/2 files    50 KB  0.01 s",
      "  data-01.bin ━━━━━─────  100 KB  attempt 1: a message tha",
      "  -",
    ]);
    picture.ended(ended);
    picture.started(second);
    expect(plain(picture.frame()).split("\n").slice(1)).toEqual([
      "  data-02.bin ──────────  100 KB  ",
      "  -",
    ]);
  });
  const written: string = screen.read();
  expect(plain(written)).toContain("data-01.bin ━━━━━─────");
  const erased = `${"\u001b[2K\u001b[1A".repeat(3)}\u001b[2K\u001b[G`;
  expect(written).toContain(erased);
});

test("without arguments: forty files, eight at once, nothing kept", () => {
  expect(optionsOf([])).toEqual({ dir: undefined, files: 40, atOnce: 8 });
  expect(optionsOf(["--files", "3", "--at-once", "2", "--dir", "x"])).toEqual({
    dir: "x",
    files: 3,
    atOnce: 2,
  });
});

describe("what has arrived is read back from the disk", () => {
  const [first, second, , , lost] = makeSite(5);
  if (first === undefined || second === undefined || lost === undefined)
    throw new Error("five files were made");
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "brio-verify-test-"));
    await writeFile(join(directory, first.name), first.content);
  });

  afterEach(() => rm(directory, { recursive: true }));

  const problems = async (): Promise<readonly string[]> =>
    (await verify(directory, [first, second, lost])).problems;

  test("all is well", async () => {
    await writeFile(join(directory, second.name), second.content);
    expect(await verify(directory, [first, second, lost])).toEqual({
      files: 2,
      bytes: first.size + second.size,
      problems: [],
    });
  });

  test("a file is missing", async () => {
    expect(await problems()).toEqual(["data-02.bin is missing"]);
  });

  test("a file has the wrong content", async () => {
    await writeFile(
      join(directory, second.name),
      second.content.map((byte, at) => (at === 100 ? byte ^ 1 : byte)),
    );
    expect(await problems()).toEqual(["data-02.bin has the wrong content"]);
  });

  test("a partial file was left behind, and a file is there that can't be had", async () => {
    await writeFile(join(directory, `${second.name}.part`), second.content);
    await writeFile(join(directory, lost.name), lost.content);
    expect(await problems()).toEqual([
      "data-02.bin.part was left behind",
      "data-02.bin is missing",
      "data-05.bin could not be had, and is there all the same",
    ]);
  });
});
