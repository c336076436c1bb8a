import {
  ALL_COMPLETED,
  coroutine,
  createTask,
  FIRST_COMPLETED,
  FIRST_EXCEPTION,
  type Future,
  getRunningLoop,
  RuntimeError,
  sleep,
  type Task,
  wait,
} from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

const napping = (delay: number): Task<number> => createTask(() => sleep(delay, delay));

const failing = (delay: number): Task<never> =>
  createTask(async () => {
    await sleep(delay);
    throw new Error(`after ${delay}`);
  });

/** Which of `all` stand in `part`, by their places. */
const places = (part: Set<Future<unknown>>, all: readonly Future<unknown>[]): number[] =>
  all.flatMap((future, place) => (part.has(future) ? [place] : []));

describe("wait", () => {
  it("returns when all are done, with all of them", () =>
    runVirtual(async () => {
      const tasks = [napping(100), napping(150)];
      const { done, pending } = await wait(tasks);
      expect([places(done, tasks), pending.size, getRunningLoop().time()]).toEqual([[0, 1], 0, 150]);
      expect(tasks.map((task) => task.result())).toEqual([100, 150]);
    }));

  it("counts a task that was given twice once", () =>
    runVirtual(async () => {
      const task = napping(10);
      const { done, pending } = await wait([task, task, task]);
      expect([done.size, pending.size, done.has(task)]).toEqual([1, 0, true]);
    }));

  it("takes any iterable: a set, a generator, an iterator", () =>
    runVirtual(async () => {
      const tasks = [napping(1), napping(2)];
      function* each(): Generator<Task<number>> {
        yield* tasks;
      }
      for (const iterable of [new Set(tasks), each(), tasks.values()]) {
        expect((await wait(iterable)).done.size).toBe(2);
      }
    }));

  it("returns for tasks that were done before, too", () =>
    runVirtual(async () => {
      const task = napping(5);
      await task;
      const { done } = await wait([task]);
      expect([done.has(task), getRunningLoop().time()]).toEqual([true, 5]);
    }));

  it("never throws what the tasks throw, and never cancels them", () =>
    runVirtual(async () => {
      const cancelled = napping(1000);
      const tasks = [failing(10), cancelled, napping(20)];
      getRunningLoop().callLater(15, () => cancelled.cancel());
      const { done } = await wait(tasks);
      expect(done.size).toBe(3);
      expect(tasks[0]?.exception()).toEqual(new Error("after 10"));
      expect(tasks[1]?.cancelled()).toBe(true);
    }));

  it("may be called again with what is pending", () =>
    runVirtual(async () => {
      const log: [number, number][] = [];
      let open = new Set([napping(30), napping(10), napping(20)]);
      while (open.size > 0) {
        const { done, pending } = await wait(open, { returnWhen: FIRST_COMPLETED });
        for (const task of done) log.push([task.result(), pending.size]);
        open = pending;
      }
      expect(log).toEqual([
        [10, 2],
        [20, 1],
        [30, 0],
      ]);
    }));

  it("leaves the tasks running when who waits is cancelled", () =>
    runVirtual(async () => {
      const task = napping(1000);
      const waiter = createTask(() => wait([task]));
      await sleep(1);
      waiter.cancel();
      await sleep(0);
      expect([waiter.cancelled(), task.done()]).toEqual([true, false]);
    }));
});

describe("wait for the first", () => {
  it("returns when one is done; the others go on", () =>
    runVirtual(async () => {
      const tasks = [napping(10_000), napping(100)];
      const { done, pending } = await wait(tasks, { returnWhen: FIRST_COMPLETED });
      expect([places(done, tasks), places(pending, tasks), getRunningLoop().time()]).toEqual([[1], [0], 100]);
      expect(tasks[0]?.done()).toBe(false);
    }));

  it("returns all that are done by the time that it resumes", () =>
    runVirtual(async () => {
      const tasks = [1, 2].map(() => createTask(() => sleep(0)));
      const { done, pending } = await wait(tasks, { returnWhen: FIRST_COMPLETED });
      expect([done.size, pending.size]).toEqual([2, 0]);
    }));

  it("counts a failure and a cancellation as done", () =>
    runVirtual(async () => {
      const failed = failing(10);
      await wait([failed, napping(20)], { returnWhen: FIRST_COMPLETED });
      expect([getRunningLoop().time(), failed.exception()]).toEqual([10, new Error("after 10")]);
      const cancelled = napping(1000);
      getRunningLoop().callLater(5, () => cancelled.cancel());
      await wait([cancelled, napping(20)], { returnWhen: FIRST_COMPLETED });
      expect(getRunningLoop().time()).toBe(15);
    }));
});

