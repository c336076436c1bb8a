import { CancelScope, createTask, sleep, timeout } from "brio";
import { describe, it } from "vitest";
import { sleeper } from "./actors.ts";
import { expectTrace, outcome } from "./trace.ts";

describe("a CancelScope with a shield", () => {
  it("keeps a cancellation from outside away from its body, and delivers it afterwards", () =>
    expectTrace(
      async (note) => {
        const task = createTask(async () => {
          note(`value: ${await new CancelScope({ shield: true }).run(sleeper(note, "body", 100))}`);
          await sleeper(note, "next", 1000)();
        });
        await sleep(10);
        task.cancel("from outside");
        note(await outcome(task));
      },
      [
        "100 body slept",
        "100 value: body",
        "100 next: CancelledError(from outside)",
        "100 CancelledError(from outside)",
      ],
    ));

  it("has no grace: it keeps it away for as long as its body runs", () =>
    expectTrace(
      async (note) => {
        const task = createTask(() => new CancelScope({ shield: true }).run(sleeper(note, "body", 100_000)));
        await sleep(10);
        task.cancel();
        note(await outcome(task));
      },
      ["100000 body slept", "100000 CancelledError"],
    ));

  it("is still cancelled by itself, and by its deadline", () =>
    expectTrace(
      async (note) => {
        const shielded = new CancelScope({ shield: true, timeout: 10 });
        note(`value: ${await shielded.run(sleeper(note, "body", 1000))}`);
        const cancelled = new CancelScope({ shield: true });
        cancelled.cancel("by itself");
        note(`value: ${await cancelled.run(sleeper(note, "body", 1000))}`);
      },
      [
        "10 body: CancelledError",
        "10 value: undefined",
        "10 body: CancelledError(by itself)",
        "10 value: undefined",
      ],
    ));

  it("catches its own deadline, although a cancellation waits outside", () =>
    expectTrace(
      async (note) => {
        const task = createTask(async () => {
          const scope = new CancelScope({ shield: true, timeout: 20 });
          note(`value: ${await scope.run(sleeper(note, "body", 1000))}`);
          await sleeper(note, "next", 1000)();
        });
        await sleep(10);
        task.cancel("from outside");
        note(await outcome(task));
      },
      [
        "20 body: CancelledError",
        "20 value: undefined",
        "20 next: CancelledError(from outside)",
        "20 CancelledError(from outside)",
      ],
    ));

  it("keeps out a timeout around it", () =>
    expectTrace(
      async (note) => {
        const ended = timeout(10, async () => {
          await new CancelScope({ shield: true }).run(sleeper(note, "body", 100));
          await sleep(1000);
        });
        note(await outcome(ended));
      },
      ["100 body slept", "100 TimeoutError"],
    ));
});
