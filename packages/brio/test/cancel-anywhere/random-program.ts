import {
  CancelledError,
  Condition,
  checkpoint,
  createTask,
  LifoQueue,
  Lock,
  moveOnAfter,
  PriorityQueue,
  Queue,
  Semaphore,
  sleep,
  TimeoutError,
  timeout,
} from "brio";
import { type Random, type Trial, waitAllTasksBlocked } from "brio/testing";
import { expect } from "vitest";

/*
 * Random programs over a few shared primitives, and the model that they are compared with. A model knows only what has
 * been granted: what was granted must have been there, and what was not granted must still be there. As a task's code
 * runs on in the very step in which it was granted something, the model and the primitive agree whenever code runs.
 */

/** Items in a queue: what `put` has put in and `get` has not taken out. */
class QueueModel {
  readonly queue: Queue<number>;
  private readonly items: number[] = [];
  private readonly take: (items: number[]) => number | undefined;
  private next = 0;

  constructor(queue: Queue<number>, take: (items: number[]) => number | undefined) {
    this.queue = queue;
    this.take = take;
  }

  async put(random: Random): Promise<void> {
    // Unlike in put order, so that a priority queue has something to do.
    const item = random.integer(1000) * 1000 + this.next++;
    await this.queue.put(item);
    this.items.push(item);
    this.agree();
  }

  async get(): Promise<void> {
    const item = await this.queue.get();
    expect(item).toBe(this.take(this.items));
    this.agree();
    this.queue.taskDone();
  }

  agree(): void {
    expect(this.queue.qsize()).toBe(this.items.length);
    if (this.queue.maxsize > 0) expect(this.items.length).toBeLessThanOrEqual(this.queue.maxsize);
  }

  finish(): void {
    this.agree();
    expect(this.queue.statistics().unfinished).toBe(this.items.length);
    const rest: number[] = [];
    while (!this.queue.empty()) rest.push(this.queue.getNowait());
    const expected: number[] = [];
    while (this.items.length > 0) expected.push(this.take(this.items) as number); // there are items
    expect(rest).toEqual(expected);
  }
}

/** Permits of a semaphore (or a lock's only one). */
class PermitModel {
  private readonly limit: number;
  private readonly acquire: () => Promise<unknown>;
  private readonly release: () => void;
  private held = 0;

  constructor(limit: number, acquire: () => Promise<unknown>, release: () => void) {
    this.limit = limit;
    this.acquire = acquire;
    this.release = release;
  }

  async hold(fn: () => Promise<void>): Promise<void> {
    await this.acquire();
    this.held++;
    expect(this.held).toBeLessThanOrEqual(this.limit);
    try {
      await fn();
    } finally {
      this.held--;
      this.release();
    }
  }

  finish(): void {
    expect(this.held).toBe(0);
  }
}

function byPriority(items: number[]): number | undefined {
  const least = Math.min(...items);
  const at = items.indexOf(least);
  return at === -1 ? undefined : items.splice(at, 1)[0];
}

function someQueue(random: Random, maxsize: number): QueueModel {
  switch (random.integer(3)) {
    case 0:
      return new QueueModel(new PriorityQueue(maxsize), byPriority);
    case 1:
      return new QueueModel(new LifoQueue(maxsize), (items) => items.pop());
    default:
      return new QueueModel(new Queue(maxsize), (items) => items.shift());
  }
}

/** Runs a program made by chance: tasks that use primitives, and get cancelled. */
export async function randomProgram(trial: Trial): Promise<void> {
  const { random } = trial;
  const queues = [someQueue(random, random.integer(3)), someQueue(random, 1)];
  for (const { queue } of queues) trial.watch(queue);
  const lock = trial.watch(new Lock());
  const semaphore = trial.watch(new Semaphore(1 + random.integer(2)));
  const condition = trial.watch(new Condition());
  let stock = 0;
  const permits = [
    new PermitModel(
      1,
      () => lock.acquire(),
      () => lock.release(),
    ),
    new PermitModel(
      semaphore.statistics().value,
      () => semaphore.acquire(),
      () => semaphore.release(),
    ),
    new PermitModel(
      1,
      () => condition.acquire(),
      () => condition.release(),
    ),
  ];
  trial.check(() => {
    for (const model of [...queues, ...permits]) model.finish();
    expect(stock).toBeGreaterThanOrEqual(0);
  });

  const step = async (depth: number): Promise<void> => {
    switch (random.integer(depth > 0 ? 8 : 5)) {
      case 0:
        return await random.pick(queues).put(random);
      case 1:
        return await random.pick(queues).get();
      case 2:
        return await checkpoint();
      case 3:
        return await sleep(random.integer(4));
      case 4:
        return await condition.with(() => {
          stock++;
          condition.notify(1 + random.integer(2));
        });
      case 5:
        return await random.pick(permits.slice(0, 2)).hold(() => step(depth - 1));
      case 6:
        return await condition.with(async () => {
          await condition.waitFor(() => stock > 0);
          stock--;
        });
      default:
        return await limited(random, () => step(depth - 1));
    }
  };

  const tasks = Array.from({ length: 3 + random.integer(3) }, (_, at) => {
    const steps = 2 + random.integer(5);
    return createTask(
      async () => {
        for (let i = 0; i < steps; i++) await step(2);
      },
      { name: `worker ${at}` },
    );
  });
  // Strikes at random, then lets everything come to rest, so that the trial can look for lost wake-ups.
  for (let i = random.integer(6); i > 0; i--) {
    await (random.chance(0.5) ? sleep(random.integer(4)) : checkpoint());
    random.pick(tasks).cancel();
  }
  await sleep("1s");
  await waitAllTasksBlocked();
  for (const { queue } of queues) expect(queue.statistics().gettersWaiting === 0 || queue.empty()).toBe(true);
  for (const task of tasks) await task[Symbol.asyncDispose]();
}

async function limited(random: Random, fn: () => Promise<void>): Promise<void> {
  const limit = random.integer(4);
  if (random.chance(0.5)) {
    await moveOnAfter(limit, fn);
    return;
  }
  try {
    await timeout(limit, fn);
  } catch (error) {
    if (error instanceof CancelledError || !(error instanceof TimeoutError)) throw error;
  }
}
