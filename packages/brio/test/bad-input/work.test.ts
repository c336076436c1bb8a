import * as brio from "brio";
import { createTask, getRunningLoop, RuntimeError, run, sleep } from "brio";
import { runVirtual } from "brio/testing";
import { describe, it } from "vitest";
import { eachInLoop, eachOutside, errorOf, expectError, wrong } from "./mistakes.ts";

const work = async (): Promise<number> => 1;

const fetching = async (): Promise<string> => {
  await sleep(1);
  return "data";
};
const fetchData = brio.coroutine(Object.defineProperty(fetching, "name", { value: "fetchData" }));

describe("a coroutine that runs or has run is refused", () => {
  const again = ["coroutine fetchData() was awaited or started before", "call fetchData() again"] as const;
  eachInLoop({
    "awaited twice": [
      async () => {
        const call = fetchData();
        await call;
        await call;
      },
      RuntimeError,
      ...again,
    ],
    "awaited while its task runs": [
      async () => {
        const call = fetchData();
        const task = createTask(call);
        await sleep(0);
        try {
          await call;
        } finally {
          await task;
        }
      },
      RuntimeError,
      ...again,
    ],
    "made a task twice": [
      async () => {
        const call = fetchData();
        await brio.gather(createTask(call), createTask(call));
      },
      RuntimeError,
      ...again,
    ],
  });
});

describe("a promise or a coroutine where a function is meant is refused", () => {
  const begun = "got a promise: its work has begun already";
  const callback = "takes a function as its callback";
  const promise = work();
  eachInLoop({
    createTask: [() => createTask(wrong(promise)), TypeError, begun, "createTask(() => work())"],
    "loop.createTask": [
      () => getRunningLoop().createTask(wrong(promise)),
      TypeError,
      begun,
      "loop.createTask(() => work())",
    ],
    "group.createTask": [
      async () => {
        let refusal: unknown;
        await brio.taskGroup(async (group) => {
          refusal = await errorOf(() => group.createTask(wrong(promise)));
        });
        throw refusal;
      },
      TypeError,
      begun,
      "group.createTask(() => work())",
    ],
    coroutine: [
      () => brio.coroutine(wrong(promise)),
      TypeError,
      "the promise of a call that has begun",
      "coroutine(async (url)",
    ],
    "coroutine, given a cold call": [
      () => brio.coroutine(wrong(fetchData())),
      TypeError,
      "a call of fetchData(), which is cold already",
    ],
    "wait, given a function": [
      () => brio.wait([wrong(work)]),
      TypeError,
      "got a coroutine, function or promise",
      "wait([createTask(work)])",
    ],
    "wait, given a promise": [
      () => brio.wait([wrong(promise)]),
      TypeError,
      "got a coroutine, function or promise",
      "wait([createTask(work)])",
    ],
    timeout: [() => brio.timeout("1s", wrong(promise)), TypeError, 'timeout("1s", () => work())'],
    timeoutAt: [
      () => brio.timeoutAt(1, wrong(promise)),
      TypeError,
      "timeoutAt(loop.time() + 1000, () => work())",
    ],
    taskGroup: [() => brio.taskGroup(wrong(promise)), TypeError, "taskGroup(async (group) => { ... })"],
    moveOnAfter: [() => brio.moveOnAfter("1s", wrong(promise)), TypeError, 'moveOnAfter("1s", () => work())'],
    "CancelScope.run": [
      () => new brio.CancelScope().run(wrong(promise)),
      TypeError,
      "scope.run(() => work())",
    ],
    uncancellable: [() => brio.uncancellable(wrong(promise)), TypeError, "uncancellable(() => "],
    retry: [() => brio.retry(wrong(promise)), TypeError, "retry((attempt) => "],
    "lock.with": [() => new brio.Lock().with(wrong(promise)), TypeError, "lock.with(() => work())"],
    "semaphore.with": [
      () => new brio.Semaphore().with(wrong(promise)),
      TypeError,
      "semaphore.with(() => work())",
    ],
    "condition.with": [
      () => new brio.Condition().with(wrong(promise)),
      TypeError,
      "condition.with(() => work())",
    ],
    "condition.waitFor": [
      () => new brio.Condition().waitFor(wrong(promise)),
      TypeError,
      "predicate",
      "condition.waitFor(() => ",
    ],
    "limiter.with": [
      () => new brio.RateLimiter({ limit: 1, per: 1 }).with(wrong(promise)),
      TypeError,
      "limiter.with(() => work())",
    ],
    "loop.callSoon": [
      () => getRunningLoop().callSoon(wrong(fetchData())),
      TypeError,
      callback,
      "createTask(",
    ],
    "loop.callLater": [() => getRunningLoop().callLater(1, wrong(fetchData())), TypeError, callback],
    "loop.callAt": [() => getRunningLoop().callAt(1, wrong(fetchData())), TypeError, callback],
    "loop.addSignalHandler": [
      () => getRunningLoop().addSignalHandler("SIGHUP", wrong(fetchData())),
      TypeError,
      'loop.addSignalHandler("SIGHUP", () => ',
    ],
    "loop.setExceptionHandler": [
      () => getRunningLoop().setExceptionHandler(wrong(promise)),
      TypeError,
      "(loop, context) => void",
    ],
    "future.addDoneCallback": [
      () => getRunningLoop().createFuture().addDoneCallback(wrong(promise)),
      TypeError,
      "addDoneCallback((",
    ],
  });
  eachOutside({
    run: [() => run(wrong(promise)), TypeError, begun, "run(() => work())"],
    "Runner.run": [() => new brio.Runner().run(wrong(promise)), TypeError, begun],
    runVirtual: [() => runVirtual(wrong(promise)), TypeError, begun],
    runCoroutineThreadsafe: [
      () => run(() => brio.runCoroutineThreadsafe(wrong(promise), getRunningLoop())),
      TypeError,
      "() => work()",
    ],
  });
});

