import {
  ContextVar,
  copyContext,
  createTask,
  currentTask,
  Event,
  sleep,
  type TaskGroup,
  taskGroup,
} from "brio";
import { describe, it } from "vitest";
import { sleeper } from "./actors.ts";
import { expectTrace } from "./trace.ts";

describe("a task group", () => {
  it("ends when its body and all its tasks have ended, and keeps their results", () =>
    expectTrace(
      async (note) => {
        const tasks = await taskGroup((group) => [
          group.createTask(() => sleep(100, "one")),
          group.createTask(() => sleep(200, "two")),
        ]);
        note(tasks.map((task) => task.result()).join());
      },
      ["200 one,two"],
    ));

  it("takes tasks for as long as its body runs", () =>
    expectTrace(
      async (note) => {
        await taskGroup(async (group) => {
          group.createTask(sleeper(note, "early", 100));
          await sleep(150);
          group.createTask(sleeper(note, "late", 200));
          note("the body ends");
        });
        note("the group ends");
      },
      ["100 early slept", "150 the body ends", "350 late slept", "350 the group ends"],
    ));

  it("goes on when one of its tasks is cancelled by itself", () =>
    expectTrace(
      async (note) => {
        await taskGroup(async (group) => {
          const one = group.createTask(sleeper(note, "one", 1000));
          await sleep(150);
          one.cancel("not needed");
          group.createTask(sleeper(note, "two", 200));
          await sleep(300);
          note(`one is cancelled: ${one.cancelled()}`);
        });
        note("the group ends");
      },
      [
        "150 one: CancelledError(not needed)",
        "350 two slept",
        "450 one is cancelled: true",
        "450 the group ends",
      ],
    ));

  it("does not mind a task that throws CancelledError without having been asked", () =>
    expectTrace(
      async (note) => {
        const [quitter] = await taskGroup((group) => {
          const quitter = group.createTask(async () => {
            const other = createTask(() => sleep(1000));
            other.cancel();
            await other;
          });
          group.createTask(sleeper(note, "sibling", 100));
          return [quitter];
        });
        note(`the quitter is cancelled: ${quitter?.cancelled()}`);
      },
      ["100 sibling slept", "100 the quitter is cancelled: true"],
    ));

  it("lets its tasks start further ones after the body has ended", () =>
    expectTrace(
      async (note) => {
        await taskGroup((group) => {
          group.createTask(async () => {
            await sleep(100);
            group.createTask(sleeper(note, "grandchild 1", 100));
            group.createTask(sleeper(note, "grandchild 2", 200));
          });
        });
        note("the group ends");
      },
      ["200 grandchild 1 slept", "300 grandchild 2 slept", "300 the group ends"],
    ));

  it("lets go of each task as it ends", () =>
    expectTrace(
      async (note) => {
        await taskGroup(async (group) => {
          for (let i = 1; i <= 10; i++) {
            group.createTask(() => sleep(30));
            await sleep(10);
            if (i === 2 || i === 10) note(`${group.tasks.size} of ${i}`);
          }
          await sleep(21);
          note(`${group.tasks.size} in the end`);
        });
      },
      ["20 2 of 2", "100 3 of 10", "121 0 in the end"],
    ));

  it("resolves with what its body returned, once the last task has ended", () =>
    expectTrace(
      async (note) => {
        const value = taskGroup(async (group) => {
          group.createTask(sleeper(note, "task", 100));
          return "the value";
        });
        note(await value);
      },
      ["100 task slept", "100 the value"],
    ));

  it("takes a body that is not asynchronous", () =>
    expectTrace(
      async (note) => {
        note(String(await taskGroup((group) => group.tasks.size)));
      },
      ["0 0"],
    ));

  it("that has no tasks lets nothing else run", () =>
    expectTrace(
      async (note) => {
        createTask(async () => note("another task"));
        await taskGroup(async () => note("the body"));
        note("the group ends");
        await sleep(0);
      },
      ["0 the body", "0 the group ends", "0 another task"],
    ));

  it("whose tasks have all ended before its body lets nothing else run", () =>
    expectTrace(
      async (note) => {
        await taskGroup(async (group) => {
          group.createTask(() => sleep(10));
          await sleep(20);
          createTask(async () => note("another task"));
        });
        note("the group ends");
        await sleep(0);
      },
      ["20 the group ends", "20 another task"],
    ));

  it("starts its tasks on the next turn, in the order of their creation", () =>
    expectTrace(
      async (note) => {
        await taskGroup(async (group) => {
          for (const who of ["a", "b", "c"]) group.createTask(async () => note(who));
          note("body");
        });
      },
      ["0 body", "0 a", "0 b", "0 c"],
    ));

  it("gives a task the name it is asked for, from its first step on", () =>
    expectTrace(
      async (note) => {
        await taskGroup((group) => {
          const task = group.createTask(async () => note(`inside: ${currentTask()?.getName()}`), {
            name: "yolo",
          });
          note(`outside: ${task.getName()}`);
        });
      },
      ["0 outside: yolo", "0 inside: yolo"],
    ));

  it("runs a task in the context that it is given, which is shared and not copied", () =>
    expectTrace(
      async (note) => {
        const variable = new ContextVar<number>("variable");
        await taskGroup(async (group) => {
          const context = copyContext();
          note(`before: ${context.get(variable)}`);
          for (const value of [1, 2]) {
            await group.createTask(
              async () => {
                await sleep(0);
                variable.set(value);
              },
              { context },
            );
            note(`after task ${value}: ${context.get(variable)}`);
          }
          note(`in the body: ${variable.get(0)}`);
        });
      },
      ["0 before: undefined", "0 after task 1: 1", "0 after task 2: 2", "0 in the body: 0"],
    ));

  it("runs its body in the caller's task and context", () =>
    expectTrace(
      async (note) => {
        const variable = new ContextVar("variable", { default: "unset" });
        const caller = currentTask();
        await taskGroup(async () => {
          note(`the same task: ${currentTask() === caller}`);
          variable.set("set by the body");
        });
        note(variable.get());
      },
      ["0 the same task: true", "0 set by the body"],
    ));

  it("can be handed to others: a task outside of it may add to it", () =>
    expectTrace(
      async (note) => {
        const opened = new Event();
        let shared: TaskGroup | undefined;
        const stranger = createTask(async () => {
          await opened.wait();
          shared?.createTask(sleeper(note, "added", 100));
        });
        await taskGroup(async (group) => {
          shared = group;
          opened.set();
          await sleep(10);
        });
        note("the group ends");
        await stranger;
      },
      ["100 added slept", "100 the group ends"],
    ));
});
