import { inspect } from "node:util";
import { CancelledError, createTask, run, sleep } from "brio";
import { describe, expect, it } from "vitest";

/** What a task that is cancelled with `reason` throws. */
const thrown = (reason: unknown, debug = false): Promise<CancelledError> =>
  run(
    async () => {
      const task = createTask(() => sleep("1h"), { name: "napper" });
      await sleep(0);
      task.cancel(reason);
      return await task.then(
        () => expect.unreachable("it was cancelled"),
        (error: unknown) => error as CancelledError, // tested below
      );
    },
    { debug },
  );

describe("a CancelledError", () => {
  it.each([
    [undefined, 'cancelled by task "main"'],
    ["too slow", 'cancelled by task "main": too slow'],
    [new RangeError("too far"), 'cancelled by task "main": too far'],
    [{ code: 7 }, 'cancelled by task "main": { code: 7 }'],
  ])("says who asked, and why: %s", async (reason, message) => {
    const error = await thrown(reason);
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: "CancelledError", message, reason, by: 'task "main"' });
    expect(String(error)).toBe(`CancelledError: ${message}`);
    expect(inspect(error)).toContain(`CancelledError: ${message}`);
    expect(error.stack).toBe(`CancelledError: ${message}`);
  });

  it("says where the wait was only in debug mode", async () => {
    const error = await thrown("too slow", true);
    expect(error.stack).toMatch(/^CancelledError: cancelled by task "main": too slow\n +at /);
  });

  it("keeps the texts that somebody gives it", () => {
    const error = new CancelledError("too slow");
    error.name = "Slow";
    error.message = `upload: ${error.message}`;
    expect(String(error)).toBe("Slow: upload: cancelled: too slow");
    expect(String(new CancelledError("too slow"))).toBe("CancelledError: cancelled: too slow");
  });

  it("has a stack where a program makes one itself", () => {
    expect(new CancelledError("mine").stack).toMatch(
      /^CancelledError: cancelled: mine\n +at .*cancelled-error/,
    );
  });

  it("leaves the limit of stacks as it was", async () => {
    const limit = Error.stackTraceLimit;
    await thrown(undefined);
    expect(Error.stackTraceLimit).toBe(limit);
  });
});
