import {
  Barrier,
  Condition,
  createTask,
  Event,
  gather,
  Lock,
  moveOnAfter,
  Queue,
  Semaphore,
  shield,
  sleep,
  type Task,
  timeout,
  wait,
  waitFor,
} from "brio";
import { describe, expect, it } from "vitest";
import { sleeper } from "./actors.ts";
import { expectTrace, outcome, restTime } from "./trace.ts";

/** Begins a wait in a task of its own, lets it line up, and gives the task. */
async function waiting<T>(begin: () => PromiseLike<T>): Promise<[Task<T>]> {
  const task = createTask(begin);
  await sleep(0);
  return [task];
}

describe("a wait that is cancelled leaves no trace", () => {
  it("in a queue it waited to take from", () =>
    expectTrace(
      async (note) => {
        const queue = new Queue<string>();
        note(await outcome(timeout(10, () => queue.get())));
        await queue.put("item");
        note(`${queue.qsize()}: ${await queue.get()}`);
      },
      ["10 TimeoutError", "10 1: item"],
    ));

  it("in a queue it waited to put into", () =>
    expectTrace(
      async (note) => {
        const queue = new Queue<string>(1);
        await queue.put("first");
        note(await outcome(timeout(10, () => queue.put("second"))));
        note(`${await queue.get()}, ${queue.qsize()} left`);
      },
      ["10 TimeoutError", "10 first, 0 left"],
    ));

  it("in a lock", () =>
    expectTrace(
      async (note) => {
        const lock = new Lock();
        await lock.acquire();
        note(await outcome(timeout(10, () => lock.acquire())));
        lock.release();
        note(`locked: ${lock.locked()}, waiting: ${lock.statistics().waiting}`);
      },
      ["10 TimeoutError", "10 locked: false, waiting: 0"],
    ));

  it("in a semaphore", () =>
    expectTrace(
      async (note) => {
        const semaphore = new Semaphore(1);
        await semaphore.acquire();
        note(await outcome(timeout(10, () => semaphore.acquire())));
        semaphore.release();
        await semaphore.acquire();
        note(`taken: ${semaphore.locked()}`);
      },
      ["10 TimeoutError", "10 taken: true"],
    ));

  it("in an event", () =>
    expectTrace(
      async (note) => {
        const event = new Event();
        note(await outcome(timeout(10, () => event.wait())));
        note(`waiting: ${event.statistics().waiting}, set: ${event.isSet()}`);
      },
      ["10 TimeoutError", "10 waiting: 0, set: false"],
    ));

  it("in a condition, whose lock is held again", () =>
    expectTrace(
      async (note) => {
        const condition = new Condition();
        await condition.with(async () => {
          note(await outcome(timeout(10, () => condition.wait())));
          note(`locked: ${condition.locked()}`);
        });
        note(`locked: ${condition.locked()}`);
      },
      ["10 TimeoutError", "10 locked: true", "10 locked: false"],
    ));

  it("in a barrier, which is not broken", () =>
    expectTrace(
      async (note) => {
        const barrier = new Barrier(2);
        note(await outcome(timeout(10, () => barrier.wait())));
        note(`waiting: ${barrier.nWaiting}, broken: ${barrier.broken}`);
        const indices = await gather(
          () => barrier.wait(),
          () => barrier.wait(),
        );
        note(indices.join());
      },
      ["10 TimeoutError", "10 waiting: 0, broken: false", "10 0,1"],
    ));

  it("in a task that is shielded, and can be awaited again", () =>
    expectTrace(
      async (note) => {
        const work = createTask(sleeper(note, "work", 100));
        note(await outcome(timeout(10, () => shield(work))));
        note(await work);
      },
      ["10 TimeoutError", "100 work slept", "100 work"],
    ));

  it("in the tasks that wait() waited for", () =>
    expectTrace(
      async (note) => {
        const work = createTask(sleeper(note, "work", 100));
        note(await outcome(timeout(10, () => wait([work]))));
        note(await work);
      },
      ["10 TimeoutError", "100 work slept", "100 work"],
    ));

  it("among the timers", async () => {
    expect(await restTime(() => moveOnAfter(10, () => sleep("1h")))).toBe(10);
    expect(await restTime(() => outcome(waitFor(() => sleep("1h"), 10)))).toBe(10);
    expect(await restTime(() => outcome(waitFor(() => sleep(10), "1h")))).toBe(10);
    expect(await restTime(() => wait([createTask(() => sleep(10))], { timeout: "1h" }))).toBe(10);
  });

  it("in the line: those behind it move up", () =>
    expectTrace(
      async (note) => {
        const lock = new Lock();
        await lock.acquire();
        const tasks = ["a", "b", "c"].map((who) =>
          createTask(() => lock.with(() => note(`${who} has the lock`))),
        );
        await sleep(0);
        tasks[0]?.cancel();
        tasks[1]?.cancel();
        await sleep(0);
        lock.release();
        for (const task of tasks) note(await outcome(task));
      },
      ["0 CancelledError", "0 CancelledError", "0 c has the lock", "0 done"],
    ));
});

