import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { agreement } from "../compare.ts";
import { readLines } from "../files.ts";
import { interpret } from "../interpret.ts";
import { parseRecording } from "../recording.ts";

const directed = fileURLToPath(new URL("../recorded/directed.jsonl.gz", import.meta.url));
const recordings = (await readLines(directed)).map((line, i) => parseRecording(line, `line ${i + 1}`));

/** A slice: `npm run conformance` replays everything. */
const slice = recordings.filter(({ robust }, i) => robust && i % 5 === 0);

describe("a slice of the recorded scenarios", () => {
  test.each(slice.map((recording) => [recording.title, recording] as const))(
    "once: %s",
    async (_title, recording) => {
      const result = await interpret(recording.scenario, "once");
      expect(result).toEqual({ trace: expect.anything(), unhandled: [] });
      if ("trace" in result && agreement(recording.trace, result.trace) === "none") {
        expect(result.trace).toEqual(recording.trace);
      }
    },
  );

  const shared = slice.filter(({ once }) => !once);
  test.each(shared.map((recording) => [recording.title, recording] as const))(
    "sticky: %s",
    async (_title, recording) => {
      const result = await interpret(recording.scenario, "sticky");
      expect(result).toEqual({ trace: expect.anything(), unhandled: [] });
      if ("trace" in result && agreement(recording.trace, result.trace) === "none") {
        expect(result.trace).toEqual(recording.trace);
      }
    },
  );
});

describe("a scenario that can't be run gives an error, and the next one runs", () => {
  const scenario = (main: unknown[], objects: object = {}): unknown => ({ v: 1, objects, main });
  const cases: [string, unknown, RegExp][] = [
    ["no object", [], /scenario: expected an object, got \[\]/],
    ["another version", { v: 2, main: [] }, /unsupported version 2/],
    ["an unknown op", scenario([{ op: "sleep", d: 1 }, { op: "fly" }]), /main\[1\]: unsupported op "fly"/],
    ["an inherited name as op", scenario([{ op: "toString" }]), /unsupported op "toString"/],
    [
      "a field of the wrong type",
      scenario([{ op: "sleep", d: "1s" }]),
      /main\[0\] \(sleep\)\.d: expected a number, got "1s"/,
    ],
    [
      "a missing field",
      scenario([{ op: "spawn", as: "a" }]),
      /\(spawn\)\.body: expected a list, got nothing/,
    ],
    [
      "a wait in a callback",
      scenario([{ op: "call_soon", as: "c", do: [{ op: "get", o: "Q" }] }]),
      /get waits/,
    ],
    ["an unknown kind of object", scenario([], { X: { type: "mutex" } }), /unsupported object type "mutex"/],
    [
      "an object that isn't there",
      scenario([{ op: "set", o: "E" }]),
      /"E" is not a event|"E" is not an event/,
    ],
    [
      "an object of another kind",
      scenario([{ op: "get", o: "L" }], { L: { type: "lock" } }),
      /"L" is not a queue/,
    ],
    [
      "a condition without its lock",
      scenario([], { C: { type: "condition", lock: "L" } }),
      /"L", which is no lock/,
    ],
  ];

  test.each(cases)("%s", async (_name, json, message) => {
    expect(await interpret(json, "once")).toEqual({ error: expect.stringMatching(message) });
    const next = await interpret(scenario([{ op: "log", msg: "fine" }]), "once");
    expect(next).toMatchObject({ trace: expect.arrayContaining([[0, "main log fine"]]) });
  });

  test("a runaway, through any catch", async () => {
    const forever = (body: object): object => ({ op: "repeat", n: 1e9, body: [body] });
    const stubborn = {
      op: "try",
      body: [forever({ op: "log", msg: "x" })],
      catch: [{ match: "any", body: [] }],
    };
    const result = await interpret(scenario([forever(stubborn)]), "once");
    expect(result).toEqual({ error: expect.stringMatching(/runaway/) });
  });
});
