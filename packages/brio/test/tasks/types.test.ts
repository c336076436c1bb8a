import {
  allTasks,
  asCompleted,
  type CancelScope,
  ContextVar,
  type Coroutine,
  coroutine,
  createTask,
  type Duration,
  ensureFuture,
  type Future,
  gather,
  getRunningLoop,
  type Handle,
  moveOnAfter,
  Queue,
  Runner,
  run,
  shield,
  sleep,
  type Task,
  type TaskGroup,
  type TimerHandle,
  type Token,
  taskGroup,
  timeout,
  wait,
  waitFor,
  wrapFuture,
} from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, expectTypeOf, it } from "vitest";

// The types are what is tested: `npm run check:types` fails where one of these is not as written. The calls run as well.

const length = coroutine(async (text: string) => text.length);

describe("coroutine", () => {
  it("keeps arguments and result", async () => {
    expectTypeOf(length).parameters.toEqualTypeOf<[text: string]>();
    expectTypeOf(length("a")).toEqualTypeOf<Coroutine<number>>();
    expectTypeOf(await length("ab")).toEqualTypeOf<number>();
    // @ts-expect-error a number is no string
    length(1).close();
    // @ts-expect-error an argument is missing
    length().close();
  });

  it("keeps optional and rest arguments", () => {
    const pick = coroutine(async (from: string[], at?: number, ..._more: boolean[]) => from[at ?? 0]);
    expectTypeOf(pick).parameters.toEqualTypeOf<
      [from: string[], at?: number | undefined, ...more: boolean[]]
    >();
    expectTypeOf(pick([])).toEqualTypeOf<Coroutine<string | undefined>>();
    expectTypeOf(pick([], 1, true, false)).toEqualTypeOf<Coroutine<string | undefined>>();
    // @ts-expect-error the second argument is a number
    pick([], "1").close();
  });

  it("refuses what does not return a promise", () => {
    // @ts-expect-error not async
    coroutine(() => 1);
  });

  it("is what a method keeps its declared type under", async () => {
    class Service {
      @coroutine
      async load(id: number): Promise<string> {
        return `#${id}`;
      }
    }
    expectTypeOf(new Service().load).toEqualTypeOf<(id: number) => Promise<string>>();
    expectTypeOf(await new Service().load(1)).toEqualTypeOf<string>();
  });
});

describe("createTask", () => {
  it("gives a task of what its source gives", () =>
    runVirtual(async () => {
      expectTypeOf(createTask(async () => 1)).toEqualTypeOf<Task<number>>();
      expectTypeOf(createTask(() => "sync")).toEqualTypeOf<Task<string>>();
      expectTypeOf(createTask(length("abc"))).toEqualTypeOf<Task<number>>();
      expectTypeOf(createTask(() => length("abc"))).toEqualTypeOf<Task<number>>();
      expectTypeOf(createTask(() => sleep(1))).toEqualTypeOf<Task<void>>();
      expectTypeOf(getRunningLoop().createTask(async () => true)).toEqualTypeOf<Task<boolean>>();
      expectTypeOf(await createTask(async () => ({ a: 1 }))).toEqualTypeOf<{ a: number }>();
    }));

  it("gives something that can stand for a task or future of anything", () =>
    runVirtual(async () => {
      const task = createTask(async () => 1);
      expectTypeOf(task).toExtend<Task<unknown>>();
      expectTypeOf(task).toExtend<Future<unknown>>();
      expectTypeOf(task).toExtend<PromiseLike<number>>();
      const mixed: Task<unknown>[] = [task, createTask(async () => "two")];
      expect([mixed.length, allTasks().has(task)]).toEqual([2, true]);
    }));

  it("knows its options", () =>
    runVirtual(async () => {
      const { signal } = new AbortController();
      await createTask(() => 1, { name: "n", eager: true, signal });
      // @ts-expect-error misspelt
      createTask(() => 1, { nmae: "n" });
    }));

  it("gives callbacks the task itself", () =>
    runVirtual(async () => {
      createTask(async () => 1).addDoneCallback((done) => {
        expectTypeOf(done.result()).toEqualTypeOf<number>();
        expectTypeOf(done.getName()).toEqualTypeOf<string>();
        expectTypeOf(done.exception()).toEqualTypeOf<unknown>();
      });
    }));
});

