import { coroutine, createTask, currentTask, gather, getRunningLoop, isCoroutine, sleep } from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

class Counter {
  readonly name: string;
  readonly #step: number;

  constructor(name: string, step = 1) {
    this.name = name;
    this.#step = step;
  }

  @coroutine
  async count(rounds: number): Promise<number> {
    let total = 0;
    for (let round = 0; round < rounds; round++) {
      await sleep("1s");
      total += this.#step;
    }
    return total;
  }

  @coroutine
  static async make(name: string): Promise<Counter> {
    await sleep("1s");
    return new Counter(name);
  }
}

class Doubling extends Counter {
  @coroutine
  override async count(rounds: number): Promise<number> {
    return 2 * (await super.count(rounds));
  }
}

describe("@coroutine on a method", () => {
  it("makes it cold, with its this and its private fields", () =>
    runVirtual(async () => {
      const call = new Counter("a", 3).count(2);
      expect(isCoroutine(call)).toBe(true);
      expect([getRunningLoop().time(), await call, getRunningLoop().time()]).toEqual([0, 6, 2000]);
    }));

  it("lets the methods of several objects run together", () =>
    runVirtual(async () => {
      const counters = [new Counter("a", 1), new Counter("b", 10), new Counter("c", 100)];
      const totals = await gather(counters.map((counter) => counter.count(3)));
      expect([totals, getRunningLoop().time()]).toEqual([[3, 30, 300], 3000]);
    }));

  it("lets it become a task", () =>
    runVirtual(async () => {
      const counter = new Counter("a");
      expect(await createTask(() => counter.count(1))).toBe(1);
    }));

  it("works on static methods", () =>
    runVirtual(async () => {
      const call = Counter.make("made");
      expect(isCoroutine(call)).toBe(true);
      expect((await call).name).toBe("made");
    }));

  it("works with inheritance, and with super", () =>
    runVirtual(async () => {
      expect(await new Doubling("a", 5).count(2)).toBe(20);
    }));

  it("runs inline in the awaiting task", () =>
    runVirtual(async () => {
      class Who {
        @coroutine
        async name(): Promise<string | undefined> {
          return currentTask()?.getName();
        }
      }
      expect(await createTask(() => new Who().name(), { name: "caller" })).toBe("caller");
    }));

  it("keeps the method's name, also one that is a symbol or a string", () => {
    const KEY = Symbol("key");
    class Named {
      @coroutine
      async [KEY](): Promise<void> {}

      @coroutine
      async "with spaces"(): Promise<void> {}
    }
    const named = new Named();
    expect([String(new Counter("a").count(1)), String(named[KEY]()), String(named["with spaces"]())]).toEqual(
      ["<Coroutine count()>", "<Coroutine [key]()>", "<Coroutine with spaces()>"],
    );
  });
});

describe("@coroutine elsewhere is refused:", () => {
  it("on a field", () => {
    expect(() => {
      class Wrong {
        // @ts-expect-error it decorates methods
        @coroutine
        work = async (): Promise<void> => {};
      }
      return new Wrong();
    }).toThrow(/@?coroutine/);
  });

  it("on a getter", () => {
    expect(() => {
      class Wrong {
        // @ts-expect-error it decorates methods
        @coroutine
        get work(): Promise<void> {
          return Promise.resolve();
        }
      }
      return new Wrong();
    }).toThrow(/@coroutine decorates methods, not a getter/);
  });

  it("on a class", () => {
    expect(() => {
      // @ts-expect-error it decorates methods
      @coroutine
      class Wrong {}
      return new Wrong();
    }).toThrow(/@coroutine decorates methods, not a class/);
  });
});
