import { Context, Deferred, Effect, Exit, Fiber, Queue, Semaphore } from "effect";
import { check, delayOf, keep, type Peer, type Program, range, sumBelow } from "../peer.ts";

const unbounded = { concurrency: "unbounded" } as const;
const unboundedDiscard = { concurrency: "unbounded", discard: true } as const;

/** A program of the peer's from an Effect. */
const program =
  (effect: (tasks: number, turns: number) => Effect.Effect<unknown, unknown>): Program =>
  (tasks, turns) =>
    Effect.runPromise(effect(tasks, turns));

const work = (i: number) => Effect.sync(() => i);

const spawnJoin = program((tasks) =>
  Effect.forEach(range(tasks), work, unbounded).pipe(
    Effect.map((results) =>
      check(
        "the sum of the results",
        results.reduce((a, b) => a + b),
        sumBelow(tasks),
      ),
    ),
  ),
);

const createAwait = program((_tasks, turns) =>
  Effect.gen(function* () {
    let sum = 0;
    for (let i = 0; i < turns; i++) {
      const fiber = yield* Effect.forkChild(work(i));
      sum += yield* Fiber.join(fiber);
    }
    check("the sum of the results", sum, sumBelow(turns));
  }),
);

const switches = program((tasks, turns) =>
  Effect.gen(function* () {
    let begun = 0;
    let ended = 0;
    const spinner = Effect.gen(function* () {
      begun++;
      for (let turn = 0; turn < turns; turn++) yield* Effect.yieldNow;
      if (ended++ === 0) check("fibers that began before the first ended", begun, tasks);
    });
    yield* Effect.forEach(range(tasks), () => spinner, unboundedDiscard);
    check("fibers that ended", ended, tasks);
  }),
);

const queue = (capacity: number, pairs: number): Program =>
  program((_tasks, turns) =>
    Effect.gen(function* () {
      const queue = yield* Queue.bounded<number>(capacity);
      const share = turns / pairs;
      let sum = 0;
      const producer = Effect.gen(function* () {
        for (let i = 0; i < share; i++) yield* Queue.offer(queue, i);
      });
      const consumer = Effect.gen(function* () {
        for (let i = 0; i < share; i++) {
          const item = yield* Queue.take(queue);
          sum += item; // not in one expression, which would read the sum before the wait
        }
      });
      yield* Effect.all(
        range(pairs).flatMap(() => [producer, consumer]),
        unboundedDiscard,
      );
      check("the sum of the items", sum, pairs * sumBelow(share));
    }),
  );

/** Effect has no mutex of its own: its users take a semaphore of one permit. */
const contend = (permits: number): Program =>
  program((tasks, turns) =>
    Effect.gen(function* () {
      const semaphore = yield* Semaphore.make(permits);
      let entered = 0;
      const section = semaphore.withPermit(
        Effect.sync(() => {
          entered++;
        }),
      );
      const contender = Effect.gen(function* () {
        for (let turn = 0; turn < turns; turn++) yield* section;
      });
      yield* semaphore.take(permits);
      const contenders = yield* Effect.forkChild(
        Effect.forEach(range(tasks), () => contender, unboundedDiscard),
      );
      yield* Effect.yieldNow; // all are in line now
      yield* semaphore.release(permits);
      yield* Fiber.join(contenders);
      check("sections entered", entered, tasks * turns);
    }),
  );

const event = program((tasks, turns) =>
  Effect.gen(function* () {
    let gate = Deferred.makeUnsafe<void>();
    let arrived = 0;
    let woken = 0;
    const waiter = Effect.gen(function* () {
      for (let turn = 0; turn < turns; turn++) {
        if (++arrived === tasks) {
          // The last to arrive wakes the others.
          const full = gate;
          gate = Deferred.makeUnsafe<void>();
          arrived = 0;
          yield* Deferred.succeed(full, undefined);
        } else {
          yield* Deferred.await(gate);
          woken++;
        }
      }
    });
    yield* Effect.forEach(range(tasks), () => waiter, unboundedDiscard);
    check("wake-ups", woken, (tasks - 1) * turns);
  }),
);

