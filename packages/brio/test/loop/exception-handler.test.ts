import {
  ContextVar,
  createTask,
  type EventLoop,
  type ExceptionContext,
  getRunningLoop,
  run,
  sleep,
  Task,
} from "brio";
import { runVirtual } from "brio/testing";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Child } from "../run/child.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

/** What was written to stderr while `body` ran in a loop. */
async function written(body: (loop: EventLoop) => Promise<void> | void): Promise<string[]> {
  const stderr = vi.spyOn(console, "error").mockImplementation(() => {});
  await runVirtual(async () => {
    await body(getRunningLoop());
    await sleep(0);
    await sleep(0);
  });
  return stderr.mock.calls.map(([text]) => String(text));
}

/** An error without a stack, so that its report is the same everywhere. */
function plain(message: string): Error {
  const error = new RangeError(message);
  error.stack = `RangeError: ${message}\n    at somewhere`;
  return error;
}

describe("the default exception handler", () => {
  it("writes the error of a callback, with its stack, to stderr", async () => {
    const [report, ...others] = await written((loop) => {
      loop.callSoon(function refresh() {
        throw plain("broken");
      });
    });
    expect(report?.split("\n")).toEqual([
      "Exception in callback refresh()",
      "  handle: <Handle refresh()>",
      "RangeError: broken",
      "    at somewhere",
    ]);
    expect(others).toEqual([]);
  });

  it("writes the error of a timer's callback", async () => {
    const reports = await written(async (loop) => {
      loop.callLater(5, () => {
        throw plain("later");
      });
      await sleep(10);
    });
    expect(reports).toEqual([expect.stringContaining("RangeError: later")]);
  });

  it("writes the error of a task that nobody looked at", async () => {
    const reports = await written(() => {
      createTask(() => Promise.reject(plain("lost")), { name: "job" });
    });
    expect(reports).toEqual([
      expect.stringMatching(
        /^Task exception was never retrieved: <Task "job" failed: RangeError: lost>(\n.*)*\nRangeError: lost\n {4}at somewhere$/,
      ),
    ]);
  });

  it("writes all that it is told", async () => {
    const [report] = await written((loop) => {
      loop.defaultExceptionHandler({
        message: "something",
        task: "the task",
        future: "the future",
        source: "file.ts:1",
        exception: "thrown text",
      });
    });
    expect(report?.split("\n")).toEqual([
      "something",
      "  task: the task",
      "  future: the future",
      "  source: file.ts:1",
      "'thrown text'",
    ]);
  });

  it("lets the loop go on, with what was ready beside the callback that failed", async () => {
    const log: string[] = [];
    const reports = await written(async (loop) => {
      loop.callSoon(() => {
        throw plain("one");
      });
      loop.callSoon(() => log.push("ready beside it"));
      await sleep("1s");
      log.push(`time ${loop.time()}`);
    });
    expect([reports.length, ...log]).toEqual([1, "ready beside it", "time 1000"]);
  });
});

describe("setExceptionHandler", () => {
  it("puts a handler in the default's place, which gets the loop and the whole context", async () => {
    const calls: unknown[] = [];
    const error = plain("broken");
    const reports = await written((loop) => {
      const handler = (...args: unknown[]): void => void calls.push(args);
      loop.setExceptionHandler(handler);
      expect(loop.getExceptionHandler()).toBe(handler);
      const handle = loop.callSoon(function refresh() {
        throw error;
      });
      calls.push(loop, handle);
    });
    const [loop, handle, call] = calls;
    expect(call).toEqual([loop, { message: "Exception in callback refresh()", exception: error, handle }]);
    expect(reports).toEqual([]);
  });

  it("of null brings the default back", async () => {
    const custom: string[] = [];
    const reports = await written((loop) => {
      expect(loop.getExceptionHandler()).toBeNull();
      loop.setExceptionHandler((_loop, { message }) => void custom.push(message));
      loop.callExceptionHandler({ message: "to the custom one" });
      loop.setExceptionHandler(null);
      expect(loop.getExceptionHandler()).toBeNull();
      loop.callExceptionHandler({ message: "to the default" });
    });
    expect([custom, reports]).toEqual([["to the custom one"], ["to the default"]]);
  });

  it("is of use for callbacks that were scheduled before", async () => {
    const custom: string[] = [];
    await written((loop) => {
      loop.callSoon(() => {
        throw plain("broken");
      });
      loop.setExceptionHandler((_loop, { message }) => void custom.push(message));
    });
    expect(custom).toHaveLength(1);
  });

  it("lets a handler hand on to the default", async () => {
    const reports = await written((loop) => {
      loop.setExceptionHandler((own, context) =>
        own.defaultExceptionHandler({ ...context, message: "passed on" }),
      );
      loop.callExceptionHandler({ message: "original" });
    });
    expect(reports).toEqual(["passed on"]);
  });

  it("refuses what can't be called", () =>
    runVirtual(() => {
      const loop = getRunningLoop();
      for (const value of [42, "print", undefined, {}]) {
        // @ts-expect-error none of them can be called
        expect(() => loop.setExceptionHandler(value)).toThrow(
          /handler must be a function \(loop, context\) => void/,
        );
      }
    }));

  it("holds for one loop, not for another", async () => {
    const reports: string[] = [];
    const main = (name: string) => async (): Promise<void> => {
      const loop = getRunningLoop();
      loop.setExceptionHandler((_loop, { message }) => void reports.push(`${name}: ${message}`));
      await sleep(1);
      loop.callExceptionHandler({ message: name });
    };
    await Promise.all([run(main("a")), run(main("b"))]);
    expect(reports.sort()).toEqual(["a: a", "b: b"]);
  });
});

