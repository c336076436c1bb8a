import { CancelledError, ContextVar, createTask, Event, run, sleep, TimeoutError } from "brio";
import { runVirtual } from "brio/testing";
import { ExecutorClosedError, InlineExecutor, reference } from "brio/threads";
import { describe, expect, it } from "vitest";
import { leavesNothing } from "../left-behind.ts";
import {
  add,
  count,
  countSlowly,
  fail,
  nap,
  requestId,
  secret,
  seen,
  steps,
  uncloneable,
} from "./fixtures/jobs.ts";

leavesNothing();

async function collected<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe("InlineExecutor", () => {
  it("runs functions as tasks, and counts them", async () => {
    await runVirtual(async () => {
      const executor = new InlineExecutor();
      expect(await executor.submit(add, 1, 2)).toBe(3);
      const napping = executor.submit(nap, 10, "x");
      expect(napping.getName()).toBe("jobs#nap");
      expect(executor.statistics()).toMatchObject({ busy: 1, completed: 1 });
      expect(await napping).toBe("x");
      await expect(executor.submit(fail, "range")).rejects.toThrow(RangeError);
      const long = executor.submit(nap, 1000, "y");
      await sleep(1);
      long.cancel();
      await expect(long).rejects.toThrow(CancelledError);
      expect(executor.statistics()).toEqual({
        workers: 1,
        idle: 1,
        busy: 0,
        queued: 0,
        completed: 2,
        failed: 1,
        cancelled: 1,
        replaced: 0,
      });
    });
  });

  it("copies arguments and results, and says what can't be copied", async () => {
    const given = { list: [1] };
    const keep = reference(import.meta.url, "keep", (value: typeof given) => {
      value.list.push(2);
      return value;
    });
    await run(async () => {
      const executor = new InlineExecutor();
      expect(await executor.submit(keep, given)).toEqual({ list: [1, 2] });
      expect(given).toEqual({ list: [1] });
      await expect(executor.submit(nap, 1, () => {})).rejects.toThrow(
        "argument 2 of jobs#nap can't be copied",
      );
      await expect(executor.submit(uncloneable)).rejects.toThrow(
        "what jobs#uncloneable returned can't be copied",
      );
      expect(await new InlineExecutor({ copy: false }).submit(keep, given)).toBe(given);
    });
  });

  it("carries the context variables that are carried, and no others", async () => {
    await run(async () => {
      requestId.set("r-17");
      secret.set("s");
      expect(await new InlineExecutor().submit(seen)).toEqual(["r-17", "none"]);
    });
    expect(() => new ContextVar("requestId", { carried: true })).toThrow(
      'another context variable is carried as "requestId"',
    );
  });

  it("tells progress, in order, before the result", async () => {
    await run(async () => {
      const told: unknown[] = [];
      const executor = new InlineExecutor().with({
        onProgress: (value: { step: number }) => told.push(value.step),
      });
      told.push(await executor.submit(steps, 3));
      expect(told).toEqual([1, 2, 3, "done"]);
    });
  });

  it("cancels what takes longer than its timeout", async () => {
    await runVirtual(async () => {
      const executor = new InlineExecutor();
      await expect(executor.with({ timeout: "1s" }).submit(nap, 2000, "x")).rejects.toThrow(TimeoutError);
      expect(await executor.with({ timeout: "1s" }).with({ name: "short" }).submit(nap, 500, "x")).toBe("x");
    });
  });

  it("maps in order or as results come, and only as far ahead as is read", async () => {
    await runVirtual(async () => {
      const executor = new InlineExecutor();
      const taken: number[] = [];
      const items = function* () {
        for (const n of [30, 20, 10, 5]) {
          taken.push(n);
          yield n;
        }
      };
      const napFor = reference(import.meta.url, "napFor", (ms: number) => sleep(ms, ms));
      expect(await collected(executor.map(napFor, items()))).toEqual([30, 20, 10, 5]);
      expect(await collected(executor.map(napFor, items(), { ordered: false }))).toEqual([5, 10, 20, 30]);
      taken.length = 0;
      for await (const first of executor.map(napFor, items(), { lookAhead: 2 })) {
        expect([first, taken]).toEqual([30, [30, 20]]);
        break;
      }
      expect(executor.statistics()).toMatchObject({ busy: 0, cancelled: 0 });
    });
  });

  it("cancels what is under way when a loop over map is left, and closes the items", async () => {
    await runVirtual(async () => {
      const executor = new InlineExecutor();
      const events: string[] = [];
      const napFor = reference(import.meta.url, "napFor", async (ms: number) => {
        try {
          await sleep(ms);
        } catch (error) {
          events.push(`cancelled ${ms}`);
          throw error;
        }
      });
      async function* items() {
        try {
          for (const n of [1, 1000, 2000]) yield n;
          await new Event().wait();
        } finally {
          events.push("items closed");
        }
      }
      for await (const _ of executor.map(napFor, items())) break;
      expect(events.sort()).toEqual(["cancelled 1000", "cancelled 2000", "items closed"]);
    });
  });

  it("throws the error of a call where its result would be, and that of the items behind all results", async () => {
    await runVirtual(async () => {
      const executor = new InlineExecutor();
      const got: unknown[] = [];
      const check = reference(import.meta.url, "check", (n: number) => {
        if (n === 2) throw new RangeError("two");
        return n;
      });
      await expect(async () => {
        for await (const n of executor.map(check, [1, 2, 3])) got.push(n);
      }).rejects.toThrow("two");
      const broken = async function* () {
        yield 4;
        throw new Error("no more items");
      };
      await expect(async () => {
        for await (const n of executor.map(check, broken())) got.push(n);
      }).rejects.toThrow("no more items");
      expect(got).toEqual([1, 4]);
    });
  });

  it("streams what a generator yields, and ends it when the loop is left", async () => {
    await run(async () => {
      const executor = new InlineExecutor({ copy: false });
      expect(await collected(executor.stream(countSlowly, 3))).toEqual([1, 2, 3]);
      const shared = new Int32Array(2);
      for await (const n of executor.stream(count, 1000, shared)) if (n === 3) break;
      expect(shared[0]).toBe(1);
      expect(shared[1]).toBeLessThan(50);
      await expect(collected(executor.stream(nap as never, 1, "text"))).rejects.toThrow(
        "stream() needs a function that gives something to iterate, such as a generator function; jobs#nap gave 'text'",
      );
    });
  });

  it("waits for its calls when it is closed, and takes no more", async () => {
    await runVirtual(async () => {
      const executor = new InlineExecutor();
      const napping = executor.submit(nap, 50, "x");
      await executor.close();
      expect(napping.result()).toBe("x");
      expect(() => executor.submit(add, 1, 2)).toThrow(ExecutorClosedError);
      await executor.close();
    });
  });

  it("cancels its calls when it is disposed of in what is being cancelled", async () => {
    await runVirtual(async () => {
      const events: string[] = [];
      const task = createTask(async () => {
        await using executor = new InlineExecutor();
        const napping = executor.submit(nap, 5000, "x");
        napping.addDoneCallback(() => events.push(`call cancelled: ${napping.cancelled()}`));
        await sleep("1h");
      });
      await sleep(10);
      task.cancel();
      await expect(task).rejects.toThrow(CancelledError);
      expect(events).toEqual(["call cancelled: true"]);
    });
  });

  it("refuses options that make no sense, by name", () => {
    const executor = new InlineExecutor();
    expect(() => executor.with({ timeout: -1 })).toThrow("timeout is negative");
    expect(() => executor.with({ attempts: 0 })).toThrow("attempts must be a whole number >= 1; got 0");
    expect(() => executor.with({ transfer: "x" as never })).toThrow("transfer must be an array");
    expect(() => executor.with(5 as never)).toThrow("with() takes an object of options");
    expect(() => executor.map(add as never, 5 as never)).toThrow(
      "executor.map() takes a function and its items",
    );
    expect(() => executor.map(add as never, [], { lookAhead: 0 })).toThrow(
      "lookAhead must be a whole number",
    );
    expect(() => executor.submit(((x: number) => x) as never)).toThrow("was given a plain function");
  });
});