describe("gather", () => {
  it("gives a tuple, each place by its awaitable", () =>
    runVirtual(async () => {
      const future: Future<boolean> = getRunningLoop().createFuture<boolean>();
      future.setResult(true);
      const gathered = gather(
        length("a"),
        () => "sync",
        async () => 1n,
        future,
        Promise.resolve(null),
      );
      expectTypeOf(gathered).toEqualTypeOf<Future<[number, string, bigint, boolean, null]>>();
      const [a, b] = await gather(
        length("a"),
        createTask(() => "b"),
      );
      expectTypeOf(a).toEqualTypeOf<number>();
      expectTypeOf(b).toEqualTypeOf<string>();
      await gathered;
    }));

  it("gives a tuple for an array written out, too, and nothing for nothing", () =>
    runVirtual(async () => {
      expectTypeOf(await gather([length("a"), () => "b"])).toEqualTypeOf<[number, string]>();
      expectTypeOf(await gather([])).toEqualTypeOf<[]>();
      expectTypeOf(await gather()).toEqualTypeOf<[]>();
    }));

  it("gives an array for a list of some length", () =>
    runVirtual(async () => {
      const tasks = ["a", "b"].map((text) => createTask(length(text)));
      expectTypeOf(await gather(tasks)).toEqualTypeOf<number[]>();
      expectTypeOf(await gather(...tasks)).toEqualTypeOf<number[]>();
    }));

  it("lets errors stand in any place with returnExceptions", () =>
    runVirtual(async () => {
      const results = await gather([length("a"), () => "b"], { returnExceptions: true });
      expectTypeOf(results).toEqualTypeOf<[number | Error, string | Error]>();
      const none = await gather([length("a"), () => "b"], { returnExceptions: false });
      expectTypeOf(none).toEqualTypeOf<[number, string]>();
    }));
});

describe("bodies give their value through", () => {
  it("taskGroup, timeout, waitFor, shield, moveOnAfter", () =>
    runVirtual(async () => {
      const grouped = taskGroup(async (group) => {
        expectTypeOf(group).toEqualTypeOf<TaskGroup>();
        expectTypeOf(group.createTask(length("a"))).toEqualTypeOf<Task<number>>();
        return "value";
      });
      expectTypeOf(await grouped).toEqualTypeOf<string>();
      const limited = timeout("1s", (limit) => {
        expectTypeOf(limit.when()).toEqualTypeOf<number | null>();
        return 1;
      });
      expectTypeOf(await limited).toEqualTypeOf<number>();
      expectTypeOf(waitFor(length("a"), "1s")).toEqualTypeOf<Promise<number>>();
      expectTypeOf(waitFor(async () => "b", null)).toEqualTypeOf<Promise<string>>();
      expectTypeOf(waitFor(Promise.resolve(true), 5)).toEqualTypeOf<Promise<boolean>>();
      expectTypeOf(shield(length("a"))).toEqualTypeOf<Future<number>>();
      const moved = moveOnAfter("1s", (scope) => {
        expectTypeOf(scope).toEqualTypeOf<CancelScope>();
        return "value";
      });
      expectTypeOf(await moved).toEqualTypeOf<string | undefined>();
    }));

  it("run, runVirtual, and Runner", async () => {
    expectTypeOf(run(async () => 1)).toEqualTypeOf<Promise<number>>();
    expectTypeOf(await runVirtual(length("a"))).toEqualTypeOf<number>();
    await using runner = new Runner();
    expectTypeOf(await runner.run(() => "sync")).toEqualTypeOf<string>();
  });
});

