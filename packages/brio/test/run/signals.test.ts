import process from "node:process";
import { describe, expect, it } from "vitest";
import { Child, type Ended } from "./child.ts";

// Windows has no such signals.
const POSIX = { skip: process.platform === "win32" };

const fixture = new URL("fixtures/signals.ts", import.meta.url);

// A second signal right behind the first is taken for its echo. The programs' ticks tell that enough time has passed.
const LATER = "tick 5";

/** Starts a program, sends it `signals` when it has printed "ready", and gives how it ended. */
async function signalled(program: string, ...signals: NodeJS.Signals[]): Promise<Ended> {
  const child = new Child(fixture, [program]);
  await child.printed("ready");
  for (const signal of signals) child.kill(signal);
  return await child.ended;
}

describe("the first SIGINT", POSIX, () => {
  it("cancels main, whose clean-up runs, and the process exits with 130 and without a stack trace", async () => {
    const { code, signal, out, err } = await signalled("sleeps", "SIGINT");
    expect([code, signal, ...out, err]).toEqual([130, null, "ready", "main cleaned up", ""]);
  });

  it("reaches a main that never really waits", async () => {
    const { code, out } = await signalled("spins", "SIGINT");
    expect([code, ...out]).toEqual([130, "ready", "main cleaned up"]);
  });

  it("cancels the future that main waits for", async () => {
    const { code, out } = await signalled("waits for a future", "SIGINT");
    expect([code, ...out]).toEqual([130, "ready", "future cancelled: true"]);
  });

  it("cancels main's groups, and waits for them", async () => {
    const { code, out } = await signalled("has a group", "SIGINT");
    expect([code, ...out]).toEqual([130, "ready", "child cleaned up", "group ended"]);
  });

  it("ends what main leaves behind, before the process exits", async () => {
    const { code, out } = await signalled("has a leftover", "SIGINT");
    expect([code, ...out]).toEqual([130, "ready", "leftover cleaned up"]);
  });

  it("is over when main swallows it: run gives main's value, and the process exits with 0", async () => {
    const { code, out } = await signalled("swallows", "SIGINT");
    expect([code, ...out]).toEqual([0, "ready", "swallowed: CancelledError: cancelled by SIGINT"]);
  });

  it("makes run throw CancelledError, which a program may catch and go on", async () => {
    const { code, out } = await signalled("catches what run throws", "SIGINT");
    expect(out).toEqual(["ready", "caught CancelledError: cancelled by SIGINT", "goes on"]);
    expect(code).toBe(130);
  });

  it("adds nothing to a main that was cancelled before", async () => {
    const child = new Child(fixture, ["is cancelled already"]);
    const { out } = await child.ended;
    expect(out).toEqual([
      "ready",
      expect.stringMatching(/^caught CancelledError: cancelled by task .*: by the program itself$/),
    ]);
  });

  it("cancels every run that is under way", async () => {
    const { code, out } = await signalled("runs twice at once", "SIGINT");
    expect([code, ...[...out].sort()]).toEqual([
      130,
      "one cleaned up",
      "ready",
      "rejected, rejected",
      "two cleaned up",
    ]);
  });

  it("lets a shutdown that has begun come to its end", async () => {
    const { code, out } = await signalled("is shutting down", "SIGINT");
    expect([code, ...out]).toEqual([0, "ready", "leftover cleaned up", "main had ended"]);
  });
});

describe("the second SIGINT", POSIX, () => {
  it("kills the process at once", async () => {
    const child = new Child(fixture, ["is stubborn"]);
    await child.printed("ready");
    child.kill("SIGINT");
    await child.printed("asked to end");
    await child.printed(LATER);
    child.kill("SIGINT");
    const { code, signal } = await child.ended;
    expect([code, signal]).toEqual([null, "SIGINT"]);
  });

  it("kills as SIGTERM does, when that came twice", async () => {
    const child = new Child(fixture, ["is stubborn"]);
    await child.printed("ready");
    child.kill("SIGTERM");
    await child.printed("asked to end");
    await child.printed(LATER);
    child.kill("SIGTERM");
    const { code, signal } = await child.ended;
    expect([code, signal]).toEqual([null, "SIGTERM"]);
  });

  it("kills also when another run has begun meanwhile", async () => {
    const child = new Child(fixture, ["starts another run when it is asked to end"]);
    await child.printed("ready");
    child.kill("SIGINT");
    await child.printed("asked to end");
    await child.printed(LATER);
    child.kill("SIGINT");
    const { code, signal } = await child.ended;
    expect([code, signal]).toEqual([null, "SIGINT"]);
  });

  it("is the first again in the next run of a Runner", async () => {
    const child = new Child(fixture, ["uses a Runner"]);
    await child.printed("first ready");
    child.kill("SIGINT");
    await child.printed("second ready");
    await child.printed(LATER);
    child.kill("SIGINT");
    const { code, signal, out } = await child.ended;
    expect([code, signal]).toEqual([130, null]);
    expect(out.filter((line) => !line.startsWith("tick"))).toEqual([
      "first ready",
      "first cleaned up",
      "first: CancelledError: cancelled by SIGINT",
      "second ready",
      "second cleaned up",
      "second: CancelledError: cancelled by SIGINT",
      "third ran",
    ]);
  });
});

describe("SIGTERM", POSIX, () => {
  it("cancels main, whose clean-up runs, and the process exits with 143", async () => {
    const { code, signal, out, err } = await signalled("sleeps", "SIGTERM");
    expect([code, signal, ...out, err]).toEqual([143, null, "ready", "main cleaned up", ""]);
  });

  it("is over when main swallows it", async () => {
    const { code, out } = await signalled("swallows", "SIGTERM");
    expect([code, ...out]).toEqual([0, "ready", "swallowed: CancelledError: cancelled by SIGTERM"]);
  });
});

describe("who handles a signal", POSIX, () => {
  it("is a handler added with addSignalHandler, if there is one: main goes on", async () => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      const { code, out } = await signalled("handles it in the loop", signal);
      expect([code, ...out]).toEqual([0, "ready", `handled ${signal} in the loop`, "main went on"]);
    }
  });

  it("is run again, when that handler was removed", async () => {
    const { code, out } = await signalled("removed its handler", "SIGINT");
    expect([code, ...out]).toEqual([130, "ready", "main cleaned up"]);
  });

  it("is the program, if it listened before run: its listener is left alone, and main goes on", async () => {
    const { code, out } = await signalled("listens itself", "SIGINT");
    expect([code, ...out]).toEqual([0, "ready", "own listener", "main went on", "listeners left: 1, 0"]);
  });

  it("is run still for SIGTERM, if the program listens to SIGINT only", async () => {
    const { code, out } = await signalled("listens itself", "SIGTERM");
    expect([code, ...out]).toEqual([143, "ready"]);
  });

  it("is the system, if run is told not to", async () => {
    const { signal, out } = await signalled("does not want signals handled", "SIGINT");
    expect([signal, ...out]).toEqual(["SIGINT", "ready"]);
  });

  it("is the system once the run has ended: no listener is left", async () => {
    const { signal, out } = await signalled("has ended its run", "SIGINT");
    expect([signal, ...out]).toEqual(["SIGINT", "listeners left: 0, 0", "ready"]);
  });

  it("is the system between the runs of a Runner", async () => {
    const { signal } = await signalled("is between the runs of a Runner", "SIGINT");
    expect(signal).toBe("SIGINT");
  });
});
