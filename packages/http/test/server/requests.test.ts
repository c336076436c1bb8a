import { AsyncLocalStorage } from "node:async_hooks";
import {
  allTasks,
  CancelledError,
  ContextVar,
  currentSignal,
  currentTask,
  Event,
  interruptible,
  run,
  sleep,
  sleepForever,
  uncancellable,
} from "brio";
import { createSubprocessExec } from "brio/subprocess";
import { describe, expect, it, onTestFinished } from "vitest";
import { leavesNothing } from "../../../brio/test/left-behind.ts";
import { ask, RawClient } from "./clients.ts";
import { frameworks } from "./frameworks.ts";
import { serving } from "./serving.ts";

leavesNothing();

describe.each(frameworks)("a request on $name", (framework) => {
  it("is a task with the name of the request, and its handler can wait", async () => {
    const page = async (): Promise<string> => {
      await sleep(1);
      return String(currentTask()?.getName());
    };
    await serving(framework, { pages: { "/a": page } }, async ({ port, tasks }) => {
      expect(await interruptible(ask(port, "/a?b=1"))).toMatchObject({ status: 200, body: "GET /a?b=1" });
      await tasks[Symbol.asyncDispose]();
      expect([...allTasks()].map((task) => task.getName())).toEqual(["main"]);
    });
  });

  it("is in its task after the body was read", async () => {
    const page = async (body: unknown): Promise<string> => {
      const before = currentTask()?.getName();
      await sleep(1);
      return `${before}: ${JSON.stringify(body)}`;
    };
    await serving(framework, { pages: { "/a": page } }, async ({ port }) => {
      const body = JSON.stringify({ text: "x".repeat(100_000) });
      const answer = await interruptible(ask(port, "/a", { method: "POST", body }));
      expect(answer.body).toBe(`POST /a: ${body}`);
    });
  });

  it("takes its child process with it when its client leaves", async () => {
    const entered = new Event();
    const ended = new Event();
    let pid: number | null = null;
    const page = async (): Promise<string> => {
      const child = await createSubprocessExec(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
      pid = child.pid;
      try {
        entered.set();
        await child.wait();
        return "done";
      } finally {
        await child[Symbol.asyncDispose]();
        ended.set();
      }
    };
    await serving(framework, { pages: { "/": page } }, async ({ port }) => {
      const client = await interruptible(RawClient.connect(port));
      client.get("/");
      await entered.wait();
      client.leave();
      await ended.wait();
      expect(() => process.kill(pid as number, 0)).toThrow("ESRCH");
    });
  });

  it("is cancelled when its client leaves, and that is no error", async () => {
    const entered = new Event();
    const ended = new Event();
    const seen: string[] = [];
    const page = async (): Promise<string> => {
      const signal = currentSignal();
      entered.set();
      try {
        await sleepForever();
      } catch (error) {
        seen.push(`${(error as Error).name}: ${(error as CancelledError).reason}; ${signal.aborted}`);
        throw error;
      } finally {
        await uncancellable(() => sleep(5));
        ended.set();
      }
      return "never";
    };
    await serving(framework, { pages: { "/": page } }, async ({ port, tasks, errors }) => {
      const client = await interruptible(RawClient.connect(port));
      client.get("/");
      await entered.wait();
      client.leave();
      await ended.wait();
      await tasks[Symbol.asyncDispose]();
      expect(seen).toEqual(["CancelledError: the client has gone; true"]);
      expect(errors).toEqual([]);
      expect(tasks.statistics().requests).toBe(0);
    });
  });

  it("fails the framework's own way", async () => {
    const page = async (): Promise<string> => {
      await sleep(1);
      throw new RangeError("no");
    };
    const cancelled = async (): Promise<string> => {
      throw new CancelledError("of its own");
    };
    await serving(framework, { pages: { "/a": page, "/b": cancelled } }, async ({ port, errors }) => {
      expect(await interruptible(ask(port, "/a"))).toMatchObject({ status: 500, body: "RangeError" });
      expect(await interruptible(ask(port, "/b"))).toMatchObject({ status: 500, body: "CancelledError" });
      expect(errors).toEqual([expect.any(RangeError), expect.any(CancelledError)]);
    });
  });

  it("has its own context variables, which begin as those of the server", async () => {
    const user = new ContextVar("user", { default: "nobody" });
    const storage = new AsyncLocalStorage<string>();
    const page = async (): Promise<string> => {
      const before = user.get();
      user.set("ada");
      return await storage.run("mine", async () => {
        await sleep(1);
        return `${before} ${user.get()} ${storage.getStore()}`;
      });
    };
    await run(async () => {
      user.set("root");
      const running = await framework.serve({ pages: { "/": page } });
      try {
        const both = await interruptible(Promise.all([ask(running.port, "/"), ask(running.port, "/")]));
        expect(both.map(({ body }) => body)).toEqual(["root ada mine", "root ada mine"]);
        expect(user.get()).toBe("root");
      } finally {
        await running.close();
      }
    });
  });

  it("that waits behind others on the same connection ends with that", async () => {
    const warnings: string[] = [];
    const warned = ({ message }: Error): void => void warnings.push(message);
    process.on("warning", warned);
    onTestFinished(() => void process.off("warning", warned));
    const all = new Event();
    let count = 0;
    const page = async (): Promise<string> => {
      if (++count === 20) all.set();
      await sleepForever();
      return "never";
    };
    await serving(framework, { pages: { "/": page } }, async ({ port, tasks, errors }) => {
      const client = await interruptible(RawClient.connect(port));
      for (let n = 0; n < 20; n++) client.get("/");
      await all.wait();
      client.leave();
      await tasks.whenIdle();
      expect(errors).toEqual([]);
      expect(warnings).toEqual([]);
    });
  });
});
