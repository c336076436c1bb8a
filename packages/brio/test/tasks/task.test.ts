import { coroutine, createTask, getRunningLoop, RuntimeError, run, sleep, Task } from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

describe("a task", () => {
  it("ends with what its function returns", () =>
    runVirtual(async () => {
      const task = createTask(async () => {
        const a = await (async () => 42)();
        const b = await coroutine(async () => 1000)();
        return a + b;
      });
      expect(task.done()).toBe(false);
      expect(await task).toBe(1042);
      expect([task.done(), task.cancelled(), task.result(), task.exception()]).toEqual([
        true,
        false,
        1042,
        undefined,
      ]);
    }));

  it("ends with what its function throws", () =>
    runVirtual(async () => {
      const error = new TypeError("odd");
      const task = createTask(async () => {
        await sleep(0);
        throw error;
      });
      await expect(Promise.resolve(task)).rejects.toBe(error);
      expect([task.done(), task.cancelled(), task.exception()]).toEqual([true, false, error]);
    }));

  it("runs a synchronous function", () =>
    runVirtual(async () => {
      expect(await createTask(() => "sync")).toBe("sync");
      const thrown = new Error("sync too");
      const failing = createTask(() => {
        throw thrown;
      });
      await expect(Promise.resolve(failing)).rejects.toBe(thrown);
    }));

  it("runs a coroutine that its function returns", () =>
    runVirtual(async () => {
      const inner = coroutine(async (value: number) => {
        await sleep("1s");
        return value * 2;
      });
      expect(await createTask(() => inner(21))).toBe(42);
    }));

  it("waits for a future that its function returns", () =>
    runVirtual(async () => {
      const future = getRunningLoop().createFuture<string>();
      const task = createTask(() => future);
      await sleep(0);
      expect(task.done()).toBe(false);
      future.setResult("through the future");
      expect(await task).toBe("through the future");
    }));

  it("begins on the loop's next turn, in the order of creation", () =>
    runVirtual(async () => {
      const log: string[] = [];
      for (const name of ["a", "b", "c"]) createTask(() => void log.push(name));
      log.push("created");
      await sleep(0);
      expect(log).toEqual(["created", "a", "b", "c"]);
    }));

  it("begins behind what was ready before, and ahead of what comes after", () =>
    runVirtual(async () => {
      const log: string[] = [];
      const loop = getRunningLoop();
      loop.callSoon(() => log.push("callback before"));
      createTask(() => void log.push("task"));
      loop.callSoon(() => log.push("callback after"));
      await sleep(0);
      expect(log).toEqual(["callback before", "task", "callback after"]);
    }));

  it("is a future of its loop, and made by Task", () =>
    runVirtual(() => {
      const task = getRunningLoop().createTask(() => 1);
      expect(task).toBeInstanceOf(Task);
      expect(task.getLoop()).toBe(getRunningLoop());
    }));

  it("takes no result from outside", () =>
    runVirtual(async () => {
      const task = createTask(() => sleep("1s", "own result"));
      expect(() => task.setResult("other")).toThrow(RuntimeError);
      expect(() => task.setResult("other")).toThrow(/setResult\(\) is for futures/);
      expect(await task).toBe("own result");
    }));

  it("takes no exception from outside", () =>
    runVirtual(async () => {
      const task = createTask(() => sleep("1s", "own result"));
      expect(() => task.setException(new Error("other"))).toThrow(/setException\(\) is for futures/);
      expect(await task).toBe("own result");
    }));

  it("cannot await itself", () =>
    runVirtual(async () => {
      const task: Task<unknown> = createTask(async () => await task, { name: "narcissus" });
      await expect(Promise.resolve(task)).rejects.toThrow(RuntimeError);
      expect(String(task.exception())).toMatch(/<Task "narcissus" pending> cannot await itself/);
    }));

  it("may be awaited by many, and gives each its result", () =>
    runVirtual(async () => {
      const task = createTask(() => sleep("1s", { shared: true }));
      const results = await Promise.all([1, 2, 3].map(() => createTask(() => task)));
      expect(new Set(results).size).toBe(1);
    }));

  it("is kept by its loop: it goes on though nobody holds it", async () => {
    const { gc } = globalThis;
    if (gc === undefined) throw new Error("this test needs node --expose-gc, as vitest.config.ts sets it");
    const log: string[] = [];
    await run(async () => {
      getRunningLoop().setExceptionHandler((_loop, { message }) => void log.push(message));
      const drop = (): void => {
        createTask(async () => {
          await sleep(20);
          log.push("went on");
        });
      };
      drop();
      for (let round = 0; round < 20; round++) {
        await sleep(1);
        gc();
      }
      await sleep(40);
    });
    expect(log).toEqual(["went on"]);
  });

  it("runs in one stretch up to its first wait, however many settled promises it awaits", () =>
    runVirtual(async () => {
      const log: string[] = [];
      const work = async (name: string): Promise<void> => {
        for (let step = 1; step <= 3; step++) {
          log.push(`${name}${step}`);
          await Promise.resolve();
        }
        await sleep(0);
        log.push(`${name} again`);
      };
      await Promise.all([createTask(() => work("a")), createTask(() => work("b"))]);
      expect(log).toEqual(["a1", "a2", "a3", "b1", "b2", "b3", "a again", "b again"]);
    }));
});

