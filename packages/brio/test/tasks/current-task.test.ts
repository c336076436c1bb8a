import { allTasks, createTask, currentTask, getRunningLoop, RuntimeError, run, sleep, type Task } from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";
import { outside } from "./outside.ts";

describe("currentTask", () => {
  it("is the task whose code runs", () =>
    runVirtual(async () => {
      const task: Task<unknown> = createTask(async () => {
        const before = currentTask();
        await sleep("1s");
        return [before, currentTask()];
      });
      expect(await task).toEqual([task, task]);
    }));

  it("is the right one in tasks that take turns", () =>
    runVirtual(async () => {
      const names: string[] = [];
      const body = async (): Promise<void> => {
        for (let turn = 0; turn < 2; turn++) {
          names.push(currentTask()?.getName() ?? "none");
          await sleep(0);
        }
      };
      await Promise.all([createTask(body, { name: "a" }), createTask(body, { name: "b" })]);
      expect(names).toEqual(["a", "b", "a", "b"]);
      expect(currentTask()?.getName()).toBe("main");
    }));

  it("is null outside of any loop", () => {
    expect(currentTask()).toBeNull();
  });

  it("is null in a callback of the loop", () =>
    runVirtual(async () => {
      const seen: unknown[] = [];
      const loop = getRunningLoop();
      loop.callSoon(() => seen.push(currentTask()));
      loop.callLater(5, () => seen.push(currentTask()));
      await sleep(10);
      expect(seen).toEqual([null, null]);
    }));

  it("is null in a listener that was registered outside, though a task's code calls it", () =>
    runVirtual(() => {
      expect(outside(() => currentTask())).toBeNull();
    }));

  it("is the eager task while that runs inside another's step, and then the other again", () =>
    runVirtual(async () => {
      const names: unknown[] = [currentTask()?.getName()];
      const eager = createTask(
        async () => {
          names.push(currentTask()?.getName());
          await sleep(0);
          names.push(currentTask()?.getName());
        },
        { name: "eager", eager: true },
      );
      names.push(currentTask()?.getName());
      await eager;
      expect(names).toEqual(["main", "eager", "main", "eager"]);
    }));
});

describe("allTasks", () => {
  it("holds the unfinished tasks, in the order of creation", () =>
    runVirtual(async () => {
      const names = (): string[] => [...allTasks()].map((task) => task.getName());
      const slow = createTask(() => sleep("2s"), { name: "slow" });
      const quick = createTask(() => sleep("1s"), { name: "quick" });
      expect(names()).toEqual(["main", "slow", "quick"]);
      await quick;
      expect(names()).toEqual(["main", "slow"]);
      await slow;
      expect(names()).toEqual(["main"]);
    }));

  it("holds a task that was asked to end, until it has ended", () =>
    runVirtual(async () => {
      const task = createTask(() => sleep("1h"), { name: "leaving" });
      await sleep(0);
      task.cancel();
      expect(allTasks().size).toBe(2);
      await sleep(0);
      expect(allTasks().size).toBe(1);
    }));

  it("holds an eager task only if it had to wait", () =>
    runVirtual(async () => {
      createTask(() => 1, { eager: true, name: "at once" });
      createTask(() => sleep("1s"), { eager: true, name: "waiting" });
      expect([...allTasks()].map((task) => task.getName())).toEqual(["main", "waiting"]);
    }));

  it("is a set of its own for each call", () =>
    runVirtual(() => {
      allTasks().clear();
      expect(allTasks().size).toBe(1);
    }));

  it("needs a running loop, or a loop", async () => {
    expect(() => allTasks()).toThrow(RuntimeError);
    expect(() => allTasks()).toThrow(/allTasks\(\) needs a running event loop, or takes one/);
    const loop = await runVirtual(() => getRunningLoop());
    expect(allTasks(loop).size).toBe(0);
  });

  it("keeps the tasks of two loops apart", async () => {
    const names = (): string[] => [...allTasks()].map((task) => task.getName());
    const main = (name: string) => async (): Promise<string[]> => {
      createTask(() => sleep(20), { name });
      await sleep(1);
      return names();
    };
    const [first, second] = await Promise.all([run(main("a"), { name: "A" }), run(main("b"), { name: "B" })]);
    expect([first, second]).toEqual([
      ["A", "a"],
      ["B", "b"],
    ]);
  });
});

describe("getRunningLoop", () => {
  it("is the same loop in tasks and callbacks", () =>
    runVirtual(async () => {
      const loop = getRunningLoop();
      const seen: boolean[] = [];
      loop.callSoon(() => seen.push(getRunningLoop() === loop));
      await createTask(() => seen.push(getRunningLoop() === loop));
      expect(seen).toEqual([true, true]);
    }));

  it("throws outside of one, and says what to do", () => {
    expect(() => getRunningLoop()).toThrow(RuntimeError);
    expect(() => getRunningLoop()).toThrow(/call getRunningLoop\(\) inside run\(async \(\) =>/);
  });

  it("throws in a listener that was registered outside", () =>
    runVirtual(() => {
      expect(() => outside(() => getRunningLoop())).toThrow(RuntimeError);
    }));
});
