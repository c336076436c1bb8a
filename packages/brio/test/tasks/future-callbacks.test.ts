import { ContextVar, createTask, currentTask, type Future, getRunningLoop, sleep } from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

/** Runs `body` with a pending future and a log, lets the loop turn, and gives the log. */
async function logged(body: (future: Future<unknown>, log: string[]) => void): Promise<string[]> {
  const log: string[] = [];
  await runVirtual(async () => {
    body(getRunningLoop().createFuture(), log);
    log.push("body ended");
    await sleep(0);
    await sleep(0);
  });
  return log;
}

describe("done callbacks", () => {
  it("run on the loop's next turn, in the order of registration, when there is a result", async () => {
    const log = await logged((future, log) => {
      future.addDoneCallback(() => log.push("first"));
      future.addDoneCallback(() => log.push("second"));
      future.addDoneCallback(() => log.push("third"));
      future.setResult(1);
    });
    expect(log).toEqual(["body ended", "first", "second", "third"]);
  });

  it("run when there is an exception", async () => {
    const log = await logged((future, log) => {
      future.addDoneCallback((done) => log.push(`failed with ${String(done.exception())}`));
      future.setException("trouble");
    });
    expect(log).toEqual(["body ended", "failed with trouble"]);
  });

  it("run when it was cancelled", async () => {
    const log = await logged((future, log) => {
      future.addDoneCallback((done) => log.push(`cancelled: ${done.cancelled()}`));
      future.cancel();
    });
    expect(log).toEqual(["body ended", "cancelled: true"]);
  });

  it("run on the next turn, and not at once, when the future is done already", async () => {
    const log = await logged((future, log) => {
      future.setResult(1);
      future.addDoneCallback(() => log.push("called"));
    });
    expect(log).toEqual(["body ended", "called"]);
  });

  it("get the future itself", () =>
    runVirtual(async () => {
      const task = createTask(() => 1);
      let given: unknown;
      task.addDoneCallback((done) => {
        given = done;
      });
      await task;
      await sleep(0);
      expect(given).toBe(task);
    }));

  it("run as often as they were registered", async () => {
    const log = await logged((future, log) => {
      const callback = (): void => void log.push("called");
      future.addDoneCallback(callback);
      future.addDoneCallback(callback);
      future.setResult(1);
    });
    expect(log).toEqual(["body ended", "called", "called"]);
  });

  it("run outside of any task", () =>
    runVirtual(async () => {
      let during: unknown = "not called";
      const task = createTask(() => 1);
      task.addDoneCallback(() => {
        during = currentTask();
      });
      await task;
      await sleep(0);
      expect(during).toBeNull();
    }));

  it("see the context variables of the moment of their registration", () =>
    runVirtual(async () => {
      const color = new ContextVar<string>("color");
      const future = getRunningLoop().createFuture<void>();
      const seen: string[] = [];
      color.set("red");
      future.addDoneCallback(() => seen.push(color.get()));
      color.set("blue");
      future.addDoneCallback(() => seen.push(color.get()));
      color.set("green");
      future.setResult();
      await sleep(0);
      expect(seen).toEqual(["red", "blue"]);
    }));

  it("may register more callbacks, which run a turn later", async () => {
    const log = await logged((future, log) => {
      future.addDoneCallback(() => {
        log.push("outer");
        future.addDoneCallback(() => log.push("inner"));
      });
      future.addDoneCallback(() => log.push("sibling"));
      future.setResult(1);
    });
    expect(log).toEqual(["body ended", "outer", "sibling", "inner"]);
  });

  it("are reported when they throw, and the others run", async () => {
    const error = new Error("in a callback");
    const reports: unknown[] = [];
    const log = await logged((future, log) => {
      getRunningLoop().setExceptionHandler((_loop, context) => void reports.push(context));
      future.addDoneCallback(function notify() {
        throw error;
      });
      future.addDoneCallback(() => log.push("the other"));
      future.setResult(1);
    });
    expect(log).toEqual(["body ended", "the other"]);
    expect(reports).toMatchObject([{ message: "Exception in callback notify()", exception: error }]);
  });

  it("must be functions", () =>
    runVirtual(() => {
      const future = getRunningLoop().createFuture();
      // @ts-expect-error a string is no callback
      expect(() => future.addDoneCallback("print")).toThrow(
        /addDoneCallback\(\) takes a function, got string/,
      );
    }));
});

describe("removeDoneCallback", () => {
  const register = (future: Future<unknown>, log: string[]): [() => void, () => void, () => void] => {
    const callbacks = ["first", "second", "third"].map((name) => () => void log.push(name));
    for (const callback of callbacks) future.addDoneCallback(callback);
    return callbacks as [() => void, () => void, () => void]; // three names, three callbacks
  };

  it("takes away the first, and taking it away again does nothing", async () => {
    const log = await logged((future, log) => {
      const [first] = register(future, log);
      expect([future.removeDoneCallback(first), future.removeDoneCallback(first)]).toEqual([1, 0]);
      future.setResult(1);
    });
    expect(log).toEqual(["body ended", "second", "third"]);
  });

  it("takes away the first and the second", async () => {
    const log = await logged((future, log) => {
      const [first, second] = register(future, log);
      expect([future.removeDoneCallback(first), future.removeDoneCallback(second)]).toEqual([1, 1]);
      future.setResult(1);
    });
    expect(log).toEqual(["body ended", "third"]);
  });

  it("takes away the last", async () => {
    const log = await logged((future, log) => {
      const [, , third] = register(future, log);
      expect(future.removeDoneCallback(third)).toBe(1);
      future.setResult(1);
    });
    expect(log).toEqual(["body ended", "first", "second"]);
  });

  it("takes away the only one", async () => {
    const log = await logged((future, log) => {
      const callback = (): void => void log.push("called");
      future.addDoneCallback(callback);
      expect(future.removeDoneCallback(callback)).toBe(1);
      future.setResult(1);
    });
    expect(log).toEqual(["body ended"]);
  });

  it("takes away every registration of the function, and says how many there were", async () => {
    const log = await logged((future, log) => {
      const often = (): void => void log.push("often");
      const once = (): void => void log.push("once");
      for (let i = 0; i < 6; i++) future.addDoneCallback(often);
      future.addDoneCallback(once);
      expect(future.removeDoneCallback(often)).toBe(6);
      expect(future.removeDoneCallback(() => {})).toBe(0);
      future.setResult(1);
    });
    expect(log).toEqual(["body ended", "once"]);
  });

  it("comes too late once the future is done: the callback is on its way", async () => {
    const log = await logged((future, log) => {
      const late = (): void => void log.push("late");
      future.addDoneCallback(() => {
        log.push(`removed ${future.removeDoneCallback(late)}`);
      });
      future.addDoneCallback(late);
      future.setResult(1);
    });
    expect(log).toEqual(["body ended", "removed 0", "late"]);
  });

  it("leaves the tasks alone that await the future", () =>
    runVirtual(async () => {
      const future = getRunningLoop().createFuture<string>();
      const waiting = createTask(() => future);
      await sleep(0);
      const callback = (): void => {};
      future.addDoneCallback(callback);
      expect(future.removeDoneCallback(callback)).toBe(1);
      future.setResult("still awaited");
      expect(await waiting).toBe("still awaited");
    }));
});
