import * as brio from "brio";
import {
  BoundedSemaphore,
  Condition,
  createTask,
  getRunningLoop,
  Lock,
  Queue,
  RuntimeError,
  run,
  sleep,
} from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";
import { eachInLoop, eachOutside, errorOf, expectError } from "./mistakes.ts";

const work = async (): Promise<number> => 1;

describe("a run inside a running loop is refused", () => {
  const parts = [
    "run() was called inside a running event loop",
    "await the coroutine",
    "createTask(...)",
  ] as const;
  eachInLoop({
    run: [() => run(work), RuntimeError, ...parts],
    "Runner.run": [() => new brio.Runner().run(work), RuntimeError, ...parts],
    runVirtual: [() => runVirtual(work), RuntimeError, ...parts],
    "run, in a callback": [
      () => new Promise((_, reject) => getRunningLoop().callSoon(() => void run(work).catch(reject))),
      RuntimeError,
      ...parts,
    ],
    "loop.close": [() => getRunningLoop().close(), RuntimeError, "loop.close()", "the event loop is running"],
  });
});

describe("outside a loop", () => {
  /** What waits, or starts a task, by the name that its error gives. */
  const needLoop: Record<string, () => unknown> = {
    "sleep()": () => sleep(1),
    "sleepForever()": () => brio.sleepForever(),
    "checkpoint()": () => brio.checkpoint(),
    "createTask()": () => createTask(work),
    "gather()": () => brio.gather(work),
    "shield()": () => brio.shield(work),
    "ensureFuture()": () => brio.ensureFuture(work),
    "wrapFuture()": () => brio.wrapFuture(Promise.resolve(1)),
    "asCompleted()": () => brio.asCompleted([work]),
    "waitFor()": () => brio.waitFor(work, 1),
    "timeout()": () => brio.timeout(1, work),
    "timeoutAt()": () => brio.timeoutAt(1, work),
    "taskGroup()": () => brio.taskGroup(work),
    "moveOnAfter()": () => brio.moveOnAfter(1, work),
    "CancelScope.run()": () => new brio.CancelScope().run(work),
    "uncancellable()": () => brio.uncancellable(work),
    "interruptible()": () => brio.interruptible(Promise.resolve(1)),
    "currentSignal()": () => brio.currentSignal(),
    "getRunningLoop()": () => getRunningLoop(),
    "lock.acquire()": () => new Lock().acquire(),
    "lock.with()": () => new Lock().with(work),
    "semaphore.acquire()": () => new brio.Semaphore().acquire(),
    "semaphore.with()": () => new BoundedSemaphore().with(work),
    "event.wait()": () => new brio.Event().wait(),
    "condition.acquire()": () => new Condition().acquire(),
    "condition.with()": () => new Condition().with(work),
    "condition.wait()": () => new Condition().wait(),
    "barrier.wait()": () => new brio.Barrier(1).wait(),
    "barrier.reset()": () => new brio.Barrier(1).reset(),
    "barrier.abort()": () => new brio.Barrier(1).abort(),
    "limiter.acquire()": () => new brio.RateLimiter({ limit: 1, per: 1 }).acquire(),
    "queue.put()": () => new Queue().put(1),
    "queue.get()": () => new Queue().get(),
    "queue.join()": () => new Queue().join(),
    "broadcast.publish()": () => new brio.Broadcast({ capacity: 1, lag: "block" }).publish(1),
  };
  it.each(Object.entries(needLoop))("%s is refused", async (name, call) => {
    expectError(await errorOf(call), RuntimeError, [name, "running event loop", "run(async () => { ... })"]);
  });

  it("allTasks() is refused, unless it is told of which loop", async () => {
    expectError(await errorOf(() => brio.allTasks()), RuntimeError, ["allTasks()", "allTasks(loop)"]);
  });

  it("an event that is set can't be waited for either, nor a lock that is free be taken", async () => {
    const [event, lock] = [new brio.Event(), new Lock()];
    event.set();
    expect(await errorOf(() => event.wait())).toBeInstanceOf(RuntimeError);
    expect(await errorOf(() => lock.acquire())).toBeInstanceOf(RuntimeError);
    expect(lock.locked()).toBe(false);
  });

  it("a coroutine that was handed to createTask is closed, and not reported as never awaited", async () => {
    const call = brio.coroutine(work)();
    await errorOf(() => createTask(call));
    expect(await errorOf(() => call)).toBeInstanceOf(RuntimeError);
  });

  const needTask: Record<string, () => unknown> = {
    "sleep()": () => sleep(1),
    "lock.acquire()": () => new Lock().acquire(),
    "queue.get()": () => new Queue().get(),
    "event.wait()": () => new brio.Event().wait(),
    "timeout()": () => brio.timeout(1, work),
    "barrier.wait()": () => new brio.Barrier(1).wait(),
  };
  it.each(Object.entries(needTask))(
    "%s is refused in a loop's callback, where no task runs",
    async (name, call) => {
      const error = await runVirtual(
        () => new Promise((resolve) => getRunningLoop().callSoon(() => void errorOf(call).then(resolve))),
      );
      expectError(error, RuntimeError, [name, "this is a loop callback", "loop.createTask("]);
    },
  );
});

