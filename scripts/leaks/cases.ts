import { AsyncResource } from "node:async_hooks";
import {
  Broadcast,
  CancelScope,
  Condition,
  ContextVar,
  checkpoint,
  copyContext,
  createTask,
  currentSignal,
  Event,
  type Future,
  gather,
  getRunningLoop,
  interruptible,
  Lock,
  moveOnAfter,
  Queue,
  RateLimiter,
  run,
  Semaphore,
  shield,
  sleep,
  type Task,
  TaskGroup,
  timeout,
  uncancellable,
  wait,
  waitFor,
} from "brio";
import type { LeakCase } from "./measure.ts";

/** Does `op` again and again, one after the other. */
function oneByOne(op: () => unknown): (count: number) => Promise<void> {
  return async (count) => {
    for (let i = 0; i < count; i++) await op();
  };
}

/** Starts `op` as a task, a few hundred at a time, cancels all of them when they wait, and sees them end. */
function cancelled(op: () => PromiseLike<unknown>): (count: number) => Promise<void> {
  return inBatches(async (size) => {
    const tasks: Task<unknown>[] = [];
    for (let i = 0; i < size; i++) tasks.push(createTask(op));
    await checkpoint();
    for (const task of tasks) task.cancel();
    await wait(tasks);
  });
}

function inBatches(batch: (size: number) => Promise<void>): (count: number) => Promise<void> {
  return async (count) => {
    for (let left = count; left > 0; left -= BATCH) await batch(Math.min(left, BATCH));
  };
}

const BATCH = 500;

const timers: LeakCase[] = [
  {
    name: "waits with timeouts that don't fire",
    prepare: () => oneByOne(() => timeout("1h", () => checkpoint())),
  },
  {
    name: "waits for one event, each ended by a timeout",
    virtual: true,
    prepare: () => {
      const event = new Event();
      return inBatches(async (size) => {
        const tasks = Array.from({ length: size }, () =>
          createTask(() => moveOnAfter(1, () => event.wait())),
        );
        await wait(tasks);
      });
    },
  },
  {
    name: "callbacks set by callLater and cancelled",
    prepare: () => {
      const loop = getRunningLoop();
      return oneByOne(() => loop.callLater("1h", () => {}).cancel());
    },
  },
  {
    name: "sleeps that are cancelled",
    count: 300_000,
    prepare: () => cancelled(() => sleep("1h")),
  },
  {
    name: "clean-ups with a grace, while a cancellation is kept out",
    count: 200_000,
    prepare: () => (count) =>
      new CancelScope().run(async (scope) => {
        scope.cancel();
        for (let i = 0; i < count; i++) await uncancellable(() => checkpoint());
      }),
  },
];

const queues: LeakCase[] = [
  {
    name: "gets that are cancelled, on one queue",
    prepare: () => {
      const queue = new Queue();
      return cancelled(() => queue.get());
    },
  },
  {
    name: "puts that are cancelled, on one full queue",
    count: 300_000,
    prepare: () => {
      const queue = new Queue<number>(1);
      queue.putNowait(1);
      return cancelled(() => queue.put(2));
    },
  },
  {
    name: "items through one queue",
    prepare: () => {
      const queue = new Queue<object>(10);
      return async (count) => {
        const producer = createTask(async () => {
          for (let i = 0; i < count; i++) await queue.put({ i });
        });
        for (let i = 0; i < count; i++) await queue.get();
        await producer;
      };
    },
  },
  {
    name: "items of one broadcast to a subscriber that never reads",
    count: 300_000,
    prepare: () => {
      const news = new Broadcast<object>({ capacity: 10 });
      news.subscribe();
      return oneByOne(() => news.publish({}));
    },
  },
  {
    name: "subscriptions to one broadcast, closed after a get that is cancelled",
    count: 300_000,
    prepare: () => {
      const news = new Broadcast<object>();
      return cancelled(async () => {
        using subscription = news.subscribe();
        await subscription.get();
      });
    },
  },
];

const locks: LeakCase[] = [
  {
    name: "acquires and releases of one lock, two tasks in turn",
    prepare: () => {
      const lock = new Lock();
      return async (count) => {
        const use = async () => {
          for (let i = 0; i < count / 2; i++) await lock.with(checkpoint);
        };
        await gather(use, use);
      };
    },
  },
  {
    name: "acquires that are cancelled, of one lock",
    count: 300_000,
    prepare: () => {
      const lock = new Lock();
      void lock.acquire();
      return cancelled(() => lock.acquire());
    },
  },
  {
    name: "acquires that are cancelled, of one semaphore",
    count: 300_000,
    prepare: () => {
      const semaphore = new Semaphore(0);
      return cancelled(() => semaphore.acquire());
    },
  },
  {
    name: "waits that are cancelled, for one event",
    prepare: () => {
      const event = new Event();
      return cancelled(() => event.wait());
    },
  },
  {
    name: "waits that are cancelled, for one condition",
    count: 200_000,
    prepare: () => {
      const condition = new Condition();
      return cancelled(() => condition.with(() => condition.wait()));
    },
  },
  {
    name: "acquires that are cancelled, of one rate limiter",
    count: 300_000,
    prepare: () => {
      const limiter = new RateLimiter({ limit: 1, per: "1h" });
      void limiter.acquire();
      return cancelled(() => limiter.acquire());
    },
  },
];

