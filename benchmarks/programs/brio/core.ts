import {
  CancelledError,
  ContextVar,
  coroutine,
  createTask,
  Event,
  ExceptionGroup,
  gather,
  Lock,
  Queue,
  run,
  Semaphore,
  sleep,
  taskGroup,
  timeout,
} from "brio";
import { check, delayOf, HOUR, keep, type Peer, range, sumBelow } from "../peer.ts";

const work = coroutine(async (i: number) => i);

async function spawnJoin(tasks: number): Promise<void> {
  const results = await gather(range(tasks).map((i) => work(i)));
  check(
    "the sum of the results",
    results.reduce((a, b) => a + b),
    sumBelow(tasks),
  );
}

async function createAwait(_tasks: number, turns: number): Promise<void> {
  let sum = 0;
  for (let i = 0; i < turns; i++) sum += await createTask(work(i));
  check("the sum of the results", sum, sumBelow(turns));
}

async function switches(tasks: number, turns: number): Promise<void> {
  let begun = 0;
  let ended = 0;
  const spinner = coroutine(async () => {
    begun++;
    for (let turn = 0; turn < turns; turn++) await sleep(0);
    if (ended++ === 0) check("tasks that began before the first ended", begun, tasks);
  });
  await gather(range(tasks).map(() => spinner()));
  check("tasks that ended", ended, tasks);
}

const queue = (capacity: number, pairs: number) => async (_tasks: number, turns: number) => {
  const queue = new Queue<number>(capacity);
  const share = turns / pairs;
  let sum = 0;
  const producer = coroutine(async () => {
    for (let i = 0; i < share; i++) await queue.put(i);
  });
  const consumer = coroutine(async () => {
    for (let i = 0; i < share; i++) {
      const item = await queue.get();
      sum += item; // not in one expression, which would read the sum before the wait
    }
  });
  await gather(range(pairs).flatMap(() => [producer(), consumer()]));
  check("the sum of the items", sum, pairs * sumBelow(share));
};

async function lock(tasks: number, turns: number): Promise<void> {
  const lock = new Lock();
  let entered = 0;
  const contender = coroutine(async () => {
    for (let turn = 0; turn < turns; turn++) {
      await lock.with(() => {
        entered++;
      });
    }
  });
  await lock.acquire();
  const contenders = gather(range(tasks).map(() => contender()));
  await sleep(0); // all are in line now
  lock.release();
  await contenders;
  check("critical sections", entered, tasks * turns);
}

async function semaphore(tasks: number, turns: number): Promise<void> {
  const permits = 10;
  const semaphore = new Semaphore(permits);
  let entered = 0;
  const contender = coroutine(async () => {
    for (let turn = 0; turn < turns; turn++) {
      await semaphore.with(() => {
        entered++;
      });
    }
  });
  for (let i = 0; i < permits; i++) await semaphore.acquire();
  const contenders = gather(range(tasks).map(() => contender()));
  await sleep(0); // all are in line now
  for (let i = 0; i < permits; i++) semaphore.release();
  await contenders;
  check("sections entered", entered, tasks * turns);
}

async function event(tasks: number, turns: number): Promise<void> {
  let gate = new Event();
  let arrived = 0;
  let woken = 0;
  const waiter = coroutine(async () => {
    for (let turn = 0; turn < turns; turn++) {
      if (++arrived === tasks) {
        // The last to arrive wakes the others.
        const full = gate;
        gate = new Event();
        arrived = 0;
        full.set();
      } else {
        await gate.wait();
        woken++;
      }
    }
  });
  await gather(range(tasks).map(() => waiter()));
  check("wake-ups", woken, (tasks - 1) * turns);
}

async function timeoutDone(_tasks: number, turns: number): Promise<void> {
  let sum = 0;
  for (let i = 0; i < turns; i++) sum += await timeout("1h", async () => i);
  check("the sum of the results", sum, sumBelow(turns));
}

async function cancelJoin(tasks: number, turns: number): Promise<void> {
  let begun = 0;
  let cancelled = 0;
  const sleeper = coroutine(async () => {
    begun++;
    await sleep("1h");
  });
  for (let turn = 0; turn < turns; turn++) {
    const sleepers = range(tasks).map(() => createTask(sleeper()));
    await sleep(0); // all sleep now
    for (const task of sleepers) task.cancel();
    for (const task of sleepers) {
      try {
        await task;
      } catch (error) {
        if (!(error instanceof CancelledError)) throw error;
        cancelled++;
      }
    }
  }
  check("tasks that began", begun, tasks * turns);
  check("tasks that were cancelled", cancelled, tasks * turns);
}

async function groupFail(tasks: number, turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) {
    let ended = 0;
    let failure: unknown;
    const sleeper = coroutine(async () => {
      try {
        await sleep("1h");
      } finally {
        ended++;
      }
    });
    try {
      await taskGroup((group) => {
        for (let i = 1; i < tasks; i++) group.createTask(sleeper());
        group.createTask(async () => {
          throw new RangeError("one fails");
        });
      });
    } catch (error) {
      if (error instanceof ExceptionGroup && error.errors.length === 1) failure = error.errors[0];
    }
    check("the group's error", failure instanceof RangeError, true);
    check("tasks that were ended", ended, tasks - 1);
  }
}

async function timers(tasks: number): Promise<void> {
  let fired = 0;
  const sleeper = coroutine(async (delay: number) => {
    await sleep(delay);
    fired++;
  });
  await gather(range(tasks).map((i) => sleeper(delayOf(i, tasks))));
  check("timers that fired", fired, tasks);
}

async function heapSleeper(tasks: number): Promise<void> {
  let begun = 0;
  const sleeper = coroutine(async () => {
    begun++;
    await sleep(HOUR);
  });
  keep(range(tasks).map(() => createTask(sleeper())));
  await sleep(0);
  check("tasks that sleep", begun, tasks);
}

async function heapQueueWaiter(tasks: number): Promise<void> {
  let begun = 0;
  const queue = new Queue<number>();
  const waiter = coroutine(async () => {
    begun++;
    await queue.get();
  });
  keep(range(tasks).map(() => createTask(waiter())));
  await sleep(0);
  check("tasks that wait", begun, tasks);
}

const variable = new ContextVar<number>("benchmark");

async function contextRead(_tasks: number, turns: number): Promise<void> {
  variable.set(1);
  await createTask(async () => {
    let sum = 0;
    for (let i = 0; i < turns; i++) sum += variable.get();
    check("the sum of the values", sum, turns);
  });
}

const peer: Peer = {
  main: (measurement) => run(measurement),
  programs: {
    "spawn-join": spawnJoin,
    "create-await": createAwait,
    "switch-1": switches,
    "switch-1000": switches,
    "queue-1": queue(1, 1),
    "queue-100": queue(100, 1),
    "queue-8x8": queue(100, 8),
    lock,
    semaphore,
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
