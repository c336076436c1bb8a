import { inspect } from "node:util";
import { computed } from "../cancel/errors.ts";

/** A class of errors, or a test that an error passes. */
export type ErrorCondition = (abstract new (...args: never[]) => unknown) | ((error: unknown) => boolean);

/**
 * Several errors that happened at once, possibly nested. Thrown by task groups.
 *
 * @example
 * ```ts
 * import { ExceptionGroup, run, taskGroup } from "brio";
 *
 * await run(async () => {
 *   try {
 *     await taskGroup(async (group) => {
 *       group.createTask(async () => { throw new TypeError("bad input"); });
 *     });
 *   } catch (error) {
 *     const [types, rest] = (error as ExceptionGroup).split(TypeError);
 *     console.log(types?.exceptions.length, rest); // 1 null
 *   }
 * });
 * ```
 */
export class ExceptionGroup extends AggregateError {
  /** The message without the count and the tree of errors. */
  readonly title: string;

  constructor(message: string, errors: Iterable<unknown>, options?: ErrorOptions) {
    super(errors, undefined, options);
    this.title = message;
    const origin = {};
    Error.captureStackTrace(origin, new.target);
    origins.set(this, origin);
    delete this.stack; // V8's, which would hide that of the class
  }

  /** The errors, as `AggregateError.errors`. */
  get exceptions(): readonly unknown[] {
    return this.errors;
  }

  /** A group like this one, with other errors; `split` and `subgroup` make their results with it. */
  derive(errors: readonly unknown[]): ExceptionGroup {
    return new ExceptionGroup(
      this.title,
      errors,
      this.cause === undefined ? undefined : { cause: this.cause },
    );
  }

  /** The errors that match, in the same nesting, and the rest; null where there are none. */
  split(condition: ErrorCondition): [matching: ExceptionGroup | null, rest: ExceptionGroup | null] {
    const test = predicate(condition);
    if (test(this)) return [this, null];
    const matching: unknown[] = [];
    const rest: unknown[] = [];
    for (const error of this.exceptions) {
      if (error instanceof ExceptionGroup) {
        const [inside, outside] = error.split(condition);
        if (inside !== null) matching.push(inside);
        if (outside !== null) rest.push(outside);
      } else {
        (test(error) ? matching : rest).push(error);
      }
    }
    return [matching.length > 0 ? this.derive(matching) : null, rest.length > 0 ? this.derive(rest) : null];
  }

  /** The errors that match, in the same nesting, or null. */
  subgroup(condition: ErrorCondition): ExceptionGroup | null {
    return this.split(condition)[0];
  }
}

/** Where groups were made: V8 formats a stack only when it is read. */
const origins = new WeakMap<ExceptionGroup, { readonly stack?: string }>();

computed(ExceptionGroup, {
  name: () => "ExceptionGroup",
  message: (group) => headline(group) + tree(group.errors, withMessage),
  stack: (group) => {
    const lines = (origins.get(group)?.stack ?? "").split("\n").slice(1); // behind its own headline
    return [`${group.name}: ${headline(group)}`, ...lines].join("\n") + tree(group.errors, withStack);
  },
});

function headline({ title, errors }: ExceptionGroup): string {
  return `${title} (${errors.length} sub-exception${errors.length === 1 ? "" : "s"})`;
}

function predicate(condition: ErrorCondition): (error: unknown) => boolean {
  if (typeof condition !== "function") {
    throw new TypeError(
      "an error class or a function (error) => boolean is needed, such as group.split(TypeError)",
    );
  }
  const isClass = condition === Error || condition.prototype instanceof Error;
  return isClass ? (error) => error instanceof condition : (condition as (error: unknown) => boolean); // anything else is the test itself
}

function withStack(error: unknown): string {
  return error instanceof Error && error.stack !== undefined ? error.stack : withMessage(error);
}

function withMessage(error: unknown): string {
  if (error instanceof Error) return `${error.name}: ${error.message}`;
  return typeof error === "string" ? error : inspect(error);
}

function tree(errors: readonly unknown[], render: (error: unknown) => string): string {
  return errors
    .map((error, index) => {
      const last = index === errors.length - 1;
      const [head, ...body] = render(error).split("\n");
      return [
        `\n  ${last ? "└" : "├"}─ ${head}`,
        ...body.map((line) => `\n  ${last ? " " : "│"}  ${line}`),
      ].join("");
    })
    .join("");
}
