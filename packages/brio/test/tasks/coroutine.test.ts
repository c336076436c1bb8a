import {
  coroutine,
  createTask,
  currentTask,
  gather,
  getRunningLoop,
  isCoroutine,
  RuntimeError,
  run,
  sleep,
  taskGroup,
  waitFor,
} from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

const double = coroutine(async function twice(value: number): Promise<number> {
  await sleep("1s");
  return value * 2;
});

describe("a coroutine", () => {
  it("is cold: calling the function begins nothing", () =>
    runVirtual(async () => {
      const log: string[] = [];
      const work = coroutine(async (name: string) => void log.push(name));
      const [first, second] = [work("first"), work("second")];
      await sleep(0);
      log.push("called");
      await second;
      await first;
      expect(log).toEqual(["called", "second", "first"]);
    }));

  it("runs inline in the task that awaits it", () =>
    runVirtual(async () => {
      const who = coroutine(async () => currentTask()?.getName());
      const task = createTask(async () => [await who(), await who()], { name: "the awaiter" });
      expect(await task).toEqual(["the awaiter", "the awaiter"]);
    }));

  it("runs in a task of its own when it is handed to createTask, gather or a group", () =>
    runVirtual(async () => {
      const who = coroutine(async () => currentTask()?.getName());
      const names = [
        await createTask(who(), { name: "made" }),
        ...(await gather(who(), who())),
        await taskGroup((group) => group.createTask(who(), { name: "grouped" })),
        await waitFor(who(), "1s"),
      ];
      expect([names[0], names[3], names[4]]).toEqual(["made", "grouped", "main"]);
      expect(new Set(names).size).toBe(5);
    }));

  it("runs beside others when they are gathered, and one after the other when they are awaited", () =>
    runVirtual(async () => {
      const loop = getRunningLoop();
      expect([await gather(double(1), double(2), double(3)), loop.time()]).toEqual([[2, 4, 6], 1000]);
      expect([await double(1), await double(2), loop.time()]).toEqual([2, 4, 3000]);
    }));

  it("can be main itself", async () => {
    expect(await runVirtual(double(21))).toBe(42);
  });

  it("gets its arguments and its this", () =>
    runVirtual(async () => {
      const account = {
        balance: 10,
        deposit: coroutine(async function (this: { balance: number }, ...amounts: number[]) {
          for (const amount of amounts) this.balance += amount;
          return this.balance;
        }),
      };
      expect(await account.deposit(1, 2, 3)).toBe(16);
    }));

  it("knows its function's name, and shows it", () => {
    const anonymous = coroutine((() => async () => {})());
    expect([double(1).name, String(double(1)), String(anonymous())]).toEqual([
      "twice",
      "<Coroutine twice()>",
      "<Coroutine <anonymous>()>",
    ]);
  });

  it("throws what its function throws, where it is awaited", () =>
    runVirtual(async () => {
      const error = new Error("inside");
      const fail = coroutine(async () => {
        throw error;
      });
      await expect(Promise.resolve(fail())).rejects.toBe(error);
    }));

  it("has the then, catch and finally of promises", () =>
    runVirtual(async () => {
      const log: string[] = [];
      const fail = coroutine(async () => {
        throw new Error("inside");
      });
      log.push(await fail().catch((error) => `caught ${String(error)}`));
      log.push(await double(2).then((value) => `then ${value}`));
      await double(3).finally(() => log.push("finally"));
      expect(log).toEqual(["caught Error: inside", "then 4", "finally"]);
    }));

  it("can be awaited outside of any loop, like the function that it wraps", async () => {
    const plain = coroutine(async (value: number) => value + 1);
    expect(await plain(1)).toBe(2);
  });

  it("works with a function that is not async, for whoever is not bound by the types", () =>
    runVirtual(async () => {
      // @ts-expect-error it should be async
      const work = coroutine((value: number) => {
        if (value < 0) throw new RangeError("negative");
        return value + 1;
      });
      expect(await work(1)).toBe(2);
      expect(await createTask(() => work(2))).toBe(3);
      await expect(Promise.resolve(work(-1))).rejects.toThrow(RangeError);
    }));
});

