/**
 * Effection's queues are unbounded, and it has no lock: dashes there. Also with 100,000 timers, where it needs more
 * than a minute.
 */
import {
  all,
  createContext,
  createQueue,
  type Operation,
  race,
  run,
  scoped,
  sleep,
  spawn,
  type Task,
  until,
  withResolvers,
} from "effection";
import { check, HOUR, keep, type Peer, type Program, range, sumBelow } from "../peer.ts";

/** A program of the peer's from an operation. */
const program =
  (operation: (tasks: number, turns: number) => Operation<unknown>): Program =>
  (tasks, turns) =>
    run(() => operation(tasks, turns));

/** A turn for the others. `sleep(0)` is a timer of Node's, which takes a millisecond; this is the fast way. */
const turnForOthers = (): Operation<void> => until(Promise.resolve());

// biome-ignore lint/correctness/useYield: an operation that has nothing to wait for
function* work(i: number): Operation<number> {
  return i;
}

const spawnJoin = program(function* (tasks) {
  const results = yield* all(range(tasks).map((i) => work(i)));
  check(
    "the sum of the results",
    results.reduce((a, b) => a + b),
    sumBelow(tasks),
  );
});

const createAwait = program(function* (_tasks, turns) {
  let sum = 0;
  for (let i = 0; i < turns; i++) {
    const task = yield* spawn(() => work(i));
    sum += yield* task;
  }
  check("the sum of the results", sum, sumBelow(turns));
});

const switches = program(function* (tasks, turns) {
  let begun = 0;
  let ended = 0;
  function* spinner(): Operation<void> {
    begun++;
    for (let turn = 0; turn < turns; turn++) yield* turnForOthers();
    if (ended++ === 0) check("tasks that began before the first ended", begun, tasks);
  }
  yield* all(range(tasks).map(() => spinner()));
  check("tasks that ended", ended, tasks);
});

const event = program(function* (tasks, turns) {
  let gate = withResolvers<void>();
  let arrived = 0;
  let woken = 0;
  function* waiter(): Operation<void> {
    for (let turn = 0; turn < turns; turn++) {
      if (++arrived === tasks) {
        // The last to arrive wakes the others.
        const full = gate;
        gate = withResolvers<void>();
        arrived = 0;
        full.resolve();
      } else {
        yield* gate.operation;
        woken++;
      }
    }
  }
  yield* all(range(tasks).map(() => waiter()));
  check("wake-ups", woken, (tasks - 1) * turns);
});

function* late(limit: number): Operation<never> {
  yield* sleep(limit);
  throw new Error("time is over");
}

const timeoutDone = program(function* (_tasks, turns) {
  let sum = 0;
  for (let i = 0; i < turns; i++) sum += yield* race([work(i), late(HOUR)]);
  check("the sum of the results", sum, sumBelow(turns));
});

const cancelJoin = program(function* (tasks, turns) {
  let begun = 0;
  let halted = 0;
  function* sleeper(): Operation<void> {
    begun++;
    try {
      yield* sleep(HOUR);
    } finally {
      halted++;
    }
  }
  for (let turn = 0; turn < turns; turn++) {
    const sleepers: Task<void>[] = [];
    for (let i = 0; i < tasks; i++) sleepers.push(yield* spawn(sleeper));
    while (begun < (turn + 1) * tasks) yield* turnForOthers();
    for (const task of sleepers) yield* task.halt();
  }
  check("tasks that began", begun, tasks * turns);
  check("tasks that were halted", halted, tasks * turns);
});

const groupFail = program(function* (tasks, turns) {
  for (let turn = 0; turn < turns; turn++) {
    let ended = 0;
    let failure: unknown;
    function* sleeper(): Operation<void> {
      try {
        yield* sleep(HOUR);
      } finally {
        ended++;
      }
    }
    function* failing(): Operation<void> {
      yield* turnForOthers(); // until the others sleep: a task begins at once here
      throw new RangeError("one fails");
    }
    try {
      yield* scoped(function* () {
        const children: Task<void>[] = [];
        for (let i = 1; i < tasks; i++) children.push(yield* spawn(sleeper));
        children.push(yield* spawn(failing));
        for (const child of children) yield* child;
      });
    } catch (error) {
      failure = error;
    }
    check("the error", failure instanceof RangeError, true);
    check("tasks that were ended", ended, tasks - 1);
  }
});

/** Resolves when all wait; the run goes on. */
const hold =
  (waiter: () => () => Operation<unknown>): Program =>
  (tasks) =>
    new Promise<void>((resolve, reject) => {
      run(function* () {
        const wait = waiter();
        let begun = 0;
        const children: Task<void>[] = [];
        for (let i = 0; i < tasks; i++) {
          children.push(
            yield* spawn(function* () {
              begun++;
              yield* wait();
            }),
          );
        }
        keep(children);
        while (begun < tasks) yield* turnForOthers();
        resolve();
        yield* sleep(HOUR);
      }).catch(reject);
    });

const heapSleeper = hold(() => () => sleep(HOUR));
const heapQueueWaiter = hold(() => {
  const queue = createQueue<number, never>();
  return () => queue.next();
});

const Variable = createContext<number>("benchmark");

const contextRead = program((_tasks, turns) =>
  Variable.with(1, function* () {
    let sum = 0;
    for (let i = 0; i < turns; i++) sum += yield* Variable.expect();
    check("the sum of the values", sum, turns);
  }),
);

const peer: Peer = {
  main: (measurement) => measurement(),
  programs: {
    "spawn-join": spawnJoin,
    "create-await": createAwait,
    "switch-1": switches,
    "switch-1000": switches,
    "event-1000": event,
    "timeout-done": timeoutDone,
    "cancel-join": cancelJoin,
    "group-fail": groupFail,
    "heap-sleeper": heapSleeper,
    "heap-queue-waiter": heapQueueWaiter,
    "context-read": contextRead,
  },
};

export default peer;
