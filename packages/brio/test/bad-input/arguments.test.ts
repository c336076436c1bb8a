import * as brio from "brio";
import { createTask, getRunningLoop, Queue, RuntimeError, run } from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";
import { eachInLoop, eachOutside, errorOf, expectError, type Mistakes, wrong } from "./mistakes.ts";

const work = async (): Promise<number> => 1;

/** The same mistake with each of `values`: [the call, its error's class, what its message says ...]. */
function withEach(
  name: string,
  values: readonly unknown[],
  call: (value: never) => unknown,
  kind: Mistakes[string][1],
  ...parts: string[]
): void {
  it.each(values)(`${name}: %o`, async (value) => {
    expectError(await runVirtual(() => errorOf(() => call(wrong(value)))), kind, parts);
  });
}

describe("a number that is none is refused", () => {
  const noSizes = [1.5, Number.NaN, Number.POSITIVE_INFINITY, "5", null, { maxsize: 5 }];
  const size = ["maxsize", "integer", "new Queue(100)"] as const;
  withEach("as a queue's size", noSizes, (n) => new Queue(n), RangeError, ...size);
  withEach("as a LIFO queue's size", noSizes, (n) => new brio.LifoQueue(n), RangeError, ...size);
  withEach("as a priority queue's size", noSizes, (n) => new brio.PriorityQueue(n), RangeError, ...size);

  const noCounts = [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, "2", null, {}];
  const permits = ["value", "integer >= 0", "new Semaphore(8)"] as const;
  withEach("as a number of permits", noCounts, (n) => new brio.Semaphore(n), RangeError, ...permits);
  withEach(
    "as a bounded number of permits",
    noCounts,
    (n) => new brio.BoundedSemaphore(n),
    RangeError,
    ...permits,
  );
  const parties = ["parties", "integer >= 1", "new Barrier(3)"] as const;
  withEach(
    "as a barrier's parties",
    [0, undefined, ...noCounts],
    (n) => new brio.Barrier(n),
    RangeError,
    ...parties,
  );

  withEach(
    "as a number to notify",
    noCounts,
    (n) => new brio.Condition().notify(n),
    RangeError,
    "condition.notify(n)",
    "integer >= 0",
    "condition.notify(2)",
  );

  const noRates = [0, -1, Number.NaN, Number.POSITIVE_INFINITY, "10", null];
  const rate = ["finite number > 0", '{ limit: 100, per: "1s"'] as const;
  withEach(
    "as a limiter's limit",
    [undefined, ...noRates],
    (limit) => new brio.RateLimiter({ limit, per: 1 }),
    RangeError,
    "limit",
    ...rate,
  );
  withEach(
    "as a limiter's burst",
    noRates,
    (burst) => new brio.RateLimiter({ limit: 1, per: 1, burst }),
    RangeError,
    "burst",
    ...rate,
  );
  withEach(
    "as a limiter's period",
    [0, "0s", Number.POSITIVE_INFINITY],
    (per) => new brio.RateLimiter({ limit: 1, per }),
    RangeError,
    "per",
    '"1s"',
  );
  withEach(
    "as a number of tokens",
    [0, -1, 3, Number.NaN, "1", null],
    (n) => new brio.RateLimiter({ limit: 2, per: 1 }).acquire(n),
    RangeError,
    "limiter.acquire(n)",
    "> 0 and at most burst (2)",
  );
  withEach(
    "as an interval's period",
    [0, "0s"],
    (period) => brio.interval(period),
    RangeError,
    "period",
    '"1s"',
  );
  withEach(
    "as a number of attempts",
    [0, -1, 1.5, Number.NaN, "3"],
    (attempts) => brio.retry(work, { attempts }),
    RangeError,
    "attempts",
    "integer >= 1",
  );
  withEach(
    "as a broadcast's capacity",
    [0, -1, 1.5, Number.NaN, "3"],
    (capacity) => new brio.Broadcast({ capacity }),
    RangeError,
    "capacity",
    "integer >= 1",
    "new Broadcast({ capacity: 100 })",
  );
});