const timeoutDone = program((_tasks, turns) =>
  Effect.gen(function* () {
    let sum = 0;
    for (let i = 0; i < turns; i++) sum += yield* Effect.timeout(work(i), "1 hour");
    check("the sum of the results", sum, sumBelow(turns));
  }),
);

const cancelJoin = program((tasks, turns) =>
  Effect.gen(function* () {
    let begun = 0;
    let cancelled = 0;
    const sleeper = Effect.suspend(() => {
      begun++;
      return Effect.sleep("1 hour");
    });
    for (let turn = 0; turn < turns; turn++) {
      const fibers: Fiber.Fiber<void>[] = [];
      for (let i = 0; i < tasks; i++) fibers.push(yield* Effect.forkChild(sleeper));
      yield* Effect.yieldNow; // all sleep now
      yield* Fiber.interruptAll(fibers);
      for (const fiber of fibers) if (Exit.hasInterrupts(yield* Fiber.await(fiber))) cancelled++;
    }
    check("fibers that began", begun, tasks * turns);
    check("fibers that were interrupted", cancelled, tasks * turns);
  }),
);

const groupFail = program((tasks, turns) =>
  Effect.gen(function* () {
    for (let turn = 0; turn < turns; turn++) {
      let ended = 0;
      const sleeper = Effect.sleep("1 hour").pipe(
        Effect.ensuring(
          Effect.sync(() => {
            ended++;
          }),
        ),
      );
      const children: Effect.Effect<void, RangeError>[] = range(tasks - 1).map(() => sleeper);
      children.push(Effect.fail(new RangeError("one fails")));
      const error = yield* Effect.flip(Effect.all(children, unboundedDiscard));
      check("the error", error instanceof RangeError, true);
      check("fibers that were ended", ended, tasks - 1);
    }
  }),
);

const timers = program((tasks) =>
  Effect.gen(function* () {
    let fired = 0;
    const sleeper = (delay: number) =>
      Effect.map(Effect.sleep(delay), () => {
        fired++;
      });
    yield* Effect.forEach(range(tasks), (i) => sleeper(delayOf(i, tasks)), unboundedDiscard);
    check("timers that fired", fired, tasks);
  }),
);

const heapSleeper = program((tasks) =>
  Effect.gen(function* () {
    let begun = 0;
    const sleeper = Effect.suspend(() => {
      begun++;
      return Effect.sleep("1 hour");
    });
    const fibers: unknown[] = [];
    for (let i = 0; i < tasks; i++) fibers.push(yield* Effect.forkDetach(sleeper));
    keep(fibers);
    while (begun < tasks) yield* Effect.yieldNow;
  }),
);

const heapQueueWaiter = program((tasks) =>
  Effect.gen(function* () {
    let begun = 0;
    const queue = yield* Queue.unbounded<number>();
    const waiter = Effect.suspend(() => {
      begun++;
      return Queue.take(queue);
    });
    const fibers: unknown[] = [];
    for (let i = 0; i < tasks; i++) fibers.push(yield* Effect.forkDetach(waiter));
    keep(fibers);
    while (begun < tasks) yield* Effect.yieldNow;
  }),
);

const Variable = Context.Reference<number>("benchmark", { defaultValue: () => 0 });

const contextRead = program((_tasks, turns) =>
  Effect.gen(function* () {
    let sum = 0;
    for (let i = 0; i < turns; i++) sum += yield* Variable;
    check("the sum of the values", sum, turns);
  }).pipe(Effect.provideService(Variable, 1)),
);

const peer: Peer = {
  main: (measurement) => measurement(),
  programs: {
    "spawn-join": spawnJoin,
    "create-await": createAwait,
    "switch-1": switches,
    "switch-1000": switches,
    "queue-1": queue(1, 1),
    "queue-100": queue(100, 1),
    "queue-8x8": queue(100, 8),
    lock: contend(1),
    semaphore: contend(10),
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
