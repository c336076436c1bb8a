import { createTask, currentTask, sleep, TaskGroup, taskGroup, timeout, timeoutAt } from "brio";
import { describe, expect, it } from "vitest";
import { errorOf, trace } from "./trace.ts";

/** Vitest runs with --expose-gc. */
const collect = (globalThis as unknown as { gc: () => void }).gc; // not in Node's types

/** Is what `make` refers to collected, although the loop runs on and whatever `make` has kept in `held` is alive? */
async function isCollected(make: (held: unknown[]) => Promise<WeakRef<object>>): Promise<boolean> {
  const held: unknown[] = [];
  const ref = await make(held);
  // A WeakRef keeps its object for the rest of the turn it was made in, and a dead timer may lie in the heap until its time.
  // A first collection may leave what a second one finds.
  for (let round = 0; round < 3 && ref.deref() !== undefined; round++) {
    await sleep(60_000);
    collect();
  }
  expect(held).toBeDefined(); // and so alive until here
  return ref.deref() === undefined;
}

async function failure(run: PromiseLike<unknown>): Promise<WeakRef<object>> {
  return new WeakRef((await errorOf(run)) as object);
}

describe("what has ended is not kept alive", () => {
  it("the ExceptionGroup, by the group that threw it", () =>
    trace(async () => {
      const collected = await isCollected((held) => {
        const group = new TaskGroup();
        held.push(group);
        return failure(
          group.run(() => {
            throw new Error("body");
          }),
        );
      });
      expect(collected).toBe(true);
    }));

  it("an error, by the group that it was thrown in", () =>
    trace(async () => {
      const collected = await isCollected(async (held) => {
        const group = new TaskGroup();
        held.push(group);
        const error = new Error("task");
        const ref = new WeakRef(error);
        await errorOf(
          group.run(() => {
            group.createTask(() => Promise.reject(error));
          }),
        );
        return ref;
      });
      expect(collected).toBe(true);
    }));

  it("a task, by the group that it ran in", () =>
    trace(async () => {
      const collected = await isCollected(async (held) => {
        const group = new TaskGroup();
        held.push(group);
        return group.run((g) => new WeakRef(g.createTask(() => sleep(1))));
      });
      expect(collected).toBe(true);
    }));

  it("a failed task, by the group and by the loop that would report its error", () =>
    trace(async () => {
      const collected = await isCollected(async (held) => {
        const group = new TaskGroup();
        held.push(group);
        let ref: WeakRef<object> | undefined;
        await errorOf(
          group.run(() => {
            ref = new WeakRef(group.createTask(() => Promise.reject(new Error("task"))));
          }),
        );
        return ref as WeakRef<object>; // set by the body
      });
      expect(collected).toBe(true);
    }));

  it("an eager task and its error, by the group that it ran in", () =>
    trace(async () => {
      const refs: WeakRef<object>[] = [];
      const collected = await isCollected(async (held) => {
        const group = new TaskGroup();
        held.push(group);
        const error = new Error("task");
        refs.push(new WeakRef(error));
        await errorOf(
          group.run(() => {
            refs.push(new WeakRef(group.createTask(() => Promise.reject(error), { eager: true })));
          }),
        );
        return refs[0] as WeakRef<object>; // the error
      });
      expect([collected, refs[1]?.deref()]).toEqual([true, undefined]);
    }));

  it("the cancellation that became a TimeoutError, by the task that it went through", () =>
    trace(async () => {
      const collected = await isCollected(async (held) => {
        const group = new TaskGroup();
        held.push(group, currentTask());
        const error = (await errorOf(timeoutAt(-1, () => group.run(() => sleep(10))))) as Error; // a TimeoutError
        return new WeakRef(error.cause as object); // of which a cancellation is the cause
      });
      expect(collected).toBe(true);
    }));

  it("a task, by its loop while others run on", () =>
    trace(async () => {
      const collected = await isCollected(async () => {
        const task = createTask(() => sleep(1));
        await task;
        return new WeakRef(task);
      });
      expect(collected).toBe(true);
    }));

  it("a timeout's body, by a deadline that is far away", () =>
    trace(async () => {
      const collected = await isCollected(async () => {
        const big = { big: true };
        await timeout("1h", async () => {
          await sleep(1);
          return big;
        });
        return new WeakRef(big);
      });
      expect(collected).toBe(true);
    }));

  it("a group's children, by the task that ran it", () =>
    trace(async () => {
      const collected = await isCollected(async () => {
        let ref: WeakRef<object> | undefined;
        await taskGroup(async (group) => {
          ref = new WeakRef(group.createTask(() => sleep(1)));
          await sleep(2);
        });
        return ref as WeakRef<object>; // set by the body
      });
      expect(collected).toBe(true);
    }));
});