const tasks: LeakCase[] = [
  {
    name: "tasks in one group",
    prepare: () => {
      const group = new TaskGroup();
      // The group lives for as long as the run: its body ends with it.
      createTask(() => group.run(() => sleep("1h")));
      return async (count) => {
        await checkpoint();
        await inBatches(async (size) => {
          for (let i = 0; i < size; i++) group.createTask(async () => i);
          await checkpoint();
          await checkpoint();
        })(count);
      };
    },
  },
  {
    name: "tasks that are gathered",
    count: 300_000,
    prepare: () =>
      inBatches(async (size) => {
        await gather(Array.from({ length: size }, (_, i) => async () => i));
      }),
  },
  {
    name: "tasks that fail, and whose error is seen",
    count: 200_000,
    prepare: () => {
      const error = new Error("seen");
      return inBatches(async (size) => {
        const failing = Array.from({ length: size }, () => async () => {
          throw error;
        });
        await gather(failing, { returnExceptions: true });
      });
    },
  },
  {
    name: "waits for one future, each ended by a timeout",
    virtual: true,
    count: 300_000,
    prepare: () => {
      const future: Future<void> = getRunningLoop().createFuture();
      return oneByOne(() => wait([future], { timeout: 1 }));
    },
  },
  {
    name: "shielded waits for one future, each given up",
    count: 300_000,
    prepare: () => {
      const future: Future<void> = getRunningLoop().createFuture();
      return oneByOne(() => waitFor(shield(future), 0).catch(() => {}));
    },
  },
  {
    name: "waits for one future that are refused, in a scope that is cancelled",
    count: 300_000,
    prepare: () => {
      const future: Future<void> = getRunningLoop().createFuture();
      return (count) =>
        new CancelScope().run(async (scope) => {
          scope.cancel();
          await checkpoint().catch(() => {});
          for (let i = 0; i < count; i++) await future.catch(() => {});
        });
    },
  },
  {
    name: "done callbacks added to one future and removed",
    prepare: () => {
      const future: Future<void> = getRunningLoop().createFuture();
      const callback = (): void => {};
      return oneByOne(() => {
        future.addDoneCallback(callback);
        future.removeDoneCallback(callback);
      });
    },
  },
  {
    name: "runs",
    count: 10_000,
    // In a context of their own: a loop can't be run inside another.
    prepare: () => {
      const outside = OUTSIDE;
      return oneByOne(() =>
        interruptible(outside(() => run(async () => void createTask(() => sleep("1h"))))),
      );
    },
  },
];

/** Calls a function as if no loop were running. */
const OUTSIDE = outsideOfLoops();

function outsideOfLoops(): <T>(fn: () => T) => T {
  // The resource remembers the context in which it was made: here, at the top of the program.
  return AsyncResource.bind(<T>(fn: () => T): T => fn());
}

const foreign: LeakCase[] = [
  {
    name: "interruptible waits for one promise, each ended by a timeout",
    virtual: true,
    prepare: () => {
      const promise = new Promise(() => {});
      return inBatches(async (size) => {
        const waits = Array.from({ length: size }, () =>
          createTask(() => moveOnAfter(1, () => interruptible(promise))),
        );
        await wait(waits);
      });
    },
  },
  {
    name: "pieces of abortable work that are cancelled",
    count: 200_000,
    prepare: () =>
      cancelled(() =>
        interruptible(
          (signal) =>
            new Promise((_, reject) =>
              signal.addEventListener("abort", () => reject(signal.reason), { once: true }),
            ),
        ),
      ),
  },
  {
    name: "tasks that follow one AbortSignal",
    count: 200_000,
    prepare: () => {
      const { signal } = new AbortController();
      return inBatches(async (size) => {
        await wait(Array.from({ length: size }, () => createTask(() => checkpoint(), { signal })));
      });
    },
  },
  {
    name: "signals of scopes inside one task",
    count: 200_000,
    prepare: () =>
      oneByOne(() =>
        timeout("1h", async () => {
          currentSignal();
          await checkpoint();
        }),
      ),
  },
];

const contexts: LeakCase[] = [
  {
    name: "copies of one context",
    prepare: () => {
      const variable = new ContextVar<object>("variable");
      variable.set({});
      return oneByOne(() => copyContext().run(() => variable.get()));
    },
  },
  {
    name: "tasks that set a context variable of their own",
    count: 300_000,
    prepare: () => {
      const variable = new ContextVar<object>("variable");
      variable.set({});
      return inBatches(async (size) => {
        await wait(Array.from({ length: size }, () => createTask(async () => void variable.set({}))));
      });
    },
  },
  {
    name: "sets and resets of one context variable",
    prepare: () => {
      const variable = new ContextVar<object>("variable");
      return oneByOne(() => variable.reset(variable.set({})));
    },
  },
];

export const cases: readonly LeakCase[] = [...timers, ...queues, ...locks, ...tasks, ...foreign, ...contexts];