describe("wait for the first exception", () => {
  it("returns when one has failed", () =>
    runVirtual(async () => {
      const tasks = [napping(10_000), failing(100)];
      const { done, pending } = await wait(tasks, { returnWhen: FIRST_EXCEPTION });
      expect([places(done, tasks), places(pending, tasks), getRunningLoop().time()]).toEqual([[1], [0], 100]);
      expect(tasks[1]?.exception()).toEqual(new Error("after 100"));
    }));

  it("returns with those that succeeded before, too", () =>
    runVirtual(async () => {
      const tasks = [napping(50), failing(100), napping(200)];
      const { done, pending } = await wait(tasks, { returnWhen: FIRST_EXCEPTION });
      expect([places(done, tasks), places(pending, tasks)]).toEqual([[0, 1], [2]]);
      tasks[1]?.exception();
    }));

  it("returns at once for one that had failed before", () =>
    runVirtual(async () => {
      const failed = failing(0);
      await wait([failed]);
      const { done } = await wait([failed, napping(1000)], { returnWhen: FIRST_EXCEPTION });
      expect([done.has(failed), getRunningLoop().time()]).toEqual([true, 0]);
      failed.exception();
    }));

  it("waits for all when none fails; a cancelled one does not count as failed", () =>
    runVirtual(async () => {
      const cancelled = napping(1000);
      getRunningLoop().callLater(5, () => cancelled.cancel());
      const { done } = await wait([cancelled, napping(20)], { returnWhen: FIRST_EXCEPTION });
      expect([done.size, getRunningLoop().time()]).toEqual([2, 20]);
    }));
});

describe("wait with a timeout", () => {
  it("returns when the time is over, with what is done by then, and throws nothing", () =>
    runVirtual(async () => {
      const tasks = [napping(100), napping(150)];
      const { done, pending } = await wait(tasks, { timeout: 110 });
      expect([places(done, tasks), places(pending, tasks), getRunningLoop().time()]).toEqual([[0], [1], 110]);
      expect(await tasks[1]).toBe(150);
    }));

  it("returns before, when all are done", () =>
    runVirtual(async () => {
      const { pending } = await wait([napping(100)], { timeout: "10s" });
      expect([pending.size, getRunningLoop().time()]).toEqual([0, 100]);
      await sleep("20s");
    }));

  it("finds done what ends at that very moment, if it began first", () =>
    runVirtual(async () => {
      const tasks = [napping(100), napping(150)];
      await sleep(0);
      const { done, pending } = await wait(tasks, { timeout: 100 });
      expect([places(done, tasks), places(pending, tasks), getRunningLoop().time()]).toEqual([[0], [1], 100]);
    }));

  it("finds done what ends right before", () =>
    runVirtual(async () => {
      const tasks = [napping(100), napping(100)];
      const { done } = await wait(tasks, { timeout: 100.5 });
      expect(done.size).toBe(2);
    }));

  it("of zero gives what is ready one turn", () =>
    runVirtual(async () => {
      const tasks = [createTask(() => 1), napping(10)];
      const { done, pending } = await wait(tasks, { timeout: 0 });
      expect([places(done, tasks), places(pending, tasks), getRunningLoop().time()]).toEqual([[0], [1], 0]);
    }));

  it("of null is none", () =>
    runVirtual(async () => {
      await wait([napping(5000)], { timeout: null });
      expect(getRunningLoop().time()).toBe(5000);
    }));
});

describe("wait refuses", () => {
  const refusal = (call: () => Promise<unknown>): Promise<Error> =>
    runVirtual(() =>
      call().then(
        () => expect.unreachable(),
        (error: Error) => error,
      ),
    );

  it("nothing to wait for", async () => {
    const error = await refusal(() => wait([]));
    expect(error).toBeInstanceOf(RangeError);
    expect(error.message).toMatch(/wait\(\) was given nothing to wait for/);
  });

  it("an unknown returnWhen", async () => {
    // @ts-expect-error there are three
    const error = await refusal(() => wait([napping(1)], { returnWhen: "SOMETIME" }));
    expect(error).toBeInstanceOf(RangeError);
    expect(error.message).toMatch(
      /returnWhen must be one of FIRST_COMPLETED, FIRST_EXCEPTION, ALL_COMPLETED; got 'SOMETIME'/,
    );
    expect(ALL_COMPLETED).toBe("ALL_COMPLETED");
  });

  it("a single task in place of a list", async () => {
    // @ts-expect-error a task is not iterable
    const error = await refusal(() => wait(napping(1)));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toMatch(/wait\(\) takes an iterable of futures: wait\(\[task\]\)/);
  });

  it("coroutines, functions and promises: make them tasks first", async () => {
    const work = coroutine(async () => 1);
    for (const item of [work(), async () => 1, Promise.resolve(1)]) {
      // @ts-expect-error neither is a future
      const error = await refusal(() => wait([item]));
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toMatch(/wait\(\) takes tasks and futures, got a coroutine, function or promise/);
    }
  });

  it("to work outside a loop", async () => {
    const [future] = await runVirtual(() => [getRunningLoop().createFuture()] as const);
    await expect(wait([future])).rejects.toThrow(RuntimeError);
  });
});
