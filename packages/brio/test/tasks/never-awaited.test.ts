import { describe, expect, it } from "vitest";
import { Child } from "../run/child.ts";

/** What a program prints that drops a coroutine in the given way. */
async function printedWhen(way: string): Promise<readonly string[]> {
  const child = new Child(new URL("fixtures/forgotten.ts", import.meta.url), [way], {
    node: ["--expose-gc"],
  });
  const { code, out, err } = await child.ended;
  expect([code, err]).toEqual([0, ""]);
  return out;
}

describe("a coroutine that was never awaited", () => {
  it("is reported in debug mode, with the line that made it", async () => {
    expect(await printedWhen("never awaited")).toEqual([
      "coroutine work() was never awaited",
      expect.stringMatching(/forgotten\.ts:\d+:\d+/),
      "collected: true",
    ]);
  });

  it("is reported when it was made in debug mode only", async () => {
    expect(await printedWhen("never awaited, no debug mode")).toEqual(["collected: true"]);
    expect(await printedWhen("made while debug mode was off")).toEqual(["collected: true"]);
  });
});

describe("nothing is reported of a coroutine that was", () => {
  const silent = (way: string) => async (): Promise<void> => {
    expect(await printedWhen(way)).toEqual(["collected: true"]);
  };
  it("awaited", silent("awaited"));
  it("made a task", silent("made a task"));
  it("gathered", silent("gathered"));
  it("closed", silent("closed"));
  it("refused by run", silent("refused by run"));
  it("refused by a closed loop", silent("refused by a closed loop"));
  it(
    "made a task that was cancelled before it began",
    silent("made a task that was cancelled before it began"),
  );
});
