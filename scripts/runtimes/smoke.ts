/**
 * A little of everything, in real time, on the built package: does this runtime keep brio's promises?
 * One line for each check, then `N passed, N failed`.
 */
import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import {
  CancelledError,
  ContextVar,
  coroutine,
  createTask,
  currentSignal,
  currentTask,
  DeadlockError,
  ExceptionGroup,
  gather,
  getRunningLoop,
  interruptible,
  Lock,
  Queue,
  RuntimeError,
  run,
  Semaphore,
  sleep,
  sleepForever,
  TimeoutError,
  taskGroup,
  timeout,
} from "brio";
import { describeTask } from "brio/inspect";
import { runVirtual } from "brio/testing";

const checks: Record<string, () => Promise<void>> = {
  // The first one: until a loop has been, the runtime may not follow promises.
  async "whoever calls run is outside of its loop afterwards"() {
    await run(() => sleep(0));
    assert.throws(() => getRunningLoop(), RuntimeError);
    assert.equal(currentTask(), null);
  },

  async "sleeps run side by side"() {
    const started = performance.now();
    await run(() => gather(...Array.from({ length: 20 }, () => () => sleep(50))));
    const took = performance.now() - started;
    assert.ok(took >= 49 && took < 800, `took ${took} ms`);
  },

  async "gather keeps the order of its arguments"() {
    const twice = coroutine(async (value: number) => sleep(10 - value, value * 2));
    assert.deepEqual(await run(() => gather(twice(1), twice(5), twice(3))), [2, 10, 6]);
  },

  async "a timeout stops the work"() {
    const events: string[] = [];
    await run(async () => {
      const body = async () => {
        try {
          await sleep("1h");
        } finally {
          events.push("cleaned up");
        }
      };
      await assert.rejects(timeout("5ms", body), TimeoutError);
    });
    assert.deepEqual(events, ["cleaned up"]);
  },

  async "a group cancels the siblings of a failure"() {
    const events: string[] = [];
    const failing = run(() =>
      taskGroup(async (group) => {
        group.createTask(async () => {
          await sleepForever().catch((error: unknown) => {
            events.push(error instanceof CancelledError ? "cancelled" : "another error");
            throw error;
          });
        });
        group.createTask(async () => {
          await sleep(5);
          throw new Error("no");
        });
      }),
    );
    await assert.rejects(failing, (error) => error instanceof ExceptionGroup && error.errors.length === 1);
    assert.deepEqual(events, ["cancelled"]);
  },

  async "a queue hands everything over"() {
    const received: number[] = [];
    await run(() =>
      taskGroup(async (group) => {
        const queue = new Queue<number>(3);
        for (let consumer = 0; consumer < 4; consumer++) {
          group.createTask(async () => {
            for await (const item of queue) received.push(item);
          });
        }
        for (let item = 0; item < 100; item++) await queue.put(item);
        queue.shutdown();
      }),
    );
    assert.deepEqual(
      received.sort((a, b) => a - b),
      Array.from({ length: 100 }, (_, item) => item),
    );
  },

  async "locks and semaphores bound what runs"() {
    let running = 0;
    let most = 0;
    await run(async () => {
      const semaphore = new Semaphore(3);
      const lock = new Lock();
      let held = false;
      const work = () =>
        semaphore.with(async () => {
          most = Math.max(most, ++running);
          await sleep(1);
          running--;
          await lock.with(async () => {
            assert.equal(held, false);
            held = true;
            await sleep(0);
            held = false;
          });
        });
      await gather(...Array.from({ length: 12 }, () => () => work()));
    });
    assert.equal(most, 3);
  },

  async "an AbortSignal cancels, and cancellation aborts"() {
    const controller = new AbortController();
    let seen: AbortSignal | undefined;
    const running = run(
      async () => {
        await interruptible(
          (signal) =>
            new Promise((_, reject) => {
              seen = currentSignal();
              signal.addEventListener("abort", () => reject(signal.reason));
              controller.abort(new Error("enough"));
            }),
        );
      },
      { signal: controller.signal },
    );
    await assert.rejects(running, CancelledError);
    assert.equal(seen?.aborted, true);
  },

  async "context variables follow their task"() {
    const name = new ContextVar<string>("name", { default: "nobody" });
    const seen: string[] = [];
    await run(async () => {
      name.set("main");
      const child = createTask(async () => {
        seen.push(name.get());
        name.set("child");
        await sleep(2);
        seen.push(name.get());
      });
      await sleep(1);
      seen.push(name.get());
      await child;
      await Promise.resolve().then(() => seen.push(name.get()));
    });
    assert.deepEqual(seen, ["main", "main", "child", "main"]);
    assert.equal(name.get(), "nobody");
  },

  async "tasks that only yield let timers and signals through"() {
    await run(async () => {
      let fired = false;
      setTimeout(() => {
        fired = true;
      }, 1);
      while (!fired) await sleep(0);
    });
  },

  async "a signal reaches its handler"() {
    if (process.platform === "win32") return;
    await run(async () => {
      const loop = getRunningLoop();
      const arrived = loop.createFuture<string>();
      loop.addSignalHandler("SIGUSR2", () => arrived.setResult("SIGUSR2"));
      process.kill(process.pid, "SIGUSR2");
      assert.equal(await timeout("5s", () => arrived), "SIGUSR2");
      loop.removeSignalHandler("SIGUSR2");
    });
  },

  async "a deadlock is reported"() {
    const stuck = runVirtual(async () => {
      const lock = new Lock();
      await lock.acquire();
      await lock.acquire();
    });
    await assert.rejects(stuck, DeadlockError);
  },

  async "what runs can be seen"() {
    await run(async () => {
      const task = createTask(() => sleepForever(), { name: "sleeper" });
      await sleep(1);
      assert.equal(describeTask(task).name, "sleeper");
      task.cancel();
    });
  },

  async "tasks and callbacks begin in the context of whoever scheduled them"() {
    const request = new AsyncLocalStorage<string>();
    const seen: string[] = [];
    const note = (what: string) => seen.push(`${what} ${request.getStore()}`);
    const serve = async () => {
      await sleep(2);
      const task = createTask(async () => {
        note("task");
        await sleep(1);
        note("task later");
      });
      task.addDoneCallback(() => void note("done"));
      getRunningLoop().callLater(1, () => void note("timer"));
      await task;
      await sleep(3);
      note("request");
    };
    await run(() => gather(...["a", "b"].map((name) => () => request.run(name, serve))));
    const expected = ["a", "b"].flatMap((name) =>
      ["done", "request", "task", "task later", "timer"].map((what) => `${what} ${name}`),
    );
    assert.deepEqual(seen.sort(), expected.sort());
  },

  async "what is awaited runs in the task that awaits it, however it is handed on"() {
    const where = coroutine(async () => {
      await sleep(1);
      return currentTask()?.getName();
    });
    const handedOn = async () => where();
    await run(async () => {
      const named = <T>(work: () => PromiseLike<T>) => createTask(work, { name: "own" });
      assert.equal(await named(async () => await where()), "own");
      assert.equal(await named(handedOn), "own");
      assert.equal(await named(() => where()), "own");
      assert.equal(await named(async () => await Promise.resolve(where())), "own");
      assert.deepEqual(await named(() => Promise.all([where(), handedOn()])), ["own", "own"]);
      assert.equal(await named(() => timeout("1s", handedOn)), "own");
      assert.equal(currentTask()?.getName(), "main");
    });
  },

  async "timeouts in two branches of a Promise.all leave each other alone"() {
    await run(async () => {
      const branch = async (limit: number, work: number) =>
        await timeout(limit, () => sleep(work, "done")).catch((error: Error) => error.name);
      const ends = await Promise.all([branch(5, 60_000), branch(60_000, 20), branch(5, 60_000)]);
      assert.deepEqual(ends, ["TimeoutError", "done", "TimeoutError"]);
      assert.equal(currentTask()?.cancelling(), 0);
    });
  },
};

let passed = 0;
let failed = 0;
for (const [name, check] of Object.entries(checks)) {
  try {
    await check();
    passed++;
    console.log(`ok      ${name}`);
  } catch (error) {
    failed++;
    console.log(`FAILED  ${name}\n${error instanceof Error ? error.stack : String(error)}`);
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
