import { CancelledError, createTask, gather, sleep, sleepForever, type Task, timeout } from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

describe("cancelling tasks that await each other", () => {
  it("unwinds a circle of two tasks", async () => {
    const events: string[] = [];
    await runVirtual(async () => {
      const tasks: Record<string, Task<void>> = {};
      const awaiting = (own: string, other: string) =>
        createTask(
          async () => {
            try {
              await tasks[other];
            } finally {
              events.push(`${own} ends`);
            }
          },
          { name: own },
        );
      tasks.a = awaiting("a", "b");
      tasks.b = awaiting("b", "a");
      await sleep(1);
      tasks.a.cancel();
      await gather([tasks.a, tasks.b], { returnExceptions: true });
      expect([tasks.a.cancelled(), tasks.b.cancelled()]).toEqual([true, true]);
    });
    expect(events).toEqual(["b ends", "a ends"]);
  });

  it("unwinds a circle that goes through gather and timeouts", async () => {
    await runVirtual(async () => {
      const tasks: Task<unknown>[] = [];
      for (let i = 0; i < 3; i++) {
        tasks.push(
          createTask(() =>
            timeout(
              "1h",
              async () => await gather(tasks[(i + 1) % 3] as Task<unknown>, () => sleepForever()),
            ),
          ),
        );
      }
      await sleep(1);
      tasks[1]?.cancel();
      const ends = await gather([...tasks], { returnExceptions: true });
      expect(ends.every((end) => end instanceof CancelledError)).toBe(true);
    });
  });

  it("follows a chain that is longer than the stack is deep, down to its end", async () => {
    await runVirtual(async () => {
      let last: Task<unknown> = createTask(() => sleepForever());
      const chain = [last];
      for (let i = 0; i < 50_000; i++) {
        const before = last;
        last = createTask(async () => await before);
        chain.push(last);
      }
      await sleep(1);
      last.cancel();
      await last.catch(() => {});
      expect(chain.every((task) => task.cancelled())).toBe(true);
      expect(chain.every((task) => task.cancelling() === 1)).toBe(true);
    });
  });

  it("unwinds a circle that is longer than the stack is deep", async () => {
    await runVirtual(async () => {
      const size = 5_000;
      const tasks: Task<unknown>[] = [];
      for (let i = 0; i < size; i++) tasks.push(createTask(async () => await tasks[(i + 1) % size]));
      await sleep(1);
      tasks[0]?.cancel();
      await sleep(1);
      expect(tasks.every((task) => task.cancelled())).toBe(true);
    });
  });
});
