import { CancelledError, ExceptionGroup, TimeoutError } from "brio";
import { registerErrorClass, reviveError, serializeError, type ThrownData } from "brio/threads";
import { describe, expect, it } from "vitest";

/** There and back, as between threads. */
function sent(thrown: unknown): unknown {
  return reviveError(structuredClone(serializeError(thrown)));
}

/** As through a message queue. */
function sentAsJson(thrown: unknown): unknown {
  return reviveError(JSON.parse(JSON.stringify(serializeError(thrown))) as ThrownData); // what was written
}

class CardError extends Error {
  override name = "CardError";
  readonly code: string;

  constructor(code: string, options?: ErrorOptions) {
    super(`the card was refused (${code})`, options);
    this.code = code;
  }
}

describe.each([
  ["structured clone", sent],
  ["JSON", sentAsJson],
])("an error that is sent by %s", (_how, send) => {
  it("is of its class again, if that is JavaScript's or brio's", () => {
    for (const error of [new RangeError("a"), new TimeoutError("b"), new SyntaxError("c")]) {
      const back = send(error) as Error;
      expect(back).toBeInstanceOf(error.constructor);
      expect([back.name, back.message, back.stack]).toEqual([error.name, error.message, error.stack]);
    }
  });

  it("keeps its own fields, and those only", () => {
    const back = send(Object.assign(new Error("no"), { code: "ENOENT", detail: { path: "/tmp" } })) as object;
    expect({ ...back }).toEqual({ code: "ENOENT", detail: { path: "/tmp" } });
  });

  it("of an unknown class is an Error with its name", () => {
    const back = send(new CardError("E1")) as CardError;
    expect(back).not.toBeInstanceOf(CardError);
    expect([back instanceof Error, back.name, back.code, back.message]).toEqual([
      true,
      "CardError",
      "E1",
      "the card was refused (E1)",
    ]);
  });

  it("keeps its cause, and the causes of that", () => {
    const back = send(new Error("a", { cause: new TypeError("b", { cause: "c" }) })) as Error;
    expect(back.cause).toBeInstanceOf(TypeError);
    expect((back.cause as Error).cause).toBe("c");
    expect(Object.keys(back)).toEqual([]);
  });

  it("keeps the errors of a group, and their nesting", () => {
    const group = new ExceptionGroup("outer", [
      new RangeError("a"),
      new ExceptionGroup("inner", [new TypeError("b")]),
    ]);
    const back = send(group) as ExceptionGroup;
    expect(back).toBeInstanceOf(ExceptionGroup);
    expect(back.message).toBe(group.message);
    expect(back.subgroup(TypeError)?.exceptions).toHaveLength(1);
    expect(send(new AggregateError([new TypeError("b")], "several"))).toMatchObject({
      message: "several",
      errors: [expect.any(TypeError)],
    });
  });

  it("may be no error at all", () => {
    expect(send("a string")).toBe("a string");
    expect(send({ code: 5 })).toEqual({ code: 5 });
  });
});

describe("serializeError", () => {
  it("keeps who cancelled, and why", () => {
    const back = sent(new CancelledError("too slow", 'task "a"')) as CancelledError;
    expect(back).toBeInstanceOf(CancelledError);
    expect([back.reason, back.by, back.message]).toEqual([
      "too slow",
      'task "a"',
      'cancelled by task "a": too slow',
    ]);
  });

  it("sends errors in fields as errors, and what can't be copied as text", () => {
    const back = sent(
      Object.assign(new Error("no"), { inner: new RangeError("x"), call: function work() {} }),
    ) as unknown as Record<string, unknown>;
    expect(back.inner).toBeInstanceOf(RangeError);
    expect(back.call).toBe("[Function: work]");
  });

  it("ends at a circle, and survives getters that throw", () => {
    const circle = new Error("a");
    circle.cause = circle;
    expect(sent(circle)).toMatchObject({ message: "a", cause: { message: "a" } });
    class Hostile extends Error {
      override get message(): string {
        throw new Error("never to be read");
      }
    }
    expect(sent(new Hostile())).toMatchObject({ message: "" });
  });

  it("puts the stack of the caller below that of the error", () => {
    const back = reviveError(serializeError(new Error("there")), {
      calledFrom: "    at here (main.ts:1:1)",
    }) as Error;
    expect(back.stack).toMatch(
      /^Error: there\n {4}at .*\n {4}-- called from --\n {4}at here \(main\.ts:1:1\)$/s,
    );
  });
});

describe("registerErrorClass", () => {
  it("lets a class of one's own come back as itself", () => {
    class RefundError extends Error {
      override name = "RefundError";
      readonly amount = 5;
      readonly currency: string = "EUR";
    }
    registerErrorClass(RefundError);
    registerErrorClass(RefundError);
    const back = sent(new RefundError("no"));
    expect(back).toBeInstanceOf(RefundError);
    expect(back).toMatchObject({ amount: 5, currency: "EUR", message: "no" });
  });

  it("refuses what is no class of errors, and a second class of the same name", () => {
    expect(() => registerErrorClass(Map as never)).toThrow("takes a class that extends Error");
    const other = Object.defineProperty(class extends Error {}, "name", { value: "TypeError" });
    expect(() => registerErrorClass(other)).toThrow("another class of errors is registered as TypeError");
  });
});