describe("waiting for several", () => {
  it("wait gives back the kind of future that it was given", () =>
    runVirtual(async () => {
      const { done, pending } = await wait([createTask(length("a"))], { timeout: "1s" });
      expectTypeOf(done).toEqualTypeOf<Set<Task<number>>>();
      expectTypeOf(pending).toEqualTypeOf<Set<Task<number>>>();
    }));

  it("asCompleted gives coroutines, or futures in a for await", () =>
    runVirtual(async () => {
      for (const next of asCompleted([length("a"), length("b")])) {
        expectTypeOf(next).toEqualTypeOf<Coroutine<number>>();
        expectTypeOf(await next).toEqualTypeOf<number>();
      }
      for await (const future of asCompleted([length("a"), () => "b"])) {
        expectTypeOf(future.result()).toEqualTypeOf<number | string>();
      }
    }));

  it("ensureFuture and wrapFuture", () =>
    runVirtual(async () => {
      expectTypeOf(ensureFuture(length("a"))).toEqualTypeOf<Future<number>>();
      expectTypeOf(ensureFuture(async () => "b")).toEqualTypeOf<Future<string>>();
      expectTypeOf(wrapFuture(Promise.resolve(1))).toEqualTypeOf<Future<number>>();
    }));
});

describe("durations", () => {
  it("are numbers, and strings with a unit", () => {
    expectTypeOf<1500>().toExtend<Duration>();
    for (const text of ["250ms", "1s", "1.5s", ".5s", "2m", "1h"] as const) {
      expectTypeOf(text).toExtend<Duration>();
    }
  });

  it("are not misspelt", () => {
    expectTypeOf<"10sec">().not.toExtend<Duration>();
    expectTypeOf<"10">().not.toExtend<Duration>();
    expectTypeOf<"1d">().not.toExtend<Duration>();
    expectTypeOf<"s">().not.toExtend<Duration>();
    expectTypeOf<string>().not.toExtend<Duration>();
    expectTypeOf<Date>().not.toExtend<Duration>();
  });

  it("are asked for by everything that waits", () =>
    runVirtual(async () => {
      // TypeScript takes "10 " for a number, so this one is found when it runs.
      await expect(sleep("10 s")).rejects.toThrow(TypeError);
      // @ts-expect-error an unknown unit
      await expect(timeout("10sec", () => 1)).rejects.toThrow(TypeError);
      // @ts-expect-error no unit
      await expect(waitFor(() => 1, "10")).rejects.toThrow(TypeError);
      // @ts-expect-error no unit
      expect(() => getRunningLoop().callLater("10", () => {})).toThrow(TypeError);
    }));
});

describe("the rest", () => {
  it("callbacks are called with arguments of their types", () =>
    runVirtual(() => {
      const loop = getRunningLoop();
      const show = (_text: string, _times: number): void => {};
      expectTypeOf(loop.callSoon(show, "a", 1)).toEqualTypeOf<Handle>();
      expectTypeOf(loop.callLater("1s", show, "a", 1)).toEqualTypeOf<TimerHandle>();
      // @ts-expect-error one argument is missing
      loop.callSoon(show, "a");
      // @ts-expect-error the arguments are exchanged
      loop.callAt(1, show, 1, "a");
    }));

  it("context variables hold their type", () => {
    const level = new ContextVar<number>("level", { default: 0 });
    expectTypeOf(level.get()).toEqualTypeOf<number>();
    const token = level.set(1);
    expectTypeOf(token).toEqualTypeOf<Token<number>>();
    level.reset(token);
    // @ts-expect-error a string is no number
    level.reset(level.set("high"));
  });

  it("a sleep's result is its own", () =>
    runVirtual(async () => {
      expectTypeOf(await sleep(1)).toEqualTypeOf<void>();
      expectTypeOf(await sleep(1, "result")).toEqualTypeOf<string>();
    }));

  it("queues hold what they are made for", () =>
    runVirtual(async () => {
      const queue = new Queue<string>();
      queue.putNowait("item");
      expectTypeOf(await queue.get()).toEqualTypeOf<string>();
      // @ts-expect-error a number is no string
      await queue.put(1);
    }));
});