describe("what is no work at all", () => {
  const takers: Record<string, (value: never) => unknown> = {
    createTask: (value) => createTask(value),
    gather: (value) => brio.gather(value),
    "gather, in a list": (value) => brio.gather([value]),
    shield: (value) => brio.shield(value),
    ensureFuture: (value) => brio.ensureFuture(value),
    wrapFuture: (value) => brio.wrapFuture(value),
    waitFor: (value) => brio.waitFor(value, "1s"),
    "waitFor, without time": (value) => brio.waitFor(value, 0),
    asCompleted: (value) => brio.asCompleted(value),
    "asCompleted, in a list": (value) => brio.asCompleted([value]),
    wait: (value) => brio.wait(value),
    "wait, in a list": (value) => brio.wait([value]),
    interruptible: (value) => brio.interruptible(value),
  };
  const values = [1, undefined, null, {}, Object.create(null), Symbol("x")];
  for (const [name, call] of Object.entries(takers)) {
    it.each(values)(`is refused by ${name}: %o`, async (value) => {
      const error = await runVirtual(() => errorOf(() => call(wrong(value))));
      expectError(error, TypeError, [`${name.split(",")[0]}()`, "takes"]);
    });
  }
  it.each(values)("is refused by run: %o", async (value) => {
    expectError(await errorOf(() => run(wrong(value))), TypeError, ["run()", "takes", "() => work()"]);
  });

  eachInLoop({
    "is refused by gather as options behind its arguments": [
      () => brio.gather(work, wrong({ returnExceptions: true })),
      TypeError,
      "gather([a, b], { returnExceptions: true })",
    ],
    "is refused by wait as nothing to wait for": [() => brio.wait([]), RangeError, "at least one future"],
    "is refused by wait as an event that it does not know": [
      () => brio.wait([createTask(work)], { returnWhen: wrong("FIRST") }),
      RangeError,
      "returnWhen",
      "FIRST_COMPLETED, FIRST_EXCEPTION, ALL_COMPLETED",
      "FIRST",
    ],
  });
});
