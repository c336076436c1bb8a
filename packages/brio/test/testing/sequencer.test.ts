import { CancelledError, createTask, DeadlockError, gather, RuntimeError, sleep, taskGroup } from "brio";
import { runVirtual, Sequencer, waitAllTasksBlocked } from "brio/testing";
import { describe, expect, it } from "vitest";

describe("Sequencer", () => {
  it("runs steps in the order of their numbers, whichever task comes first", async () => {
    await runVirtual(async () => {
      const sequencer = new Sequencer();
      const events: number[] = [];
      const step = (n: number) => sequencer.step(n, () => void events.push(n));
      const steps =
        (...numbers: number[]) =>
        async () => {
          for (const n of numbers) await step(n);
        };
      await gather(steps(2, 5), steps(1, 3), steps(0, 4));
      expect(events).toEqual([0, 1, 2, 3, 4, 5]);
    });
  });

  it("begins a step when the one before it has ended, not when it has begun", async () => {
    await runVirtual(async () => {
      const sequencer = new Sequencer();
      const events: string[] = [];
      await gather(
        () => sequencer.step(1, () => void events.push("1")),
        () =>
          sequencer.step(0, async () => {
            events.push("0 begins");
            await sleep("1s");
            events.push("0 ends");
          }),
      );
      expect(events).toEqual(["0 begins", "0 ends", "1"]);
    });
  });

  it("resolves with what the function returns", async () => {
    await runVirtual(async () => {
      const sequencer = new Sequencer();
      expect(await sequencer.step(0, () => 42)).toBe(42);
      expect(await sequencer.step(1, () => sleep("1ms", "later"))).toBe("later");
    });
  });

  it("holds a step to the end of its block with await using, and with using", async () => {
    await runVirtual(async () => {
      const sequencer = new Sequencer();
      const events: string[] = [];
      await taskGroup((group) => {
        group.createTask(async () => {
          await using step = await sequencer.step(2);
          events.push(`${step.position}`);
        });
        group.createTask(async () => {
          using _ = await sequencer.step(1);
          events.push("1");
        });
        group.createTask(async () => {
          {
            await using _ = await sequencer.step(0);
            await sleep("1s");
            events.push("0");
          }
          await sleep("1s");
          events.push("after");
        });
      });
      expect(events).toEqual(["0", "1", "2", "after"]);
    });
  });

  it("goes on after a step that fails, with the error where it belongs", async () => {
    await runVirtual(async () => {
      const sequencer = new Sequencer();
      const failing = createTask(() =>
        sequencer.step(0, () => {
          throw new TypeError("no");
        }),
      );
      expect(await sequencer.step(1, () => "next")).toBe("next");
      await expect(failing).rejects.toThrow(TypeError);
    });
  });

  it("refuses a step that was used before", async () => {
    await runVirtual(async () => {
      const sequencer = new Sequencer();
      await sequencer.step(0, () => {});
      await expect(sequencer.step(0)).rejects.toThrow(/step\(0\): this step was used before/);
      createTask(() => sequencer.step(2));
      await waitAllTasksBlocked();
      await expect(sequencer.step(2)).rejects.toThrow(RuntimeError);
    });
  });

  it("is broken for everybody when a step is cancelled before it begins", async () => {
    await runVirtual(async () => {
      const sequencer = new Sequencer();
      const events: string[] = [];
      const attempt = (n: number) =>
        createTask(async () => {
          try {
            await sequencer.step(n, () => void events.push(`${n} ran`));
          } catch (error) {
            events.push(`${n} ${(error as Error).name}`);
            throw error;
          }
        });
      const [one, two] = [attempt(1), attempt(2)] as const;
      await waitAllTasksBlocked();
      one.cancel();
      await expect(one).rejects.toThrow(CancelledError);
      await expect(two).rejects.toThrow("the sequence is broken, as step 1 was cancelled before it began");
      await expect(sequencer.step(0)).rejects.toThrow(/sequence is broken/);
      expect(events).toEqual(["1 CancelledError", "2 RuntimeError"]);
      expect(String(sequencer)).toBe("<Sequencer 0 ended, 0 waiting, broken at step 1>");
    });
  });

  it("goes on to the next step when a step is cancelled after it has begun", async () => {
    await runVirtual(async () => {
      const sequencer = new Sequencer();
      const first = createTask(() => sequencer.step(0, () => sleep("1h")));
      const second = createTask(() => sequencer.step(1, () => "second"));
      await waitAllTasksBlocked();
      first.cancel();
      expect(await second).toBe("second");
      expect(first.cancelled()).toBe(true);
    });
  });

  it("lets a deadlock report name the step that is missing", async () => {
    await expect(runVirtual(() => new Sequencer().step(3))).rejects.toThrow(
      /main {2}sequencer\.step on step 3 of a sequencer, after step 2/,
    );
    await expect(runVirtual(() => new Sequencer().step(3))).rejects.toThrow(DeadlockError);
  });

  it.each([-1, 1.5, Number.NaN])("refuses %s as the number of a step", async (position) => {
    await runVirtual(async () => {
      await expect(new Sequencer().step(position)).rejects.toThrow(RangeError);
    });
  });

  it("refuses a second argument that is no function, and to work outside a task", async () => {
    // @ts-expect-error: a string is no function
    await expect(new Sequencer().step(0, "fn")).rejects.toThrow(/takes a function; got 'fn'/);
    await expect(new Sequencer().step(0)).rejects.toThrow(/sequencer\.step\(\) needs a running event loop/);
  });
});
