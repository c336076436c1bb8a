import { expect, test } from "vitest";
import { agreement, differences } from "../compare.ts";
import type { Trace } from "../world.ts";

const trace: Trace = [
  [0, "main start"],
  [0, "main spawn a"],
  [0, "a start"],
  [7, "a return 1"],
  [7, "* done a value=1"],
  [7, "* done b cancelled"],
  [9, "main return null"],
];

test("the same trace agrees strictly", () => {
  expect(agreement(trace, [...trace])).toBe("strict");
});

test("an order that no actor sees agrees per actor", () => {
  const swapped = [0, 1, 2, 3, 5, 4, 6].flatMap((i) => trace.slice(i, i + 1));
  expect(agreement(trace, swapped)).toBe("actor");
  expect(differences(trace, swapped)).toEqual([]);
});

test.each([
  ["another event", trace.map(([t, event]) => [t, event.replace("value=1", "cancelled")] as const)],
  ["another instant", trace.map(([t, event], i) => [i === 3 ? 8 : t, event] as const)],
  ["an event less", trace.slice(0, -1)],
  ["an event more", [...trace, [9, "main log again"] as const]],
  ["an actor's own order", [1, 0, 2, 3, 4, 5, 6].flatMap((i) => trace.slice(i, i + 1))],
  ["nothing", []],
])("detects %s", (_name, mutated) => {
  expect(agreement(trace, mutated)).toBe("none");
  expect(differences(trace, mutated)).not.toEqual([]);
});

test("a difference names the actor, the event's place in its view, and both events", () => {
  const mutated = trace.map(([t, event]) => [t, event.replace("return 1", "return 2")] as const);
  expect(differences(trace, mutated)).toEqual([
    { actor: "a", index: 1, expected: [7, "a return 1"], got: [7, "a return 2"] },
  ]);
});