describe("an exception handler that throws", () => {
  it("is reported by the default one, and so is what it was told", async () => {
    const reports = await written((loop) => {
      loop.setExceptionHandler(() => {
        throw plain("in the handler");
      });
      loop.callExceptionHandler({ message: "original", exception: plain("first") });
    });
    expect(reports.map((report) => report.split("\n").slice(0, 2))).toEqual([
      ["Unhandled error in exception handler", "RangeError: in the handler"],
      ["original", "RangeError: first"],
    ]);
  });

  it("does not stop the loop, even where the default one throws as well", async () => {
    const child = new Child(new URL("fixtures/broken-handler.ts", import.meta.url));
    const { code, out } = await child.ended;
    expect([code, ...out]).toEqual([0, "ready beside it", "went on"]);
  });
});

describe("an async callback", () => {
  it("that fails later is reported as well: callSoon, callLater and done callbacks", async () => {
    const seen = await runVirtual(async () => {
      const loop = getRunningLoop();
      const messages: string[] = [];
      loop.setExceptionHandler(
        (_loop, { message, exception }) => void messages.push(`${message}: ${exception}`),
      );
      const failing = (name: string) => ({
        [name]: async () => {
          await null;
          throw new Error(`in ${name}`);
        },
      });
      loop.callSoon(failing("soon").soon as () => void);
      loop.callLater(1, failing("later").later as () => void);
      const future = loop.createFuture<void>();
      future.addDoneCallback(failing("done").done as () => void);
      future.setResult();
      await sleep(2);
      return messages;
    });
    expect(seen).toEqual([
      "Exception in callback soon(): Error: in soon",
      "Exception in callback done(): Error: in done",
      "Exception in callback later(): Error: in later",
    ]);
  });
});

describe("the context of an exception handler", () => {
  const user = new ContextVar("user", { default: "nobody" });

  /** The values of `user` that the handler sees while `body` runs. */
  async function usersSeen(body: () => Promise<void> | void): Promise<string[]> {
    const seen: string[] = [];
    await runVirtual(async () => {
      getRunningLoop().setExceptionHandler(() => void seen.push(user.get()));
      await body();
      await sleep(0);
    });
    return seen;
  }

  it("is that of the callback that failed, with what the callback set", async () => {
    const seen = await usersSeen(() => {
      getRunningLoop().callSoon(() => {
        user.set("the callback's");
        throw new Error("broken");
      });
    });
    expect(seen).toEqual(["the callback's"]);
  });

  it("is that of the done callback that failed", async () => {
    const seen = await usersSeen(() => {
      const future = getRunningLoop().createFuture<void>();
      user.set("at registration");
      future.addDoneCallback(() => {
        throw new Error("broken");
      });
      user.set("later");
      future.setResult();
    });
    expect(seen).toEqual(["at registration"]);
  });

  it("is that of the task whose exception nobody looked at", async () => {
    const seen = await usersSeen(async () => {
      createTask(async () => {
        user.set("the task's");
        throw new Error("broken");
      });
      await sleep(0);
    });
    expect(seen).toEqual(["the task's"]);
  });
});

it("an exception context can be made by a program itself, with what it has to say", async () => {
  const contexts: ExceptionContext[] = [];
  await runVirtual(async () => {
    const loop = getRunningLoop();
    loop.setExceptionHandler((_loop, context) => void contexts.push(context));
    const task = createTask(() => sleep(1));
    loop.callExceptionHandler({ message: "own report", task });
    await task;
  });
  expect(contexts).toMatchObject([{ message: "own report", task: expect.any(Task) }]);
});
