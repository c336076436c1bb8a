import { createTask, currentTask, ExceptionGroup, sleep, taskGroup, timeout, uncancellable } from "brio";
import { describe, expect, it } from "vitest";
import { failing, failingWhenCancelled, sleeper } from "./actors.ts";
import { errorOf, expectTrace, expectTraces, name, outcome, trace } from "./trace.ts";

describe("the failure of a task in a group", () => {
  it("cancels its siblings and ends the group with the error", () =>
    expectTrace(
      async (note) => {
        let sibling: { cancelled(): boolean } | undefined;
        const runner = createTask(async () => {
          await taskGroup((group) => {
            group.createTask(failing("disk", 100));
            sibling = group.createTask(sleeper(note, "sibling", 1000));
          });
          note("never");
        });
        note(await outcome(runner));
        note(`the sibling is cancelled: ${sibling?.cancelled()}`);
      },
      ["100 sibling: CancelledError", "100 [Error(disk)]", "100 the sibling is cancelled: true"],
    ));

  it("cancels the body as well, and what fails in the same turn is collected with it", () =>
    expectTrace(
      async (note) => {
        note(
          await outcome(
            taskGroup(async (group) => {
              for (const message of ["a", "b", "c"]) group.createTask(failing(message, 100));
              group.createTask(sleeper(note, "sibling", 5000));
              await sleeper(note, "body", 10_000)();
            }),
          ),
        );
      },
      ["100 sibling: CancelledError", "100 body: CancelledError", "100 [Error(a), Error(b), Error(c)]"],
    ));

  it("is collected in the order in which the tasks ended, and the siblings' later errors with it", () =>
    expectTrace(
      async (note) => {
        note(
          await outcome(
            taskGroup((group) => {
              group.createTask(failingWhenCancelled("on the way out"));
              group.createTask(failing("first", 10));
              group.createTask(async () => {
                try {
                  await sleep(1000);
                } finally {
                  await uncancellable(failing("clean-up", 20));
                }
              });
            }),
          ),
        );
      },
      ["30 [Error(first), Error(on the way out), Error(clean-up)]"],
    ));

  it("that sits alone still comes in a group", () =>
    expectTrace(
      async (note) => {
        const error = await errorOf(
          taskGroup((group) => {
            group.createTask(failing("alone", 1));
          }),
        );
        expect(error).toBeInstanceOf(ExceptionGroup);
        note((error as ExceptionGroup).title); // asserted above
      },
      ["1 unhandled errors in a TaskGroup"],
    ));

  it("waits for a sibling that goes on in spite of its cancellation, and that is cancelled once", () =>
    expectTraces(
      async (note) => {
        note(
          await outcome(
            taskGroup((group) => {
              group.createTask(failing("first", 10));
              group.createTask(async () => {
                const me = currentTask();
                for (let i = 1; i <= 2; i++) {
                  try {
                    await sleep(100);
                    note(`nap ${i}`);
                  } catch (error) {
                    note(`nap ${i}: ${name(error)}, asked ${me?.cancelling()} time`);
                  }
                }
              });
              group.createTask(failingWhenCancelled("second"));
            }),
          ),
        );
      },
      {
        once: ["10 nap 1: CancelledError, asked 1 time", "110 nap 2", "110 [Error(first), Error(second)]"],
        sticky: [
          "10 nap 1: CancelledError, asked 1 time",
          "10 nap 2: CancelledError, asked 1 time",
          "10 [Error(first), Error(second)]",
        ],
      },
    ));

  it("cancels its siblings once, also when the body waits and ends with that cancellation", () =>
    expectTrace(
      async (note) => {
        note(
          await outcome(
            taskGroup(async (group) => {
              group.createTask(failing("first", 10));
              group.createTask(async () => {
                const me = currentTask();
                await outcome(sleep(1000));
                await uncancellable(() => sleep(100));
                note(`asked ${me?.cancelling()} time`);
              });
              await sleep(1000);
            }),
          ),
        );
      },
      ["110 asked 1 time", "110 [Error(first)]"],
    ));

  it("that the body awaits shows there as a cancellation, for the group has cancelled the body", () =>
    expectTrace(
      async (note) => {
        note(
          await outcome(
            taskGroup(async (group) => {
              const task = group.createTask(failing("disk", 10));
              try {
                await task;
              } catch (error) {
                note(`the body sees ${name(error)}`);
                throw error;
              }
            }),
          ),
        );
      },
      ["10 the body sees CancelledError", "10 [Error(disk)]"],
    ));

  it("refuses further tasks, and says that the group shuts down", () =>
    expectTrace(
      async (note) => {
        note(
          await outcome(
            taskGroup((group) => {
              group.createTask(failing("disk", 1));
              group.createTask(async () => {
                try {
                  await sleep(1000);
                } catch {
                  expect(() => group.createTask(failing("late", 1))).toThrow(/shutting down/);
                  note("refused");
                }
              });
            }),
          ),
        );
      },
      ["1 refused", "1 [Error(disk)]"],
    ));

  it("reaches a task that was created in the same turn", () =>
    expectTraces(
      async (note) => {
        note(
          await outcome(
            taskGroup((group) => {
              group.createTask(async () => {
                group.createTask(async () => {
                  throw new Error("third");
                });
                for (const nap of [1, 2, 3]) {
                  await sleep(0).catch((error) => note(`second, nap ${nap}: ${name(error)}`));
                }
              });
            }),
          ),
        );
      },
      {
        once: ["0 second, nap 2: CancelledError", "0 [Error(third)]"],
        sticky: ["0 second, nap 2: CancelledError", "0 second, nap 3: CancelledError", "0 [Error(third)]"],
      },
    ));

  it("stops a group whose tasks breed", () =>
    expectTrace(
      async (note) => {
        let heads = 0;
        note(
          await outcome(
            taskGroup((group) => {
              const hydra = async (): Promise<void> => {
                heads++;
                await sleep(10);
                group.createTask(hydra);
                group.createTask(hydra);
              };
              group.createTask(hydra);
              group.createTask(async () => {
                while (heads < 10) await sleep(15);
                throw new Error(`enough at ${heads}`);
              });
            }),
          ),
        );
        note(`${heads} heads`);
      },
      ["45 [Error(enough at 31)]", "45 31 heads"],
    ));

  it("is counted as a cancellation while the body unwinds, and not afterwards", () =>
    expectTrace(
      async (note) => {
        const me = currentTask();
        note(
          await outcome(
            taskGroup(async (group) => {
              group.createTask(failing("disk", 0));
              try {
                await sleep(100);
              } finally {
                note(`in the body: ${me?.cancelling()}`);
              }
            }),
          ),
        );
        note(`after it: ${me?.cancelling()}`);
        await sleep(0);
        note("the task goes on");
      },
      ["0 in the body: 1", "0 [Error(disk)]", "0 after it: 0", "0 the task goes on"],
    ));

  it("whose cancellation the body takes back takes one back further out, as asyncio counts", () =>
    expectTrace(
      async (note) => {
        const me = currentTask();
        await timeout(10, async () => {
          const ended = taskGroup(async (group) => {
            group.createTask(failing("disk", 10));
            await outcome(sleep(1000));
            await uncancellable(() => sleep(5));
            note(`asked ${me?.cancelling()} times`);
            note(`${me?.uncancel()} left`);
          });
          note(await outcome(ended));
          note(`asked ${me?.cancelling()} times`);
          await sleep(10);
        });
        note("the task goes on");
      },
      ["15 asked 2 times", "15 1 left", "15 [Error(disk)]", "15 asked 0 times", "25 the task goes on"],
    ));

  it("leaves no cancellation behind when the body has ended before", () =>
    expectTrace(
      async (note) => {
        note(
          await outcome(
            taskGroup((group) => {
              group.createTask(async () => {
                throw new Error("disk");
              });
            }),
          ),
        );
        note(`asked ${currentTask()?.cancelling()} times`);
        await sleep(10);
        note("the task goes on");
      },
      ["0 [Error(disk)]", "0 asked 0 times", "10 the task goes on"],
    ));

  it("keeps a thrown value that is not an Error, even undefined", () =>
    trace(async () => {
      const error = await errorOf(
        taskGroup((group) => {
          group.createTask(() => Promise.reject(undefined));
          group.createTask(() => Promise.reject("a string"));
        }),
      );
      expect((error as ExceptionGroup).exceptions).toEqual([undefined, "a string"]); // fails if it is none
    }));

  it("is thrown as the very object that the task threw", () =>
    trace(async () => {
      const thrown = new TypeError("bad input");
      const error = await errorOf(
        taskGroup((group) => {
          group.createTask(() => Promise.reject(thrown));
        }),
      );
      expect((error as ExceptionGroup).exceptions[0]).toBe(thrown); // fails if it is none
    }));
});
