/**
 * Bare promises, written by hand as one would without any library. A dash where that would mean to write the library:
 * a bounded queue, a semaphore.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { check, delayOf, HOUR, keep, type Peer, range, sumBelow } from "../peer.ts";

interface Deferred {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

function deferred(): Deferred {
  let resolve!: () => void; // the executor runs at once
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

const work = async (i: number): Promise<number> => i;

async function spawnJoin(tasks: number): Promise<void> {
  const results = await Promise.all(range(tasks).map((i) => work(i)));
  check(
    "the sum of the results",
    results.reduce((a, b) => a + b),
    sumBelow(tasks),
  );
}

async function createAwait(_tasks: number, turns: number): Promise<void> {
  let sum = 0;
  for (let i = 0; i < turns; i++) sum += await work(i);
  check("the sum of the results", sum, sumBelow(turns));
}

async function switches(tasks: number, turns: number): Promise<void> {
  let begun = 0;
  let ended = 0;
  const spinner = async (): Promise<void> => {
    begun++;
    for (let turn = 0; turn < turns; turn++) await null;
    if (ended++ === 0) check("functions that began before the first ended", begun, tasks);
  };
  await Promise.all(range(tasks).map(() => spinner()));
  check("functions that ended", ended, tasks);
}

async function lock(tasks: number, turns: number): Promise<void> {
  let tail: Promise<void> = Promise.resolve();
  const acquire = async (): Promise<() => void> => {
    const previous = tail;
    const own = deferred();
    tail = own.promise;
    await previous;
    return own.resolve;
  };
  let entered = 0;
  const contender = async (): Promise<void> => {
    for (let turn = 0; turn < turns; turn++) {
      const release = await acquire();
      try {
        entered++;
      } finally {
        release();
      }
    }
  };
  const release = await acquire();
  const contenders = Promise.all(range(tasks).map(() => contender()));
  release();
  await contenders;
  check("critical sections", entered, tasks * turns);
}

async function event(tasks: number, turns: number): Promise<void> {
  let gate = deferred();
  let arrived = 0;
  let woken = 0;
  const waiter = async (): Promise<void> => {
    for (let turn = 0; turn < turns; turn++) {
      if (++arrived === tasks) {
        const full = gate;
        gate = deferred();
        arrived = 0;
        full.resolve();
      } else {
        await gate.promise;
        woken++;
      }
    }
  };
  await Promise.all(range(tasks).map(() => waiter()));
  check("wake-ups", woken, (tasks - 1) * turns);
}

function withTimeout<T>(limit: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("time is over")), limit);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function timeoutDone(_tasks: number, turns: number): Promise<void> {
  let sum = 0;
  for (let i = 0; i < turns; i++) sum += await withTimeout(HOUR, work(i));
  check("the sum of the results", sum, sumBelow(turns));
}

const isAbort = (error: unknown): boolean => error instanceof Error && error.name === "AbortError";

async function cancelJoin(tasks: number, turns: number): Promise<void> {
  let begun = 0;
  let cancelled = 0;
  const sleeper = async (signal: AbortSignal): Promise<void> => {
    begun++;
    await delay(HOUR, undefined, { signal });
  };
  for (let turn = 0; turn < turns; turn++) {
    const sleepers = range(tasks).map(() => {
      const controller = new AbortController();
      return { controller, promise: sleeper(controller.signal) };
    });
    await null;
    for (const { controller } of sleepers) controller.abort();
    for (const { promise } of sleepers) {
      try {
        await promise;
      } catch (error) {
        if (!isAbort(error)) throw error;
        cancelled++;
      }
    }
  }
  check("functions that began", begun, tasks * turns);
  check("functions that were cancelled", cancelled, tasks * turns);
}

async function groupFail(tasks: number, turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) {
    let ended = 0;
    const controller = new AbortController();
    const { signal } = controller;
    const sleeper = async (): Promise<void> => {
      try {
        await delay(HOUR, undefined, { signal });
      } finally {
        ended++;
      }
    };
    const failing = async (): Promise<void> => {
      throw new RangeError("one fails");
    };
    const child = async (promise: Promise<void>): Promise<void> => {
      try {
        await promise;
      } catch (error) {
        controller.abort(error);
        throw error;
      }
    };
    const children = range(tasks - 1).map(() => child(sleeper()));
    children.push(child(failing()));
    const outcomes = await Promise.allSettled(children);
    const failures = outcomes.flatMap((outcome) =>
      outcome.status === "rejected" && !isAbort(outcome.reason) ? [outcome.reason] : [],
    );
    check("the group's error", failures.length === 1 && failures[0] instanceof RangeError, true);
    check("functions that were ended", ended, tasks - 1);
  }
}

async function timers(tasks: number): Promise<void> {
  let fired = 0;
  const sleeper = async (length: number): Promise<void> => {
    await delay(length);
    fired++;
  };
  await Promise.all(range(tasks).map((i) => sleeper(delayOf(i, tasks))));
  check("timers that fired", fired, tasks);
}

async function heapSleeper(tasks: number): Promise<void> {
  let begun = 0;
  const sleeper = async (): Promise<void> => {
    begun++;
    await delay(HOUR);
  };
  keep(range(tasks).map(() => sleeper()));
  check("functions that sleep", begun, tasks);
}

async function heapQueueWaiter(tasks: number): Promise<void> {
  let begun = 0;
  const takers: ((item: number) => void)[] = [];
  const waiter = async (): Promise<void> => {
    begun++;
    await new Promise<number>((resolve) => takers.push(resolve));
  };
  keep(
    takers,
    range(tasks).map(() => waiter()),
  );
  check("functions that wait", begun, tasks);
}

const storage = new AsyncLocalStorage<number>();

async function contextRead(_tasks: number, turns: number): Promise<void> {
  await storage.run(1, async () => {
    let sum = 0;
    for (let i = 0; i < turns; i++) sum += storage.getStore() ?? 0;
    check("the sum of the values", sum, turns);
  });
}

const peer: Peer = {
  main: (measurement) => measurement(),
  programs: {
    "spawn-join": spawnJoin,
    "create-await": createAwait,
    "switch-1": switches,
    "switch-1000": switches,
    lock,
    "event-1000": event,
    "timeout-done": timeoutDone,
    "cancel-join": cancelJoin,
    "group-fail": groupFail,
    "timers-100k": timers,
    "heap-sleeper": heapSleeper,
    "heap-queue-waiter": heapQueueWaiter,
    "context-read": contextRead,
  },
};

export default peer;
