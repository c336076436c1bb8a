import { CancelledError, ExceptionGroup, TimeoutError, taskGroup } from "brio";
import { describe, expect, it } from "vitest";
import { errorOf, name, trace } from "./trace.ts";

const types = new TypeError("types");
const range = new RangeError("range");
const late = new TimeoutError("late");

/** A group of a TypeError and a group of a RangeError, a TimeoutError and a string. */
function nested(): ExceptionGroup {
  return new ExceptionGroup("outer", [types, new ExceptionGroup("inner", [range, late, "text"])]);
}

/** The titles of the groups in a tree, from the outermost on. */
function titles(error: unknown): string[] {
  return error instanceof ExceptionGroup ? [error.title, ...error.exceptions.flatMap(titles)] : [];
}

/** The text of an error without the lines of its stack, which depend on who runs the test. */
function text(error: Error): string[] {
  return (error.stack ?? "").split("\n").filter((line) => !/^[\s│]*at /.test(line));
}

describe("an ExceptionGroup", () => {
  it("is an AggregateError, so that code that knows those can read it", () => {
    const group = nested();
    expect(group).toBeInstanceOf(AggregateError);
    expect(group).toBeInstanceOf(Error);
    expect(group.name).toBe("ExceptionGroup");
    expect(group.title).toBe("outer");
    expect(group.errors[0]).toBe(types);
    expect(group.exceptions).toBe(group.errors);
  });

  it("takes any iterable, once", () => {
    function* some(): Iterable<unknown> {
      yield types;
      yield range;
    }
    expect(new ExceptionGroup("some", some()).exceptions).toEqual([types, range]);
  });

  it("keeps its own list of the errors", () => {
    const errors: unknown[] = [types];
    const group = new ExceptionGroup("some", errors);
    errors.push(range);
    expect(group.exceptions).toEqual([types]);
  });

  it("keeps a cause", () => {
    expect(new ExceptionGroup("caused", [types], { cause: late }).cause).toBe(late);
    expect("cause" in new ExceptionGroup("not caused", [types])).toBe(false);
  });

  it("shows the tree of its errors in its message", () => {
    expect(nested().message.split("\n")).toEqual([
      "outer (2 sub-exceptions)",
      "  ├─ TypeError: types",
      "  └─ ExceptionGroup: inner (3 sub-exceptions)",
      "       ├─ RangeError: range",
      "       ├─ TimeoutError: late",
      "       └─ text",
    ]);
  });

  it("draws the branches past a group that is not the last, and past messages of several lines", () => {
    const group = new ExceptionGroup("outer", [
      new ExceptionGroup("inner", [new Error("two\nlines"), types]),
      range,
    ]);
    expect(group.message.split("\n")).toEqual([
      "outer (2 sub-exceptions)",
      "  ├─ ExceptionGroup: inner (2 sub-exceptions)",
      "  │    ├─ Error: two",
      "  │    │  lines",
      "  │    └─ TypeError: types",
      "  └─ RangeError: range",
    ]);
  });

  it("shows thrown values that are not Errors", () => {
    expect(
      new ExceptionGroup("odd", [undefined, { code: 7 }, Object.create(null)]).message.split("\n"),
    ).toEqual([
      "odd (3 sub-exceptions)",
      "  ├─ undefined",
      "  ├─ { code: 7 }",
      "  └─ [Object: null prototype] {}",
    ]);
  });

  it("shows each error once in its stack, in the tree, with the lines of its own stack", () => {
    const group = nested();
    expect(text(group)).toEqual([
      "ExceptionGroup: outer (2 sub-exceptions)",
      "  ├─ TypeError: types",
      "  └─ ExceptionGroup: inner (3 sub-exceptions)",
      "       ├─ RangeError: range",
      "       ├─ TimeoutError: late",
      "       └─ text",
    ]);
    expect(group.stack).toMatch(/^ExceptionGroup: .*\n {4}at nested \(/);
    expect(group.stack).toMatch(/\n {2}├─ TypeError: types\n {2}│ {6}at /);
  });

  it("that a task group throws says so, and counts", () =>
    trace(async () => {
      const error = (await errorOf(
        taskGroup((group) => {
          group.createTask(() => Promise.reject(types));
        }),
      )) as ExceptionGroup; // asserted next
      expect(error).toBeInstanceOf(ExceptionGroup);
      expect(error.title).toBe("unhandled errors in a TaskGroup");
      expect(error.message).toBe("unhandled errors in a TaskGroup (1 sub-exception)\n  └─ TypeError: types");
    }));
});

describe("ExceptionGroup.split", () => {
  it("parts what matches from the rest, each in the same nesting", () => {
    const [matching, rest] = nested().split(RangeError);
    expect([name(matching), name(rest)]).toEqual([
      "[[RangeError(range)]]",
      "[TypeError(types), [TimeoutError, text]]",
    ]);
    expect(titles(matching)).toEqual(["outer", "inner"]);
    expect(titles(rest)).toEqual(["outer", "inner"]);
  });

  it("leaves out the groups that nothing is left of", () => {
    const [matching, rest] = nested().split(TypeError);
    expect([name(matching), name(rest)]).toEqual([
      "[TypeError(types)]",
      "[[RangeError(range), TimeoutError, text]]",
    ]);
  });

  it("gives null where there is nothing", () => {
    const group = nested();
    expect(name(group.split(CancelledError)[1])).toBe(name(group));
    expect(group.split(CancelledError)[0]).toBeNull();
    expect(group.split(() => true)).toEqual([group, null]);
  });

  it("takes a class that the group itself is of: all of it matches, as the same object", () => {
    const group = nested();
    for (const kind of [ExceptionGroup, AggregateError, Error]) {
      expect(group.split(kind)[0]).toBe(group);
      expect(group.split(kind)[1]).toBeNull();
    }
  });

  it("takes a function, which sees each group before its errors", () => {
    const seen: string[] = [];
    const group = nested();
    const [matching, rest] = group.split((error) => {
      seen.push(error instanceof ExceptionGroup ? error.title : name(error));
      return error instanceof ExceptionGroup && error.title === "inner";
    });
    expect(seen).toEqual(["outer", "TypeError(types)", "inner"]);
    expect(matching?.exceptions[0]).toBe(group.exceptions[1]);
    expect(name(rest)).toBe("[TypeError(types)]");
  });

  it("takes a method for a function, and not for a class", () => {
    const test = { is: (error: unknown) => error === range };
    expect(name(nested().split(test.is)[0])).toBe("[[RangeError(range)]]");
  });

  it("does not change the group", () => {
    const group = nested();
    const before = name(group);
    group.split(RangeError);
    expect(name(group)).toBe(before);
  });

  it("keeps the errors themselves, and the cause", () => {
    const group = new ExceptionGroup("caused", [types, range], { cause: late });
    const [matching, rest] = group.split(TypeError);
    expect(matching?.exceptions[0]).toBe(types);
    expect(rest?.exceptions[0]).toBe(range);
    expect([matching?.cause, rest?.cause]).toEqual([late, late]);
  });

  it("refuses what is neither a class nor a function", () => {
    expect(() => nested().split("TypeError" as never)).toThrow(TypeError); // the wrong type, on purpose
    expect(() => nested().split("TypeError" as never)).toThrow(/group\.split\(TypeError\)/);
  });
});

describe("ExceptionGroup.subgroup", () => {
  it("gives what matches, in the same nesting", () => {
    expect(name(nested().subgroup(TimeoutError))).toBe("[[TimeoutError]]");
  });

  it("gives null when nothing does", () => {
    expect(nested().subgroup(SyntaxError)).toBeNull();
  });

  it("gives the group itself when all of it does", () => {
    const group = nested();
    expect(group.subgroup(ExceptionGroup)).toBe(group);
  });
});

describe("ExceptionGroup.derive", () => {
  class JobErrors extends ExceptionGroup {
    readonly job: string;

    constructor(job: string, errors: readonly unknown[]) {
      super(`errors in job ${job}`, errors);
      this.job = job;
    }

    override derive(errors: readonly unknown[]): JobErrors {
      return new JobErrors(this.job, errors);
    }
  }

  it("makes a group with the same title and cause and other errors", () => {
    const derived = new ExceptionGroup("caused", [types], { cause: late }).derive([range]);
    expect([derived.title, derived.cause, name(derived)]).toEqual(["caused", late, "[RangeError(range)]"]);
  });

  it("is what split and subgroup make their parts with, so that a subclass keeps its class", () => {
    const parts = new JobErrors("nightly", [types, range]).split(TypeError);
    for (const part of parts) {
      expect(part).toBeInstanceOf(JobErrors);
      expect((part as JobErrors).job).toBe("nightly"); // asserted above
    }
    expect(parts.map(name)).toEqual(["[TypeError(types)]", "[RangeError(range)]"]);
  });
});