describe("a task's name", () => {
  it("is Task-1, Task-2, ... counting on, if none was given", () =>
    runVirtual(async () => {
      const [first, second] = [createTask(() => 1), createTask(() => 2)];
      const number = Number(/^Task-(\d+)$/.exec(first.getName())?.[1]);
      expect(second.getName()).toBe(`Task-${number + 1}`);
      expect(String(second)).toBe(`<Task "Task-${number + 1}" pending>`);
    }));

  it("is the one that was given", () =>
    runVirtual(() => {
      expect(createTask(() => 1, { name: "fetcher" }).getName()).toBe("fetcher");
      expect(
        getRunningLoop()
          .createTask(() => 1, { name: "parser" })
          .getName(),
      ).toBe("parser");
    }));

  it("can be changed, and shows in the task's text", () =>
    runVirtual(async () => {
      const task = createTask(() => 1, { name: "before" });
      task.setName("after");
      expect([task.getName(), String(task)]).toEqual(["after", '<Task "after" pending>']);
      await task;
      expect(String(task)).toBe('<Task "after" finished>');
    }));

  it("is text, whatever it was set to", () =>
    runVirtual(() => {
      const task = createTask(() => 1);
      // @ts-expect-error a name is a string
      task.setName(987654321);
      expect(task.getName()).toBe("987654321");
      // @ts-expect-error a name is a string
      expect(createTask(() => 1, { name: 123 }).getName()).toBe("123");
    }));

  it("does not need to be unique", () =>
    runVirtual(async () => {
      const twins = [createTask(() => 1, { name: "twin" }), createTask(() => 2, { name: "twin" })];
      expect(await Promise.all(twins)).toEqual([1, 2]);
    }));

  it("shows with each state a task goes through", () =>
    runVirtual(async () => {
      const failing = createTask(() => Promise.reject(new Error("odd")), { name: "f" });
      const cancelled = createTask(() => sleep("1h"), { name: "c" });
      await sleep(0);
      cancelled.cancel();
      await sleep(0);
      failing.exception();
      expect([String(failing), String(cancelled)]).toEqual([
        '<Task "f" failed: Error: odd>',
        '<Task "c" cancelled>',
      ]);
    }));
});

describe("createTask refuses", () => {
  it("a promise, whose work has begun", () =>
    runVirtual(() => {
      // @ts-expect-error a promise is not cold
      expect(() => createTask(Promise.resolve(1))).toThrow(TypeError);
      // @ts-expect-error a promise is not cold
      expect(() => createTask(Promise.resolve(1))).toThrow(
        /createTask\(\) takes a coroutine or a function, and got a promise: .* Write createTask\(\(\) => work\(\)\)/,
      );
    }));

  it("anything else that can't be run", () =>
    runVirtual(() => {
      for (const source of [42, "work", null, undefined, {}]) {
        // @ts-expect-error none of them can be run
        expect(() => createTask(source)).toThrow(/createTask\(\) takes a coroutine or a function/);
      }
    }));

  it("to work outside a loop, and says where it would", () => {
    expect(() => createTask(() => 1)).toThrow(RuntimeError);
    expect(() => createTask(() => 1)).toThrow(
      /createTask\(\) needs a running event loop: call it inside run\(/,
    );
  });

  it("a coroutine that has run before", () =>
    runVirtual(async () => {
      const work = coroutine(async () => 1)();
      await work;
      await expect(Promise.resolve(createTask(work))).rejects.toThrow(/was awaited or started before/);
    }));
});