describe("options of the wrong kind are refused", () => {
  eachOutside({
    "a limiter without options": [
      () => new brio.RateLimiter(wrong(undefined)),
      TypeError,
      "options",
      '{ limit: 100, per: "1s" }',
    ],
    "a limiter with a bare number": [() => new brio.RateLimiter(wrong(10)), TypeError, "options", "got 10"],
    "an order that is no function": [
      () => new brio.PriorityQueue(0, { compare: wrong("priority") }),
      TypeError,
      "compare must be a function",
      "{ compare: (a, b) => a.priority - b.priority }",
      "'priority'",
    ],
    "an order in the place of a size": [() => new brio.PriorityQueue(wrong(() => 0)), RangeError, "maxsize"],
    "a lag policy that does not exist": [
      () => new brio.Broadcast({ capacity: 1, lag: wrong("drop") }),
      RangeError,
      "lag",
      '"drop-oldest", "error" or "block"',
    ],
    "a policy for missed ticks that does not exist": [
      () => brio.interval(1, { missed: wrong("drop") }),
      RangeError,
      "missed",
      '"burst", "delay" or "skip"',
    ],
    "a condition's lock that is none": [
      () => new brio.Condition(wrong({ loop: 1 })),
      TypeError,
      "new Condition(new Lock())",
    ],
    "a mode of cancellation that does not exist": [
      () => run(work, { cancellation: wrong("twice") }),
      RangeError,
      "cancellation",
      '"sticky" or "once"',
    ],
    "run options that are none": [() => run(work, wrong(null)), TypeError, "{ debug: true }", "null"],
    "a function in the place of runner options": [
      () => new brio.Runner(wrong(work)),
      TypeError,
      "{ debug: true }",
    ],
    "a clock that is none": [
      () => run(work, { clock: wrong(5) }),
      TypeError,
      "clock",
      "new VirtualClock()",
      "5",
    ],
    "a context variable without a name": [
      () => new brio.ContextVar(wrong(undefined)),
      TypeError,
      'new ContextVar("user")',
    ],
    "a test for errors that is none": [
      () => new brio.ExceptionGroup("x", [new Error("y")]).split(wrong("TypeError")),
      TypeError,
      "group.split(TypeError)",
    ],
  });
  eachInLoop({
    "a signal that is no AbortSignal": [
      () => createTask(work, { signal: wrong({}) }),
      TypeError,
      "signal must be an AbortSignal",
      "controller.signal",
    ],
    "a context that is none": [
      () => createTask(work, { context: wrong({}) }),
      TypeError,
      "context",
      "copyContext()",
    ],
    "a process signal that does not exist": [
      () => getRunningLoop().addSignalHandler(wrong("SIGFOO"), () => {}),
      RangeError,
      "SIGFOO",
      '"SIGHUP"',
    ],
    "a process signal that can't be caught": [
      () => getRunningLoop().addSignalHandler("SIGKILL", () => {}),
      RuntimeError,
      "SIGKILL can't be caught",
    ],
    "a loop that is none": [
      () => brio.runCoroutineThreadsafe(work, wrong(undefined)),
      TypeError,
      "runCoroutineThreadsafe(source, loop)",
      "getRunningLoop()",
    ],
    "a token that is none": [
      () => new brio.ContextVar("user").reset(wrong(undefined)),
      TypeError,
      "user.set(value)",
      "user.reset(token)",
    ],
    "a token of another variable": [
      () => new brio.ContextVar<number>("user").reset(wrong(new brio.ContextVar<number>("other").set(1))),
      RangeError,
      '"other"',
      '"user"',
    ],
    "a context variable that has no value": [
      () => new brio.ContextVar("user").get(),
      ReferenceError,
      '"user"',
      "set it, or give it a default",
    ],
  });

  it("and leave no half-made task behind", async () => {
    await runVirtual(async () => {
      await errorOf(() => createTask(work, { signal: wrong({}) }));
      await errorOf(() => createTask(work, { context: wrong({}) }));
      await errorOf(() => createTask(wrong(1)));
      expect([...brio.allTasks()].map((task) => task.getName())).toEqual(["main"]);
    });
  });

  it("but a name of another type is shown as a string", async () => {
    await runVirtual(async () => {
      expect(createTask(work, { name: wrong(7) }).getName()).toBe("7");
    });
  });
});