describe("a wait that is cancelled in the turn in which it was granted gives back what it was granted", () => {
  it("an item stays in the queue", () =>
    expectTrace(
      async (note) => {
        const queue = new Queue<string>();
        const [getter] = await waiting(() => queue.get());
        queue.putNowait("item");
        getter.cancel();
        note(await outcome(getter));
        note(`${queue.qsize()}: ${queue.getNowait()}`);
      },
      ["0 CancelledError", "0 1: item"],
    ));

  it("an item goes to the next who waits for one", () =>
    expectTrace(
      async (note) => {
        const queue = new Queue<string>();
        const [first] = await waiting(() => queue.get());
        const [second] = await waiting(() => queue.get());
        queue.putNowait("item");
        first.cancel();
        note(`${await outcome(first)}, ${await outcome(second)}`);
      },
      ["0 CancelledError, item"],
    ));

  it("a free place in a queue goes to the next who wants one", () =>
    expectTrace(
      async (note) => {
        const queue = new Queue<string>(1);
        await queue.put("old");
        const [first] = await waiting(() => queue.put("first"));
        const [second] = await waiting(() => queue.put("second"));
        queue.getNowait();
        first.cancel();
        note(`${await outcome(first)}, ${await outcome(second)}`);
        note(`${queue.getNowait()}, ${queue.qsize()} left`);
      },
      ["0 CancelledError, done", "0 second, 0 left"],
    ));

  it("a lock is free, or with the next in line", () =>
    expectTrace(
      async (note) => {
        const lock = new Lock();
        await lock.acquire();
        const [first] = await waiting(() => lock.acquire());
        lock.release();
        first.cancel();
        note(`${await outcome(first)}, locked: ${lock.locked()}`);
        await lock.acquire();
        const [second] = await waiting(() => lock.acquire());
        const [third] = await waiting(() => lock.with(() => "third has it"));
        lock.release();
        second.cancel();
        note(`${await outcome(second)}, ${await outcome(third)}`);
      },
      ["0 CancelledError, locked: false", "0 CancelledError, third has it"],
    ));

  it("a permit is back in the semaphore, or with the next in line", () =>
    expectTrace(
      async (note) => {
        const semaphore = new Semaphore(0);
        const [first] = await waiting(() => semaphore.acquire());
        semaphore.release();
        first.cancel();
        note(`${await outcome(first)}, taken: ${semaphore.locked()}`);
        await semaphore.acquire();
        const [second] = await waiting(() => semaphore.acquire());
        const [third] = await waiting(() => semaphore.with(() => "third has it"));
        semaphore.release();
        second.cancel();
        note(`${await outcome(second)}, ${await outcome(third)}`);
      },
      ["0 CancelledError, taken: false", "0 CancelledError, third has it"],
    ));

  it("a notification goes to the next who waits on the condition", () =>
    expectTrace(
      async (note) => {
        const condition = new Condition();
        const waiter = (who: string) => () =>
          condition.with(async () => {
            await condition.wait();
            return `${who} was notified`;
          });
        const [first] = await waiting(waiter("first"));
        const [second] = await waiting(waiter("second"));
        await condition.with(() => condition.notify());
        first.cancel();
        note(`${await outcome(first)}, ${await outcome(second)}`);
        note(`locked: ${condition.locked()}`);
      },
      ["0 CancelledError, second was notified", "0 locked: false"],
    ));

  it("a shield that is given up as its task ends keeps the task's result", () =>
    expectTrace(
      async (note, loop) => {
        const future = loop.createFuture<string>();
        const waiter = createTask(() => shield(future));
        await sleep(0);
        future.setResult("value");
        waiter.cancel();
        note(`${await outcome(waiter)}, ${await future}`);
      },
      ["0 CancelledError, value"],
    ));

  it("a deadline does so too", () =>
    expectTrace(
      async (note, loop) => {
        const queue = new Queue<string>();
        loop.callAt(10, () => queue.putNowait("item"));
        note(await outcome(timeout(10, () => queue.get())));
        note(`${queue.qsize()} in the queue`);
      },
      ["10 TimeoutError", "10 1 in the queue"],
    ));

  it("and one that comes a turn later comes too late", () =>
    expectTrace(
      async (note, loop) => {
        const queue = new Queue<string>();
        const [getter] = await waiting(async () => {
          const item = await queue.get();
          note(`got ${item}`);
          await sleep(1000);
        });
        queue.putNowait("item");
        loop.callSoon(() => getter.cancel());
        note(await outcome(getter));
        note(`${queue.qsize()} in the queue`);
      },
      ["0 got item", "0 CancelledError", "0 0 in the queue"],
    ));
});
