import type { Task } from "brio";
import {
  Barrier,
  Condition,
  createTask,
  Event,
  gather,
  Lock,
  Queue,
  RateLimiter,
  Semaphore,
  sleep,
} from "brio";
import { runVirtual } from "brio/testing";
import { expect, it } from "vitest";
import { operations } from "./operations.ts";

type Load = (size: number) => Promise<void>;

/** `size` tasks that do the same. */
function crowd(size: number, work: (i: number) => Promise<unknown>): Task<unknown>[] {
  return Array.from({ length: size }, (_, i) => createTask(() => work(i)));
}

async function cancelAll(tasks: readonly Task<unknown>[]): Promise<void> {
  for (const task of tasks) task.cancel();
  await gather([...tasks], { returnExceptions: true });
}

const loads: Record<string, Load> = {
  "a lock handed from one to the next": async (size) => {
    const lock = new Lock();
    await gather(...crowd(size, () => lock.with(() => sleep(0))));
  },
  "a lock whose waiters are all cancelled": async (size) => {
    const lock = new Lock();
    await lock.acquire();
    const tasks = crowd(size, () => lock.acquire());
    await sleep(0);
    await cancelAll(tasks);
  },
  "a lock whose waiters are cancelled one by one, from the first and from the last": async (size) => {
    const lock = new Lock();
    await lock.acquire();
    const tasks = crowd(size, () => lock.acquire());
    await sleep(0);
    while (tasks.length > 0) {
      tasks.shift()?.cancel();
      tasks.pop()?.cancel();
      await sleep(0);
    }
  },
  "a semaphore of two": async (size) => {
    const semaphore = new Semaphore(2);
    await gather(...crowd(size, () => semaphore.with(() => sleep(1))));
  },
  "a semaphore that releases everybody at once": async (size) => {
    const semaphore = new Semaphore(0);
    const tasks = crowd(size, () => semaphore.acquire());
    await sleep(0);
    for (let i = 0; i < size; i++) semaphore.release();
    await gather(...tasks);
  },
  "a semaphore whose woken waiters are all cancelled": async (size) => {
    const semaphore = new Semaphore(0);
    const tasks = crowd(size, () => semaphore.acquire());
    await sleep(0);
    for (let i = 0; i < size; i++) semaphore.release();
    await cancelAll(tasks);
    expect(semaphore.statistics()).toEqual({ value: size, waiting: 0 });
  },
  "an event": async (size) => {
    const event = new Event();
    const tasks = crowd(size, () => event.wait());
    await sleep(0);
    event.set();
    await gather(...tasks);
  },
  "a condition that notifies all": async (size) => {
    const condition = new Condition();
    const tasks = crowd(size, () => condition.with(() => condition.wait()));
    await sleep(0);
    await condition.with(() => condition.notifyAll());
    await gather(...tasks);
  },
  "a condition that notifies one by one": async (size) => {
    const condition = new Condition();
    const tasks = crowd(size, () => condition.with(() => condition.wait()));
    await sleep(0);
    for (let i = 0; i < size; i++) await condition.with(() => condition.notify());
    await gather(...tasks);
  },
  "a barrier": async (size) => {
    const barrier = new Barrier(size);
    await gather(...crowd(size, () => barrier.wait()));
  },
  "a rate limiter": async (size) => {
    const limiter = new RateLimiter({ limit: 10, per: "1s" });
    await gather(...crowd(size, () => limiter.acquire()));
  },
  "a rate limiter that can serve everybody at once, and again": async (size) => {
    const limiter = new RateLimiter({ limit: size, per: "1s" });
    await limiter.acquire(size);
    const large = createTask(() => limiter.acquire(size));
    await sleep(0);
    const tasks = crowd(size - 1, async () => {
      await limiter.acquire();
      await limiter.acquire();
    });
    await sleep(999);
    large.cancel();
    await gather(...tasks);
  },
  "getters of a queue": async (size) => {
    const queue = new Queue<number>();
    const tasks = crowd(size, () => queue.get());
    await sleep(0);
    for (let i = 0; i < size; i++) queue.putNowait(i);
    await gather(...tasks);
  },
  "getters of a queue that are cancelled as they are woken": async (size) => {
    const queue = new Queue<number>();
    const tasks = crowd(size, () => queue.get());
    await sleep(0);
    queue.putNowait(1);
    await cancelAll(tasks);
    expect(queue.qsize()).toBe(1);
  },
  "putters of a queue of one": async (size) => {
    const queue = new Queue<number>(1);
    const tasks = crowd(size, (i) => queue.put(i));
    for (let i = 0; i < size; i++) expect(await queue.get()).toBe(i);
    await gather(...tasks);
  },
  "a queue that is filled and drained": async (size) => {
    const queue = new Queue<number>();
    for (let i = 0; i < size; i++) queue.putNowait(i);
    for (let i = 0; i < size; i++) await queue.get();
  },
  "a shutdown of a queue with many waiting": async (size) => {
    const queue = new Queue<number>();
    const tasks = crowd(size, () => queue.get());
    await sleep(0);
    queue.shutdown();
    await gather(tasks, { returnExceptions: true });
  },
};

it.each(Object.entries(loads))("costs in proportion to how many wait: %s", async (_name, load) => {
  const cost = (size: number) => operations(() => runVirtual(() => load(size)));
  await cost(10); // what is done once
  const [small, large] = [await cost(250), await cost(1000)];
  expect(small).toBeGreaterThan(250); // it does count
  expect(large / small).toBeLessThan(5); // 4 when linear, 16 when quadratic
});
