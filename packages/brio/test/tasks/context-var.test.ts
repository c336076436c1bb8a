import {
  Context,
  ContextVar,
  copyContext,
  createTask,
  currentTask,
  RuntimeError,
  sleep,
  TimeoutError,
  timeout,
} from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

describe("a context variable", () => {
  it("has a name", () => {
    expect(new ContextVar("user").name).toBe("user");
    // @ts-expect-error the name is needed
    expect(() => new ContextVar()).toThrow(
      /ContextVar needs a name: new ContextVar\("user"\); got undefined/,
    );
  });

  it("gives what was set; else the fallback; else its default; else an error that says so", () => {
    const bare = new ContextVar<string>("bare");
    expect(() => bare.get()).toThrow(ReferenceError);
    expect(() => bare.get()).toThrow(
      /context variable "bare" has no value here: set it, or give it a default/,
    );
    expect(bare.get("fallback")).toBe("fallback");
    const rich = new ContextVar<string>("rich", { default: "default" });
    expect([rich.get(), rich.get("fallback")]).toEqual(["default", "fallback"]);
    const token = rich.set("value");
    expect([rich.get(), rich.get("fallback")]).toEqual(["value", "value"]);
    rich.reset(token);
  });

  it("holds undefined like any other value", () => {
    const variable = new ContextVar<string | undefined>("variable", { default: "default" });
    const token = variable.set(undefined);
    expect([variable.get(), variable.get("fallback")]).toEqual([undefined, undefined]);
    variable.reset(token);
    expect(variable.get()).toBe("default");
    expect(new ContextVar<undefined>("other", { default: undefined }).get()).toBeUndefined();
    expect(new ContextVar<string>("third").get(undefined)).toBeUndefined();
  });

  it("is told from others by its identity, not by its name", () => {
    const [one, two] = [new ContextVar<number>("same"), new ContextVar<number>("same")];
    const token = one.set(1);
    expect(two.get(0)).toBe(0);
    one.reset(token);
  });
});

describe("reset", () => {
  it("goes back to the value before, or to none", () => {
    const user = new ContextVar<string>("user");
    const first = user.set("ada");
    const second = user.set("grace");
    expect([first.oldValue, second.oldValue, second.variable === user]).toEqual([undefined, "ada", true]);
    user.reset(second);
    expect(user.get()).toBe("ada");
    user.reset(first);
    expect(() => user.get()).toThrow(ReferenceError);
  });

  it("takes a token once", () => {
    const user = new ContextVar<string>("user");
    const token = user.set("ada");
    user.reset(token);
    expect(() => user.reset(token)).toThrow(RuntimeError);
    expect(() => user.reset(token)).toThrow(/this token of "user" has been used before/);
  });

  it("refuses a token of another variable", () => {
    const [user, role] = [new ContextVar<string>("user"), new ContextVar<string>("role")];
    const token = user.set("ada");
    expect(() => role.reset(token)).toThrow(RangeError);
    expect(() => role.reset(token)).toThrow(/made by the context variable "user", not "role"/);
    user.reset(token);
  });

  it("refuses a token of another context", () =>
    runVirtual(async () => {
      const user = new ContextVar<string>("user");
      const token = user.set("ada");
      await createTask(async () => {
        expect(() => user.reset(token)).toThrow(RangeError);
        expect(() => user.reset(token)).toThrow(/was made in another context/);
      });
      user.reset(token);
      expect(user.get("unset")).toBe("unset");
    }));

  it("takes in a timeout's body a token that was made around it: it is the same context", () =>
    runVirtual(async () => {
      const user = new ContextVar<string>("user");
      const token = user.set("ada");
      await timeout("1s", async () => user.reset(token));
      expect(user.get("unset")).toBe("unset");
    }));
});

describe("copyContext", () => {
  it("holds the values of now; what is set later does not come in, and what is set in it not out", () => {
    const user = new ContextVar<string>("user");
    const token = user.set("ada");
    const context = copyContext();
    user.set("grace");
    expect(context.get(user)).toBe("ada");
    context.run(() => user.set("edsger"));
    expect([context.get(user), user.get()]).toEqual(["edsger", "grace"]);
    user.reset(token);
  });

  it("can be looked through", () => {
    const [a, b, c] = ["a", "b", "c"].map((name) => new ContextVar<number>(name)) as [
      ContextVar<number>,
      ContextVar<number>,
      ContextVar<number>,
    ]; // three names
    const context = new Context();
    context.run(() => {
      a.set(1);
      b.set(2);
    });
    expect([context.size, context.has(a), context.has(c), context.get(c)]).toEqual([
      2,
      true,
      false,
      undefined,
    ]);
    expect([...context]).toEqual([
      [a, 1],
      [b, 2],
    ]);
  });

  it("can itself be copied, and the copies part", () => {
    const user = new ContextVar<string>("user");
    const one = new Context();
    one.run(() => user.set("one"));
    const two = one.copy();
    two.run(() => user.set("two"));
    expect([one.get(user), two.get(user)]).toEqual(["one", "two"]);
  });

  it("is empty in a new Context", () => {
    const user = new ContextVar<string>("user");
    const token = user.set("ada");
    expect(new Context().run(() => user.get("unset"))).toBe("unset");
    user.reset(token);
  });
});

