import { createTask, getRunningLoop, interruptible, Lock, Queue, sleep } from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

// A task that was resumed runs until it really waits or ends; no other task runs in between.

describe("a step is atomic", () => {
  it("across any number of settled promises, of two tasks that were resumed together", () =>
    runVirtual(async () => {
      const log: string[] = [];
      const work = async (name: string): Promise<void> => {
        await sleep(10);
        for (let i = 1; i <= 3; i++) {
          log.push(`${name}${i}`);
          await null;
        }
      };
      await Promise.all([createTask(() => work("a")), createTask(() => work("b"))]);
      expect(log).toEqual(["a1", "a2", "a3", "b1", "b2", "b3"]);
    }));

  it("across waits that find what they want: a free lock, a queue with items, a future that is done", () =>
    runVirtual(async () => {
      const log: string[] = [];
      const lock = new Lock();
      const queue = new Queue<number>();
      const done = getRunningLoop().createFuture<void>();
      done.setResult();
      const work = async (name: string): Promise<void> => {
        log.push(`${name} begins`);
        await lock.acquire();
        await queue.put(1);
        await queue.get();
        await done;
        lock.release();
        log.push(`${name} ends`);
      };
      await Promise.all([createTask(() => work("a")), createTask(() => work("b"))]);
      expect(log).toEqual(["a begins", "a ends", "b begins", "b ends"]);
    }));

  it("across functions that await functions", () =>
    runVirtual(async () => {
      const log: string[] = [];
      const down = async (depth: number): Promise<number> => (depth === 0 ? 0 : 1 + (await down(depth - 1)));
      const work = async (name: string): Promise<void> => {
        log.push(`${name} begins`);
        log.push(`${name} came back from ${await down(20)}`);
      };
      await Promise.all([createTask(() => work("a")), createTask(() => work("b"))]);
      expect(log).toEqual(["a begins", "a came back from 20", "b begins", "b came back from 20"]);
    }));

  it("up to a foreign promise that is not settled: then the others go on", () =>
    runVirtual(async () => {
      const log: string[] = [];
      createTask(async () => {
        log.push("a goes into a foreign promise");
        await new Promise((resolve) => setImmediate(resolve));
        log.push("a comes back");
      });
      createTask(async () => {
        log.push("b runs meanwhile");
      });
      await interruptible(new Promise((resolve) => setImmediate(() => setImmediate(resolve))));
      expect(log).toEqual(["a goes into a foreign promise", "b runs meanwhile", "a comes back"]);
    }));
});

describe("a turn of the loop", () => {
  it("runs what was ready at its beginning; what becomes ready meanwhile waits for the next", () =>
    runVirtual(async () => {
      const log: string[] = [];
      const turns = async (name: string): Promise<void> => {
        for (let i = 1; i <= 3; i++) {
          log.push(`${name}${i}`);
          await sleep(0);
        }
      };
      createTask(() => turns("a"));
      createTask(() => turns("b"));
      await sleep(0);
      createTask(() => turns("late"));
      for (let i = 0; i < 5; i++) await sleep(0);
      expect(log).toEqual(["a1", "b1", "a2", "b2", "late1", "a3", "b3", "late2", "late3"]);
    }));

  it("wakes a task a turn after what it waits for has happened, and two turns after a timer", () =>
    runVirtual(async () => {
      const log: string[] = [];
      const loop = getRunningLoop();
      const future = loop.createFuture<void>();
      createTask(async () => {
        await future;
        log.push("future's task");
      });
      createTask(async () => {
        await sleep(5);
        log.push("sleeper");
      });
      loop.callAt(5, () => {
        log.push("timer");
        future.setResult();
        loop.callSoon(() => log.push("callback"));
      });
      await sleep(10);
      expect(log).toEqual(["timer", "future's task", "callback", "sleeper"]);
    }));

  it("is the same in every run of the same program", async () => {
    const program = async (): Promise<string[]> => {
      const log: string[] = [];
      const queue = new Queue<number>(2);
      const lock = new Lock();
      const producers = [1, 2, 3].map((id) =>
        createTask(async () => {
          for (let i = 0; i < 5; i++) {
            await queue.put(10 * id + i);
            log.push(`put ${10 * id + i} at ${getRunningLoop().time()}`);
            if (i % 2 === 0) await sleep(id);
          }
        }),
      );
      const consumers = ["x", "y"].map((name) =>
        createTask(async () => {
          for await (const item of queue) {
            await lock.with(() => sleep(1));
            log.push(`${name} got ${item} at ${getRunningLoop().time()}`);
          }
        }),
      );
      await Promise.all(producers);
      queue.shutdown();
      await Promise.all(consumers);
      return log;
    };
    const first = await runVirtual(program);
    expect(first).toHaveLength(30);
    expect(await runVirtual(program)).toEqual(first);
  });
});
