import { createTask, currentSignal, moveOnAfter, sleep, taskGroup, timeout, uncancellable } from "brio";
import { describe, it } from "vitest";
import { expectTrace, type Note, name, outcome } from "./trace.ts";

/** A branch that catches everything, as it waits three times. */
async function branch(note: Note): Promise<void> {
  for (let i = 1; i <= 3; i++) note(`wait ${i}: ${await outcome(sleep(20))}`);
}

describe("a branch that a scope's body began and did not await", () => {
  it("is cancelled when the body of a timeout ends, and may not wait again", () =>
    expectTrace(
      async (note) => {
        let left: Promise<void> | undefined;
        await timeout(1000, async () => {
          left = branch(note);
          await sleep(30);
          note("the body ends");
        });
        await left;
        await sleep(10);
        note("the task goes on");
      },
      [
        "20 wait 1: done",
        "30 the body ends",
        "30 wait 2: CancelledError",
        "30 wait 3: CancelledError",
        "40 the task goes on",
      ],
    ));

  it("is cancelled when the task ends", () =>
    expectTrace(
      async (note) => {
        let left: Promise<void> | undefined;
        await createTask(async () => {
          left = branch(note);
          await sleep(30);
          note("the task ends");
        });
        await left;
      },
      ["20 wait 1: done", "30 the task ends", "30 wait 2: CancelledError", "30 wait 3: CancelledError"],
    ));

  it("is told why", () =>
    expectTrace(
      async (note) => {
        let left: Promise<unknown> | undefined;
        await taskGroup(() => {
          left = sleep(1000).catch((error) => note(String(error)));
        });
        await left;
      },
      ["0 CancelledError: cancelled by the end of the scope it ran in"],
    ));

  it("is cancelled with the scopes inside it", () =>
    expectTrace(
      async (note) => {
        let left: Promise<unknown> | undefined;
        await timeout(1000, () => {
          left = moveOnAfter(500, () => sleep(2000)).catch((error) => note(name(error)));
        });
        await left;
      },
      ["0 CancelledError"],
    ));

  it("has a current signal that is aborted, if it is asked for after the end", () =>
    expectTrace(
      async (note) => {
        let left: Promise<unknown> | undefined;
        await timeout(1000, () => {
          left = (async () => {
            await outcome(sleep(20));
            note(`aborted: ${currentSignal().aborted}, ${currentSignal().reason.by}`);
          })();
        });
        await left;
      },
      ["0 aborted: true, the end of the scope it ran in"],
    ));

  it("may end what is protected", () =>
    expectTrace(
      async (note) => {
        let left: Promise<unknown> | undefined;
        await timeout(1000, () => {
          left = uncancellable(() => sleep(20)).then(() => note("protected to the end"));
        });
        note("the body has ended");
        await left;
      },
      ["0 the body has ended", "20 protected to the end"],
    ));
});
