import {
  Barrier,
  Condition,
  checkpoint,
  createTask,
  currentTask,
  Event,
  gather,
  getRunningLoop,
  interruptible,
  Lock,
  Queue,
  Semaphore,
  sleep,
  sleepForever,
  type Task,
  timeout,
  wait,
} from "brio";
import { describe, expect, it } from "vitest";
import { sleeper } from "./actors.ts";
import { expectTrace, expectTraces, outcome, trace } from "./trace.ts";

/** Cancels the running task, and swallows what comes of it. */
async function beCancelled(): Promise<void> {
  currentTask()?.cancel();
  expect(await outcome(sleep(1000))).toBe("CancelledError");
}

describe("sticky cancellation", () => {
  it("ends a retry loop that catches everything, at its timeout", () =>
    expectTrace(
      async (note) => {
        let attempts = 0;
        const ended = timeout(100, async () => {
          for (;;) {
            try {
              attempts++;
              await sleep(20);
              throw new Error("the server is down");
            } catch {
              await sleep(5);
            }
          }
        });
        note(await outcome(ended));
        note(`${attempts} attempts`);
      },
      ["100 TimeoutError", "100 4 attempts"],
    ));

  it("makes a loop that swallows it spend no more time; under asyncio's rule it outlives its timeout", () =>
    expectTraces(
      async (note) => {
        let swallowed = 0;
        const ended = timeout(50, async () => {
          for (let attempt = 1; attempt <= 5; attempt++) {
            await sleep(40).catch(() => swallowed++);
          }
          return `gave up, swallowed ${swallowed}`;
        });
        note(await outcome(ended));
      },
      { sticky: ["50 gave up, swallowed 4"], once: ["170 gave up, swallowed 1"] },
    ));

  it("refuses each later wait, once each; asyncio's rule refuses none", () =>
    expectTraces(
      async (note) => {
        const task = createTask(async () => {
          for (let i = 1; i <= 4; i++) note(`wait ${i}: ${await outcome(sleep(10))}`);
        });
        await sleep(15);
        task.cancel("enough");
        await task;
      },
      {
        sticky: [
          "10 wait 1: done",
          "15 wait 2: CancelledError(enough)",
          "15 wait 3: CancelledError(enough)",
          "15 wait 4: CancelledError(enough)",
        ],
        once: ["10 wait 1: done", "15 wait 2: CancelledError(enough)", "25 wait 3: done", "35 wait 4: done"],
      },
    ));

  it("refuses waits of every kind", () =>
    trace(async () => {
      const loop = getRunningLoop();
      const lock = new Lock();
      await lock.acquire();
      const semaphore = new Semaphore(0);
      const full = new Queue<number>(1);
      await full.put(1);
      const condition = new Condition();
      const other = createTask(() => sleepForever());
      const task = createTask(async () => {
        await beCancelled();
        const waits: Record<string, () => PromiseLike<unknown>> = {
          "sleep(0)": () => sleep(0),
          sleep: () => sleep(1),
          sleepForever: () => sleepForever(),
          checkpoint: () => checkpoint(),
          "Event.wait": () => new Event().wait(),
          "Lock.acquire": () => lock.acquire(),
          "Semaphore.acquire": () => semaphore.acquire(),
          "Condition.wait": () => condition.with(() => condition.wait()),
          "Barrier.wait": () => new Barrier(2).wait(),
          "Queue.get": () => new Queue().get(),
          "Queue.put": () => full.put(2),
          "Queue.join": () => full.join(),
          future: () => loop.createFuture(),
          task: () => other,
          gather: () => gather(() => sleepForever()),
          wait: () => wait([loop.createFuture()]),
          "interruptible(promise)": () => interruptible(new Promise(() => {})),
          "interruptible(work)": () => interruptible(() => new Promise(() => {})),
        };
        const ends: Record<string, string> = {};
        for (const [kind, begin] of Object.entries(waits)) ends[kind] = await outcome(begin());
        return [Object.keys(waits), ends] as const;
      });
      const [kinds, ends] = await task;
      expect(ends).toEqual(Object.fromEntries(kinds.map((kind) => [kind, "CancelledError"])));
      expect(loop.time()).toBe(0);
    }));

  it("lets operations that need not wait succeed", () =>
    expectTrace(
      async (note) => {
        const task = createTask(async () => {
          await beCancelled();
          const set = new Event();
          set.set();
          const lock = new Lock();
          const queue = new Queue<string>();
          await set.wait();
          await lock.acquire();
          await new Semaphore(1).acquire();
          await queue.put("item");
          note(`${await queue.get()}, locked: ${lock.locked()}`);
        });
        await task;
        note(`cancelled: ${task.cancelled()}`);
      },
      ["0 item, locked: true", "0 cancelled: false"],
    ));

  it("ends with uncancel", () =>
    expectTrace(
      async (note) => {
        const task = createTask(async () => {
          await beCancelled();
          note(`${currentTask()?.uncancel()} left`);
          await sleep(10);
          note("it waits again");
        });
        await task;
      },
      ["0 0 left", "10 it waits again"],
    ));

  it("asked for twice needs two uncancels", () =>
    expectTraces(
      async (note) => {
        const task = createTask(async () => {
          const me = currentTask();
          await outcome(sleep(1000));
          await outcome(sleep(1000));
          note(`${me?.uncancel()} left: ${await outcome(sleep(10))}`);
          note(`${me?.uncancel()} left: ${await outcome(sleep(10))}`);
        });
        await sleep(10);
        task.cancel();
        task.cancel();
        await task;
      },
      {
        sticky: ["10 1 left: CancelledError", "20 0 left: done"],
        once: ["1020 1 left: done", "1030 0 left: done"],
      },
    ));

  it("is of the scope: what is outside a timeout waits again when that has ended", () =>
    expectTrace(
      async (note) => {
        const ended = timeout(10, async () => {
          await outcome(sleep(1000));
          return "swallowed";
        });
        note(await outcome(ended));
        await sleep(10);
        note("outside it waits");
      },
      ["10 swallowed", "20 outside it waits"],
    ));

  it("is of the scope: a branch beside it waits", () =>
    expectTrace(
      async (note) => {
        await Promise.all([
          timeout(10, async () => {
            for (let i = 0; i < 3; i++) await outcome(sleep(1000));
          }),
          (async () => {
            await sleep(20);
            await sleep(20);
            note("the branch beside it");
          })(),
        ]);
      },
      ["40 the branch beside it"],
    ));

  it("does not reach a task that is created in the cancelled scope, until that is awaited", () =>
    expectTraces(
      async (note) => {
        const free: Task<unknown>[] = [];
        const task = createTask(async () => {
          await beCancelled();
          free.push(createTask(sleeper(note, "free", 10)));
          note(await outcome(createTask(sleeper(note, "awaited", 20))));
        });
        await task;
        await free[0];
      },
      {
        sticky: ["0 CancelledError", "10 free slept"],
        once: ["10 free slept", "20 awaited slept", "20 awaited"],
      },
    ));

  it("does not cancel a bare future that somebody else awaits too", () =>
    expectTraces(
      async (note, loop) => {
        const future = loop.createFuture<string>();
        const other = createTask(async () => note(`other: ${await outcome(future)}`));
        const task = createTask(async () => {
          await beCancelled();
          note(`refused: ${await outcome(future)}`);
        });
        loop.callAt(10, () => void (future.done() || future.setResult("value")));
        await task;
        await other;
      },
      {
        sticky: ["0 refused: CancelledError", "10 other: value"],
        once: ["10 other: value", "10 refused: value"],
      },
    ));

  it("gives other tasks their turns while refusals are swallowed", () =>
    expectTraces(
      async (note) => {
        const turns = async (who: string): Promise<void> => {
          for (let i = 1; i <= 3; i++) note(`${who} ${i}: ${await outcome(sleep(0))}`);
        };
        let other: Task<void> | undefined;
        await createTask(async () => {
          await beCancelled();
          other = createTask(() => turns("other"));
          currentTask()?.uncancel();
          await sleep(0); // the other's first step
          currentTask()?.cancel();
          await turns("refused");
        });
        await other;
      },
      {
        sticky: [
          "0 other 1: done",
          "0 refused 1: CancelledError",
          "0 other 2: done",
          "0 refused 2: CancelledError",
          "0 other 3: done",
          "0 refused 3: CancelledError",
        ],
        once: [
          "0 other 1: done",
          "0 refused 1: CancelledError",
          "0 other 2: done",
          "0 refused 2: done",
          "0 other 3: done",
          "0 refused 3: done",
        ],
      },
    ));
});
