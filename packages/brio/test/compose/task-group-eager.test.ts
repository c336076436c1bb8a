import { createTask, currentTask, Event, ExceptionGroup, sleep, type TaskGroup, taskGroup } from "brio";
import { describe, expect, it } from "vitest";
import { failing, failingWhenCancelled, sleeper } from "./actors.ts";
import { expectTrace, expectTraces, name, outcome, trace } from "./trace.ts";

const eager = { eager: true };

describe("eager tasks of a group", () => {
  it("run inside createTask up to their first wait", () =>
    expectTrace(
      async (note) => {
        await taskGroup((group) => {
          const one = group.createTask(() => "at once", eager);
          note(`one is done: ${one.done()}`);
          const two = group.createTask(async () => {
            note("two begins");
            await sleep(100);
            note("two ends");
          }, eager);
          note(`two is done: ${two.done()}`);
        });
        note("the group ends");
      },
      ["0 one is done: true", "0 two begins", "0 two is done: false", "100 two ends", "100 the group ends"],
    ));

  it("are joined, and keep their results", () =>
    expectTrace(
      async (note) => {
        const tasks = await taskGroup((group) => [
          group.createTask(sleeper(note, "one", 100), eager),
          group.createTask(sleeper(note, "two", 200), eager),
        ]);
        note(tasks.map((task) => task.result()).join());
      },
      ["100 one slept", "200 two slept", "200 one,two"],
    ));

  it("that fail at once let the body go on until it waits", () =>
    expectTrace(
      async (note) => {
        const ended = taskGroup(async (group) => {
          group.createTask(() => {
            throw new Error("at once");
          }, eager);
          note("the body goes on");
          group.createTask(sleeper(note, "sibling", 1000), eager);
          await sleeper(note, "body", 1000)();
        });
        note(await outcome(ended));
        note(`asked ${currentTask()?.cancelling()} times`);
      },
      [
        "0 the body goes on",
        "0 sibling: CancelledError",
        "0 body: CancelledError",
        "0 [Error(at once)]",
        "0 asked 0 times",
      ],
    ));

  it("that fail later cancel siblings and body", () =>
    expectTrace(
      async (note) => {
        const ended = taskGroup(async (group) => {
          group.createTask(failing("disk", 100), eager);
          group.createTask(sleeper(note, "sibling", 1000), eager);
          await sleeper(note, "body", 1000)();
        });
        note(await outcome(ended));
      },
      ["100 sibling: CancelledError", "100 body: CancelledError", "100 [Error(disk)]"],
    ));

  it("are cancelled with the group from outside, and their errors reported", () =>
    expectTrace(
      async (note) => {
        const runner = createTask(() =>
          taskGroup((group) => {
            group.createTask(failingWhenCancelled("eager"), eager);
            group.createTask(sleeper(note, "sibling", 1000), eager);
          }),
        );
        await sleep(100);
        runner.cancel();
        note(await outcome(runner));
      },
      ["100 sibling: CancelledError", "100 [Error(eager)]"],
    ));

  it("that have begun are cancelled when the body fails before any wait", () =>
    expectTrace(
      async (note) => {
        const ended = taskGroup((group) => {
          group.createTask(sleeper(note, "begun", 1000), eager);
          throw new Error("body");
        });
        note(await outcome(ended));
      },
      ["0 begun: CancelledError", "0 [Error(body)]"],
    ));

  it("are cancelled by a sibling that they have created and that failed at once", () =>
    expectTraces(
      async (note) => {
        const ended = taskGroup((group) => {
          group.createTask(async () => {
            group.createTask(() => {
              throw new Error("third");
            }, eager);
            for (const nap of [1, 2]) {
              await sleep(0).catch((error) => note(`second, nap ${nap}: ${name(error)}`));
            }
          }, eager);
        });
        note(await outcome(ended));
      },
      {
        once: ["0 second, nap 1: CancelledError", "0 [Error(third)]"],
        sticky: ["0 second, nap 1: CancelledError", "0 second, nap 2: CancelledError", "0 [Error(third)]"],
      },
    ));

  it("are the current task in their first step, with their name, and the body's task is again afterwards", () =>
    expectTrace(
      async (note) => {
        await taskGroup((group) => {
          const body = currentTask();
          group.createTask(async () => note(`inside: ${currentTask()?.getName()}`), {
            ...eager,
            name: "eager",
          });
          note(`the same as before: ${currentTask() === body}`);
        });
      },
      ["0 inside: eager", "0 the same as before: true"],
    ));

  it("nest: a tree of groups whose leaves never wait ends in its first turn", () =>
    expectTrace(
      async (note) => {
        let leaves = 0;
        const tree = async (depth: number): Promise<void> => {
          if (depth === 0) {
            leaves++;
            return;
          }
          await taskGroup((group: TaskGroup) => {
            for (let i = 0; i < 3; i++) group.createTask(() => tree(depth - 1), eager);
          });
        };
        await tree(4);
        note(`${leaves} leaves`);
      },
      ["0 81 leaves"],
    ));

  it("keep the error of the outer group apart from that of the inner", () =>
    trace(async () => {
      const opened = new Event();
      const error = await taskGroup(async (outer) => {
        outer.createTask(async () => {
          await opened.wait();
          throw new TypeError("outer");
        }, eager);
        await taskGroup((inner) => {
          inner.createTask(async () => {
            opened.set();
            await sleep(0);
            throw new RangeError("inner");
          }, eager);
        });
      }).catch((error: unknown) => error);
      expect(error).toBeInstanceOf(ExceptionGroup);
      expect(name(error)).toBe("[TypeError(outer), [RangeError(inner)]]");
    }));
});