describe("a coroutine runs once:", () => {
  const AGAIN = /coroutine job\(\) was awaited or started before: .* call job\(\) again for a second run/;
  const once = coroutine(async function job() {
    await sleep(10);
    return "done";
  });

  it("awaiting it a second time is an error", () =>
    runVirtual(async () => {
      const work = once();
      expect(await work).toBe("done");
      await expect(Promise.resolve(work)).rejects.toThrow(RuntimeError);
      await expect(Promise.resolve(work)).rejects.toThrow(AGAIN);
    }));

  it("awaiting it while it runs is an error, and does not disturb the first", () =>
    runVirtual(async () => {
      const work = once();
      const first = createTask(async () => await work);
      await sleep(1);
      await expect(Promise.resolve(work)).rejects.toThrow(AGAIN);
      expect(await first).toBe("done");
    }));

  it("awaiting it after it became a task is an error: await the task", () =>
    runVirtual(async () => {
      const work = once();
      const task = createTask(work);
      await sleep(0);
      await expect(Promise.resolve(work)).rejects.toThrow(AGAIN);
      expect(await task).toBe("done");
    }));

  it("making a second task of it is an error of that task", () =>
    runVirtual(async () => {
      const work = once();
      const [first, second] = [createTask(work), createTask(work)];
      expect(await first).toBe("done");
      await expect(Promise.resolve(second)).rejects.toThrow(AGAIN);
    }));

  it("awaiting it after close() is an error", () =>
    runVirtual(async () => {
      const work = once();
      work.close();
      await expect(Promise.resolve(work)).rejects.toThrow(AGAIN);
    }));
});

describe("isCoroutine", () => {
  it("is true for what a coroutine function returns", () => {
    expect([isCoroutine(double(1)), isCoroutine(coroutine(async () => {})())]).toEqual([true, true]);
  });

  it("is false for the function itself, promises, generators, futures, and the rest", () =>
    runVirtual(() => {
      function* generator(): Generator<number> {
        yield 1;
      }
      async function* asyncGenerator(): AsyncGenerator<number> {
        yield 1;
      }
      const others = [
        double,
        async () => {},
        Promise.resolve(1),
        generator(),
        asyncGenerator(),
        getRunningLoop().createFuture(),
        createTask(() => 1),
        null,
        undefined,
        1,
      ];
      expect(others.map((other) => isCoroutine(other))).toEqual(others.map(() => false));
    }));
});

describe("where a coroutine is meant, a promise", () => {
  const work = async (): Promise<number> => 1;

  it("is refused by coroutine(): the function itself is wanted", () => {
    // @ts-expect-error it is a promise
    expect(() => coroutine(work())).toThrow(TypeError);
    // @ts-expect-error it is a promise
    expect(() => coroutine(work())).toThrow(
      /got the promise of a call that has begun: pass the function itself/,
    );
  });

  it("is refused by createTask, the loop, groups and run, each by its name", async () => {
    const messages: string[] = [];
    const attempt = async (call: () => unknown): Promise<void> => {
      try {
        await call();
      } catch (error) {
        messages.push(
          /^TypeError: (.*) takes a coroutine or a function, and got a promise/.exec(String(error))?.[1] ??
            "",
        );
      }
    };
    await runVirtual(async () => {
      // @ts-expect-error it is a promise
      await attempt(() => createTask(work()));
      // @ts-expect-error it is a promise
      await attempt(() => getRunningLoop().createTask(work()));
      await taskGroup(async (group) => {
        // @ts-expect-error it is a promise
        await attempt(() => group.createTask(work()));
      });
    });
    // @ts-expect-error it is a promise
    await attempt(() => run(work()));
    expect(messages).toEqual(["createTask()", "loop.createTask()", "group.createTask()", "run()"]);
  });

  it("and anything else that is no function is refused by coroutine()", () => {
    for (const value of [1, "work", null, undefined, {}]) {
      // @ts-expect-error none of them is a function
      expect(() => coroutine(value)).toThrow(
        /coroutine\(\) takes an async function: coroutine\(async \(url\)/,
      );
    }
  });
});