describe("context.run", () => {
  it("passes arguments, returns what the function returns, and throws what it throws", () => {
    const context = new Context();
    expect(context.run((a: number, b: number) => a + b, 1, 2)).toBe(3);
    const error = new Error("inside");
    expect(() =>
      context.run(() => {
        throw error;
      }),
    ).toThrow(error);
  });

  it("can be nested, in other contexts and in itself", () => {
    const user = new ContextVar<string>("user", { default: "none" });
    const [one, two] = [new Context(), new Context()];
    const seen: string[] = [];
    one.run(() => {
      user.set("one");
      two.run(() => {
        user.set("two");
        one.run(() => seen.push(user.get()));
        seen.push(user.get());
      });
      seen.push(user.get());
    });
    seen.push(user.get());
    expect(seen).toEqual(["one", "two", "one", "none"]);
  });

  it("keeps an async function in the context to its end", () =>
    runVirtual(async () => {
      const user = new ContextVar<string>("user", { default: "none" });
      const context = copyContext();
      const result = await context.run(async () => {
        user.set("inside");
        await sleep(1);
        return user.get();
      });
      expect([result, context.get(user), user.get()]).toEqual(["inside", "inside", "none"]);
    }));

  it("leaves an async function in its task: cancellation and deadlines reach it", () =>
    runVirtual(async () => {
      const context = copyContext();
      const task = currentTask();
      expect(await context.run(async () => [currentTask()])).toEqual([task]);
      const late = timeout(10, () => context.run(() => sleep("1h")));
      await expect(late).rejects.toThrow(TimeoutError);
      const inner = createTask(() => context.run(() => sleep("1h")));
      await sleep(1);
      inner.cancel();
      await sleep(0);
      expect(inner.cancelled()).toBe(true);
    }));

  it("works outside of any loop", async () => {
    const user = new ContextVar<string>("user", { default: "none" });
    const context = new Context();
    const result = await context.run(async () => {
      user.set("inside");
      await Promise.resolve();
      return user.get();
    });
    expect([result, user.get()]).toEqual(["inside", "none"]);
  });

  it("makes the tasks created in it begin with a copy of it", () =>
    runVirtual(async () => {
      const user = new ContextVar<string>("user", { default: "none" });
      const context = copyContext();
      context.run(() => user.set("inside"));
      const task = context.run(() =>
        createTask(async () => {
          const begun = user.get();
          user.set("the task's own");
          return begun;
        }),
      );
      expect([await task, context.get(user)]).toEqual(["inside", "inside"]);
    }));
});

describe("many variables", () => {
  it("are set, changed and reset in any order as in a map, and copies keep what they had", () => {
    const variables = Array.from({ length: 12 }, (_, i) => new ContextVar<number>(`v${i}`));
    let seed = 7;
    const random = (below: number): number => {
      seed = (seed * 1103515245 + 12345) % 2 ** 31;
      return Math.floor((seed / 2 ** 31) * below);
    };
    for (let round = 0; round < 200; round++) {
      const context = new Context();
      const model = new Map<ContextVar<unknown>, unknown>();
      const undo: (() => void)[] = [];
      const copies: { context: Context; model: Map<ContextVar<unknown>, unknown> }[] = [];
      for (let step = 0; step < 40; step++) {
        const variable = variables[random(variables.length)] as ContextVar<number>; // there are so many
        if (random(4) === 0 && undo.length > 0) {
          undo.pop()?.();
        } else {
          const [had, before] = [model.has(variable), model.get(variable)];
          const token = context.run(() => variable.set(step));
          model.set(variable, step);
          undo.push(() => {
            context.run(() => variable.reset(token));
            if (had) model.set(variable, before);
            else model.delete(variable);
          });
        }
        if (random(10) === 0) copies.push({ context: context.copy(), model: new Map(model) });
      }
      for (const each of [{ context, model }, ...copies]) {
        expect([...each.context]).toEqual([...each.model]);
        expect(each.context.size).toBe(each.model.size);
        for (const variable of variables) expect(each.context.has(variable)).toBe(each.model.has(variable));
      }
    }
  });
});
