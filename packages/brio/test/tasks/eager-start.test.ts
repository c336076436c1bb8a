import { createTask, currentTask, getRunningLoop, sleep } from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

describe("a task that starts eagerly", () => {
  it("runs inside createTask up to its first wait", () =>
    runVirtual(async () => {
      const log: string[] = [];
      const task = createTask(
        async () => {
          log.push(`begun as ${currentTask()?.getName()}`);
          await sleep(0);
          log.push("resumed");
          return "value";
        },
        { eager: true, name: "eager" },
      );
      log.push(`created, done: ${task.done()}`);
      expect(await task).toBe("value");
      expect(log).toEqual(["begun as eager", "created, done: false", "resumed"]);
    }));

  it("is done at once when it need not wait, but its callbacks come on the next turn", () =>
    runVirtual(async () => {
      const log: string[] = [];
      const task = createTask(() => 42, { eager: true });
      task.addDoneCallback(() => log.push("callback"));
      log.push(`done: ${task.done()}, ${task.result()}`);
      await sleep(0);
      expect(log).toEqual(["done: true, 42", "callback"]);
    }));

  it("throws into its task, not out of createTask", () =>
    runVirtual(() => {
      const error = new Error("at once");
      const task = createTask(
        () => {
          throw error;
        },
        { eager: true },
      );
      expect(task.exception()).toBe(error);
    }));

  it("does so from the loop's createTask as well", () =>
    runVirtual(() => {
      const log: string[] = [];
      getRunningLoop().createTask(() => void log.push("begun"), { eager: true });
      expect(log).toEqual(["begun"]);
    }));

  it("does so only when it was asked to", () =>
    runVirtual(async () => {
      const log: string[] = [];
      const lazy = createTask(() => void log.push("lazy"), { eager: false });
      const usual = createTask(() => void log.push("usual"));
      log.push("created");
      await lazy;
      await usual;
      expect(log).toEqual(["created", "lazy", "usual"]);
    }));
});
