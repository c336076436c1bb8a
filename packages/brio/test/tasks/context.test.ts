import {
  type Context,
  ContextVar,
  copyContext,
  createTask,
  gather,
  getRunningLoop,
  sleep,
  taskGroup,
  timeout,
  waitFor,
} from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

describe("a task", () => {
  it("begins with what its creator had set", () =>
    runVirtual(async () => {
      const user = new ContextVar("user", { default: "nobody" });
      user.set("ada");
      expect(await createTask(async () => user.get())).toBe("ada");
      expect(await gather(async () => user.get())).toEqual(["ada"]);
      expect(await taskGroup((group) => group.createTask(async () => user.get()))).toBe("ada");
    }));

  it("begins with the values of its creation, not of its first step", () =>
    runVirtual(async () => {
      const user = new ContextVar<string>("user");
      user.set("at creation");
      const task = createTask(async () => user.get());
      user.set("later");
      expect(await task).toBe("at creation");
    }));

  it("keeps what it sets to itself", () =>
    runVirtual(async () => {
      const user = new ContextVar("user", { default: "nobody" });
      user.set("ada");
      await createTask(async () => {
        user.set("grace");
        await sleep(1);
        expect(user.get()).toBe("grace");
      });
      expect(user.get()).toBe("ada");
    }));

  it("keeps its own value across waits, among many that set theirs", () =>
    runVirtual(async () => {
      const precision = new ContextVar("precision", { default: 28 });
      const compute = async (digits: number): Promise<number[]> => {
        precision.set(digits);
        const seen: number[] = [];
        for (let round = 0; round < 3; round++) {
          await sleep(digits % 7);
          seen.push(precision.get());
        }
        return seen;
      };
      const results = await Promise.all(
        Array.from({ length: 100 }, (_, digits) => createTask(() => compute(digits))),
      );
      expect(results).toEqual(Array.from({ length: 100 }, (_, digits) => [digits, digits, digits]));
      expect(precision.get()).toBe(28);
    }));

  it("sees in the functions it awaits what it has set, and what they set", () =>
    runVirtual(async () => {
      const depth = new ContextVar("depth", { default: 0 });
      const descend = async (): Promise<number> => {
        depth.set(depth.get() + 1);
        await sleep(1);
        return depth.get() < 5 ? await descend() : depth.get();
      };
      expect([await descend(), depth.get()]).toEqual([5, 5]);
    }));

  it("runs in the context that it is given, which is shared and not copied", () =>
    runVirtual(async () => {
      const user = new ContextVar<string>("user");
      const context = copyContext();
      await createTask(
        async () => {
          user.set("first");
          await sleep(1);
        },
        { context },
      );
      const second = createTask(
        async () => {
          const before = user.get();
          await sleep(1);
          user.set("second");
          return before;
        },
        { context },
      );
      expect(await second).toBe("first");
      expect([context.get(user), user.get("unset here")]).toEqual(["second", "unset here"]);
    }));

  it("of the loop's createTask can be given a context too", () =>
    runVirtual(async () => {
      const user = new ContextVar<string>("user");
      const context = copyContext();
      context.run(() => user.set("in the context"));
      const task = getRunningLoop().createTask(async () => user.get(), { context });
      expect(await task).toBe("in the context");
    }));

  it("that starts eagerly sees its creator's values, and keeps what it sets", () =>
    runVirtual(async () => {
      const user = new ContextVar<string>("user");
      user.set("creator");
      const log: string[] = [];
      const task = createTask(
        async () => {
          log.push(user.get());
          user.set("eager");
          await sleep(0);
          log.push(user.get());
        },
        { eager: true },
      );
      log.push(user.get());
      await task;
      expect(log).toEqual(["creator", "creator", "eager"]);
    }));
});

describe("a body that runs in the calling task shares its context:", () => {
  const shares = async (within: (body: () => Promise<void>) => PromiseLike<unknown>): Promise<void> => {
    await runVirtual(async () => {
      const user = new ContextVar<string>("user");
      user.set("before");
      await within(async () => {
        expect(user.get()).toBe("before");
        await sleep(1);
        user.set("inside");
      });
      expect(user.get()).toBe("inside");
    });
  };

  it("waitFor's", () => shares((body) => waitFor(body, "1s")));

  it("timeout's", () => shares((body) => timeout("1s", body)));

  it("taskGroup's", () => shares((body) => taskGroup(body)));

  it("a plain function's", () => shares((body) => body()));
});

describe("a callback", () => {
  it("of callSoon, callLater and callAt sees the values of the moment of its scheduling", () =>
    runVirtual(async () => {
      const user = new ContextVar<string>("user");
      const loop = getRunningLoop();
      const seen: string[] = [];
      const see = (): void => void seen.push(user.get());
      user.set("soon");
      loop.callSoon(see);
      user.set("later");
      loop.callLater(10, see);
      user.set("at");
      loop.callAt(20, see);
      user.set("now");
      await sleep(30);
      expect(seen).toEqual(["soon", "later", "at"]);
    }));

  it("keeps what it sets to itself, and to what it schedules", () =>
    runVirtual(async () => {
      const user = new ContextVar<string>("user");
      const loop = getRunningLoop();
      const seen: string[] = [];
      user.set("task");
      loop.callSoon(() => {
        user.set("callback");
        loop.callSoon(() => seen.push(user.get()));
      });
      await sleep(0);
      await sleep(0);
      expect([...seen, user.get()]).toEqual(["callback", "task"]);
    }));
});

describe("contexts", () => {
  it("are apart for two runs side by side", async () => {
    const user = new ContextVar<string>("user", { default: "unset" });
    const main = (name: string) => async (): Promise<string> => {
      const before = user.get();
      user.set(name);
      await sleep(10);
      return `${before} ${user.get()}`;
    };
    expect(await Promise.all([runVirtual(main("a")), runVirtual(main("b"))])).toEqual(["unset a", "unset b"]);
    expect(user.get()).toBe("unset");
  });

  it("of a run begin with what was set outside of it", async () => {
    const user = new ContextVar<string>("user");
    const token = user.set("outside");
    expect(await runVirtual(async () => user.get())).toBe("outside");
    user.reset(token);
    expect(user.get("unset")).toBe("unset");
  });

  it("of a thousand tasks hold each of a thousand values", () =>
    runVirtual(async () => {
      const variables = Array.from({ length: 1000 }, (_, i) => new ContextVar<number>(`v${i}`));
      variables.forEach((variable, i) => {
        variable.set(i);
      });
      const tasks = variables.map((variable) => createTask(async () => variable.get()));
      expect(await Promise.all(tasks)).toEqual(variables.map((_, i) => i));
    }));

  it("can be handed from task to task", () =>
    runVirtual(async () => {
      const user = new ContextVar<string>("user");
      const context: Context = await createTask(async () => {
        user.set("kept");
        return copyContext();
      });
      expect([user.get("unset"), context.run(() => user.get())]).toEqual(["unset", "kept"]);
    }));
});
