import process from "node:process";
import { describe, expect, it } from "vitest";
import { Child } from "../run/child.ts";
import { isAlive } from "./left-behind.ts";

const fixture = new URL("fixtures/parent.ts", import.meta.url);

/** Starts the program, gives what it does when it is ready, and checks that its children have ended with it. */
async function ends(
  way: string,
  signals: readonly NodeJS.Signals[] = [],
): Promise<number | NodeJS.Signals | null> {
  const parent = new Child(fixture, [way]);
  await parent.printed("ready");
  for (const [index, signal] of signals.entries()) {
    if (index > 0) await pause();
    parent.kill(signal);
  }
  const { code, signal, out } = await parent.ended;
  const pids = (out[0] ?? "").split(" ").map(Number);
  expect(pids.length).toBe(2);
  // They were killed before the parent ended; that they have gone is for the system to say.
  while (pids.some(isAlive)) await pause();
  return signal ?? code;
}

/** A second signal right behind the first would be taken for its echo. */
const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 150));

describe("when the program ends, its children end, and what they started", {
  skip: process.platform === "win32",
}, () => {
  it.each([
    ["process.exit", 3],
    ["an uncaught error", 1],
    ["the end of main", 0],
  ])("by %s", async (way, code) => {
    expect(await ends(way)).toBe(code);
  });

  it.each([
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ] as const)("by %s, which cancels main", async (signal, code) => {
    expect(await ends("nothing", [signal])).toBe(code);
  });

  it("by a second SIGINT, when it has not minded the first", async () => {
    expect(await ends("an ignored cancellation", ["SIGINT", "SIGINT"])).toBe("SIGINT");
  });

  it.each(["SIGHUP", "SIGQUIT"] as const)("by %s, which nobody handles", async (signal) => {
    expect(await ends("nothing", [signal])).toBe(signal);
  });

  it.each(["SIGINT", "SIGTERM"] as const)("by %s, if run is not to handle it", async (signal) => {
    expect(await ends("no handling of signals", [signal])).toBe(signal);
  });

  it("but not by a signal that it handles", async () => {
    const parent = new Child(fixture, ["handles SIGHUP"]);
    await parent.printed("ready");
    parent.kill("SIGHUP");
    await parent.printed("hung up");
    parent.kill("SIGTERM");
    const { code, out } = await parent.ended;
    expect(code).toBe(143);
    expect((out[0] ?? "").split(" ").map(Number).some(isAlive)).toBe(false);
  });
});
