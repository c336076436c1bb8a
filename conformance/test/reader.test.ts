import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { readLines } from "../files.ts";
import { isReaderProgram, readerScenario, replayReader } from "../reader.ts";

const recorded = fileURLToPath(new URL("../recorded/reader.jsonl.gz", import.meta.url));
const programs = (await readLines(recorded)).filter(isReaderProgram);

/** A slice: `npm run conformance` replays everything. */
const slice = programs.flatMap((program, i) =>
  i % 15 === 0 ? [[`line ${i + 1}`, program.json] as const] : [],
);

test.each(slice)("a StreamReader does what CPython's does: %s", async (_title, json) => {
  expect(await replayReader(json, "sticky")).toEqual([]);
  expect(await replayReader(json, "once")).toEqual([]);
});

test("a difference from the record is told", async () => {
  const program = structuredClone(programs[0]?.json) as { result: { trace: unknown[][] } };
  (program.result.trace[0] as unknown[])[2] = "something else";
  expect(await replayReader(program, "once")).toEqual([
    expect.stringMatching(/^its event 1: expected .*"something else"\], got /),
  ]);
});

test("what is no program is refused", () => {
  expect(() => readerScenario({ v: 2, feed: [] })).toThrow(/no scenario for a reader/);
});
