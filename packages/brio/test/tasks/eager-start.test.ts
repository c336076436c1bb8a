import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
  createTask,
  currentTask,
  type EventLoop,
  getRunningLoop,
  interruptible,
  Runner,
  run,
  sleep,
} from "brio";
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

  it("does so from a listener of Node's, too, that no task has made", async () => {
    const log: unknown[] = [];
    let loop: EventLoop | undefined;
    const server = createServer((_request, response) => {
      const task = loop?.createTask(
        async () => {
          log.push(`begun as ${currentTask()?.getName()}`);
          await sleep(1);
          log.push("resumed");
          response.end("answered");
        },
        { eager: true, name: "listener's" },
      );
      log.push("made", task?.done());
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo; // it listens at a port
    try {
      await run(async () => {
        loop = getRunningLoop();
        const answer = await interruptible(fetch(`http://127.0.0.1:${port}`));
        expect(await interruptible(answer.text())).toBe("answered");
      });
    } finally {
      server.close();
    }
    expect(log).toEqual(["begun as listener's", "made", false, "resumed"]);
  });

  it("does so before its loop runs, and goes on when that does", async () => {
    const runner = new Runner({ handleSignals: false });
    const log: string[] = [];
    const task = runner.getLoop().createTask(
      async () => {
        log.push("begun");
        await sleep(1);
        log.push("resumed");
      },
      { eager: true },
    );
    log.push("made");
    await runner.run(async () => {
      log.push("runs");
      await task;
    });
    await runner.close();
    expect(log).toEqual(["begun", "made", "runs", "resumed"]);
  });
});