describe("what was not acquired can't be given back", () => {
  const once = "release once for each acquire";
  eachOutside({
    "lock.release": [() => new Lock().release(), RuntimeError, "lock.release()", "not locked", once],
    "semaphore.release, bounded": [
      () => new BoundedSemaphore(2).release(),
      RangeError,
      "semaphore.release()",
      "all 2 permits are there",
      once,
    ],
    "condition.release": [() => new Condition().release(), RuntimeError, "condition.release()", "acquire"],
    "condition.notify": [
      () => new Condition().notify(),
      RuntimeError,
      "condition.notify()",
      "condition.with(",
    ],
    "condition.notifyAll": [
      () => new Condition().notifyAll(),
      RuntimeError,
      "condition.notifyAll()",
      "condition.with(",
    ],
    "queue.taskDone": [
      () => new Queue().taskDone(),
      RangeError,
      "queue.taskDone() was called more often than items were put",
      "once for each item",
    ],
  });
  eachInLoop({
    "condition.wait": [() => new Condition().wait(), RuntimeError, "condition.wait()", "condition.with("],
    "task.setResult": [() => createTask(work).setResult(1), RuntimeError, "what its coroutine returns"],
    "task.setException": [
      () => createTask(work).setException(new Error("x")),
      RuntimeError,
      "what its coroutine throws",
    ],
    "future.setResult, twice": [
      () => {
        const future = getRunningLoop().createFuture<number>();
        future.setResult(1);
        future.setResult(2);
      },
      brio.InvalidStateError,
      "done already",
    ],
    "future.result, too early": [
      () => getRunningLoop().createFuture().result(),
      brio.InvalidStateError,
      "no result yet",
      "await it, or check done() first",
    ],
  });
});

describe("a closed loop used again", () => {
  async function closedLoop(): Promise<brio.EventLoop> {
    return await run(async () => getRunningLoop());
  }
  const closed = ["Event loop is closed", "start a new one"] as const;
  const on = (call: (loop: brio.EventLoop) => unknown) => async () => await call(await closedLoop());
  eachOutside({
    "loop.callSoon": [on((loop) => loop.callSoon(() => {})), RuntimeError, ...closed],
    "loop.callSoonThreadsafe": [on((loop) => loop.callSoonThreadsafe(() => {})), RuntimeError, ...closed],
    "loop.callLater": [on((loop) => loop.callLater(1, () => {})), RuntimeError, ...closed],
    "loop.callAt": [on((loop) => loop.callAt(1, () => {})), RuntimeError, ...closed],
    "loop.createTask": [on((loop) => loop.createTask(work)), RuntimeError, ...closed],
    "loop.createFuture": [on((loop) => loop.createFuture()), RuntimeError, ...closed],
    "loop.addSignalHandler": [
      on((loop) => loop.addSignalHandler("SIGHUP", () => {})),
      RuntimeError,
      ...closed,
    ],
    runCoroutineThreadsafe: [on((loop) => brio.runCoroutineThreadsafe(work, loop)), RuntimeError, ...closed],
  });

  /** A branch that main did not await goes on after the loop has ended. */
  const afterwards = (call: () => unknown) => async () => {
    let goOn: () => void = () => {};
    const ended = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const branch = await run(async () => ({ error: ended.then(() => errorOf(call)) }));
    goOn();
    throw await branch.error;
  };
  const taken = new Lock();
  eachOutside({
    "sleep, in a branch that outlived its run": [afterwards(() => sleep(1)), RuntimeError, ...closed],
    "sleep(0), in a branch that outlived its run": [afterwards(() => sleep(0)), RuntimeError, ...closed],
    "queue.get, in a branch that outlived its run": [
      afterwards(() => new Queue().get()),
      RuntimeError,
      ...closed,
    ],
    "lock.acquire, in a branch that outlived its run": [
      afterwards(async () => {
        await taken.acquire();
        await taken.acquire();
      }),
      RuntimeError,
      ...closed,
    ],
    "gather, in a branch that outlived its run": [
      afterwards(() => brio.gather(work)),
      RuntimeError,
      ...closed,
    ],
    "taskGroup, in a branch that outlived its run": [
      afterwards(() => brio.taskGroup((group) => void group.createTask(work))),
      RuntimeError,
      ...closed,
    ],
  });

  const runner = () => new brio.Runner({ handleSignals: false });
  eachOutside({
    "runner.run, after close": [
      async () => {
        const ended = runner();
        await ended.run(work);
        await ended.close();
        await ended.run(work);
      },
      RuntimeError,
      "this Runner is closed",
      "make a new one",
    ],
    "runner.getLoop, after close": [
      async () => {
        const ended = runner();
        await ended.close();
        ended.getLoop();
      },
      RuntimeError,
      "this Runner is closed",
    ],
    "runner.run, while it runs": [
      async () => {
        await using busy = runner();
        const first = busy.run(() => sleep(0));
        try {
          await busy.run(work);
        } finally {
          await first;
        }
      },
      RuntimeError,
      "this Runner is running",
      "another Runner",
    ],
  });
});
