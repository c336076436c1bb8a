import {
  allTasks,
  ContextVar,
  coroutine,
  createTask,
  currentTask,
  gather,
  sleep,
  type Task,
  taskGroup,
} from "brio";
import { describe, it } from "vitest";
import { sleeper } from "./actors.ts";
import { expectTrace, outcome } from "./trace.ts";

const eager = { eager: true };

describe("an eager task", () => {
  it("that ends in its first step is done when createTask returns", () =>
    expectTrace(
      async (note) => {
        const task = createTask(() => "hello", eager);
        note(`done: ${task.done()}, ${await task}`);
      },
      ["0 done: true, hello"],
    ));

  it("whose function is async has run then, and is done before anything else runs", () =>
    expectTrace(async (note, loop) => {
      loop.callSoon(() => note("a callback"));
      const greet = coroutine(async () => {
        note("inside");
        return "hello";
      });
      const task = createTask(greet(), eager);
      note(`done: ${task.done()}`);
      note(await task);
      note(`done: ${task.done()}`);
      await sleep(0);
    }, ["0 inside", "0 done: false", "0 hello", "0 done: true", "0 a callback"].slice(0)));

  it("can set a future that its creator awaits next", () =>
    expectTrace(
      async (note, loop) => {
        const future = loop.createFuture<string>();
        createTask(async () => future.setResult("my message"), eager);
        note(`done: ${future.done()}`);
        note(await future);
      },
      ["0 done: true", "0 my message"],
    ));

  it("that waits goes on later", () =>
    expectTrace(
      async (note) => {
        const task = createTask(sleeper(note, "task", 100), eager);
        note(`done: ${task.done()}`);
        note(`${await task}, done: ${task.done()}`);
      },
      ["0 done: false", "100 task slept", "100 task, done: true"],
    ));

  it("that has ended can't be cancelled", () =>
    expectTrace(
      async (note) => {
        const task = createTask(() => "a result", eager);
        note(`cancel: ${task.cancel()}, cancelled: ${task.cancelled()}, ${await task}`);
      },
      ["0 cancel: false, cancelled: false, a result"],
    ));

  it("that waits is cancelled in that wait, with the reason", () =>
    expectTrace(
      async (note) => {
        const task = createTask(sleeper(note, "task", 100), eager);
        task.cancel("cancellation message");
        note(`asked ${task.cancelling()} time`);
        note(await outcome(task));
      },
      [
        "0 asked 1 time",
        "0 task: CancelledError(cancellation message)",
        "0 CancelledError(cancellation message)",
      ],
    ));

  it("is the current task in its first step and in later ones, and the creator is in between", () =>
    expectTrace(
      async (note) => {
        const creator = currentTask();
        const seen: unknown[] = [];
        const task: Task<void> = createTask(async () => {
          seen.push(currentTask());
          await sleep(100);
          seen.push(currentTask());
        }, eager);
        note(`${seen[0] === task}, ${currentTask() === creator}`);
        await task;
        note(`${seen[1] === task}, ${currentTask() === creator}`);
      },
      ["0 true, true", "100 true, true"],
    ));

  it("is among all tasks in its first step, and no longer when it has ended", () =>
    expectTrace(
      async (note) => {
        let during: Set<Task<unknown>> | undefined;
        const task = createTask(() => {
          during = allTasks();
        }, eager);
        note(`during: ${during?.has(task)}, after: ${allTasks().has(task)}`);
      },
      ["0 during: true, after: false"],
    ));

  it("is among all tasks while it waits", () =>
    expectTrace(
      async (note, loop) => {
        const go = loop.createFuture<void>();
        const gone = loop.createFuture<void>();
        let during: Set<Task<unknown>> | undefined;
        const task = createTask(async () => {
          during = allTasks();
          await go;
          gone.setResult();
        }, eager);
        note(`during: ${during?.has(task)}, after its first step: ${allTasks().has(task)}`);
        go.setResult();
        await gone;
        note(`after: ${allTasks().has(task)}`);
      },
      ["0 during: true, after its first step: true", "0 after: false"],
    ));

  it("has a copy of its creator's context variables, in all its steps", () =>
    expectTrace(
      async (note) => {
        const variable = new ContextVar("variable", { default: 0 });
        variable.set(1);
        const task = createTask(async () => {
          note(`first step: ${variable.get()}`);
          variable.set(2);
          await sleep(100);
          note(`second step: ${variable.get()}`);
          variable.set(3);
        }, eager);
        note(`creator: ${variable.get()}`);
        await task;
        note(`creator: ${variable.get()}`);
      },
      ["0 first step: 1", "0 creator: 1", "100 second step: 2", "100 creator: 1"],
    ));

  it("has its name in its first step", () =>
    expectTrace(
      async (note) => {
        const task = createTask(() => note(currentTask()?.getName() ?? "none"), {
          ...eager,
          name: "example",
        });
        note(`done: ${task.done()}`);
      },
      ["0 example", "0 done: true"],
    ));

  it("is what was asked for: with eager: false the task begins on the next turn", () =>
    expectTrace(
      async (note) => {
        const begin = async (): Promise<void> => note(currentTask()?.getName() ?? "none");
        const task = createTask(begin, { eager: false, name: "example" });
        note(`done: ${task.done()}`);
        await task;
      },
      ["0 done: false", "0 example"],
    ));
});

describe("the number of tasks that a program needs", () => {
  it("is one for coroutines that await each other, however deep", () =>
    expectTrace(
      async (note) => {
        const chain = coroutine(async (depth: number): Promise<number> => {
          if (depth === 0) return allTasks().size;
          return await chain(depth - 1);
        });
        note(`${await chain(100)} task`);
      },
      ["0 1 task"],
    ));

  it("is one per node for a tree of groups", () =>
    expectTrace(
      async (note) => {
        let tasks = 1;
        const tree = async (depth: number): Promise<void> => {
          if (depth === 0) return;
          await taskGroup((group) => {
            for (let i = 0; i < 5; i++) {
              tasks++;
              group.createTask(() => tree(depth - 1));
            }
          });
        };
        await tree(4);
        note(`${tasks} tasks, ${allTasks().size} left`);
      },
      ["0 781 tasks, 1 left"],
    ));

  it("is one per node for a tree of gathers, which gives all their values", () =>
    expectTrace(
      async (note) => {
        const tree = coroutine(async (depth: number): Promise<number> => {
          if (depth === 0) return 1;
          const below = await gather(Array.from({ length: 5 }, () => tree(depth - 1)));
          return below.reduce((sum, each) => sum + each, 1);
        });
        note(`${await tree(4)} nodes, ${allTasks().size} task left`);
      },
      ["0 781 nodes, 1 task left"],
    ));

  it("that have to wait is none for an eager tree of functions that need not: it has ended when createTask returns", () =>
    expectTrace(
      async (note) => {
        const tree = (depth: number): number => {
          let nodes = 1;
          if (depth > 0)
            for (let i = 0; i < 5; i++) nodes += createTask(() => tree(depth - 1), eager).result();
          return nodes;
        };
        note(`${createTask(() => tree(4), eager).result()} nodes, ${allTasks().size} task left`);
      },
      ["0 781 nodes, 1 task left"],
    ));
});
