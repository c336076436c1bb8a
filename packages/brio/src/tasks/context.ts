import { ambientScope, Scope } from "../cancel/scope.ts";
import { ambient, CallbackFrame, type Frame } from "../loop/ambient.ts";
import { RuntimeError } from "../loop/errors.ts";
import { bind, FreeVariables, find, unbind, type Values, type Variables } from "../loop/variables.ts";
import { carry } from "./carried.ts";

/** What `ContextVar.set` returns: it remembers the value to go back to. */
export class Token<T> {
  /** @internal */ used = false;
  /** The variable that was set. */
  readonly variable: ContextVar<T>;
  /** The value before, if there was one. */
  readonly oldValue: T | undefined;
  /** @internal */ readonly had: boolean;
  /** @internal */ readonly variables: Variables;

  /** @internal */
  constructor(variable: ContextVar<T>, variables: Variables, had: boolean, oldValue: T | undefined) {
    this.variable = variable;
    this.variables = variables;
    this.had = had;
    this.oldValue = oldValue;
  }
}

// What is set outside any loop, as Python's main thread has a context of its own.
const outside = new FreeVariables();

/** Those of the calling code. */
export function currentVariables(): Variables {
  return ambient.getStore()?.variables ?? outside;
}

/**
 * A variable whose value belongs to the running task: a new task starts with a copy of what its creator saw.
 *
 * @example
 * ```ts
 * import { ContextVar, createTask, run } from "brio";
 *
 * const user = new ContextVar("user", { default: "nobody" });
 *
 * await run(async () => {
 *   user.set("ada");
 *   await createTask(async () => {
 *     console.log(user.get()); // ada
 *     user.set("grace"); // seen by this task only
 *   });
 *   console.log(user.get()); // ada
 * });
 * ```
 */
export class ContextVar<T> {
  readonly name: string;
  private readonly fallback: { default?: T };

  /**
   * @param name for reports
   * @param options `default`: its value where none is set. `carried`: its value travels with the calls of an executor, to
   * other threads, processes and machines, where the variable that is carried under this name has it; it must be of a kind
   * that can be copied. Default false.
   *
   * @throws RangeError if another variable is carried under this name.
   */
  constructor(name: string, options: { default?: T; carried?: boolean } = {}) {
    if (typeof name !== "string")
      throw new TypeError(`ContextVar needs a name: new ContextVar("user"); got ${typeof name}`);
    this.name = name;
    this.fallback = options;
    if (options.carried === true) carry(this as ContextVar<unknown>); // its values are only handed on
  }

  /**
   * The value in the current context; else `fallback`, if given; else the variable's default.
   *
   * @throws ReferenceError if there is none of these.
   */
  get(...fallback: [T?]): T {
    const binding = find(currentVariables().values, this);
    if (binding !== null) return binding.value as T; // only set() writes under this key
    if (fallback.length > 0) return fallback[0] as T; // it was given
    if ("default" in this.fallback) return this.fallback.default as T; // it was given
    throw new ReferenceError(
      `context variable "${this.name}" has no value here: set it, or give it a default`,
    );
  }

  /** Sets the value for the running task (or callback) and returns a token for {@link reset}. */
  set(value: T): Token<T> {
    const variables = currentVariables();
    const before = find(variables.values, this);
    variables.values = bind(variables.values, this, value);
    return new Token<T>(this, variables, before !== null, before?.value as T | undefined); // as above
  }

  /** Goes back to the value before the `set` that returned `token`. A token serves once, in its own context. */
  reset(token: Token<T>): void {
    if (!(token instanceof Token)) {
      throw new TypeError(
        `reset() takes the token that set() gave: const token = ${this.name}.set(value); ...; ${this.name}.reset(token)`,
      );
    }
    if (token.variable !== this) {
      throw new RangeError(
        `this token was made by the context variable "${token.variable.name}", not "${this.name}"`,
      );
    }
    if (token.used) throw new RuntimeError(`this token of "${this.name}" has been used before`);
    const variables = currentVariables();
    if (token.variables !== variables)
      throw new RangeError(`this token of "${this.name}" was made in another context`);
    token.used = true;
    variables.values = token.had
      ? bind(variables.values, this, token.oldValue)
      : unbind(variables.values, this);
  }
}

/**
 * A set of values of context variables: an empty one, or a copy made by {@link copyContext}.
 *
 * @example
 * ```ts
 * import { Context, ContextVar } from "brio";
 *
 * const user = new ContextVar("user", { default: "nobody" });
 * const request = new Context();
 * request.run(() => {
 *   user.set("ada");
 * });
 * console.log(request.get(user), user.get()); // ada nobody
 * ```
 */
export class Context implements Variables {
  /** @internal */ values: Values = null;

  /** Runs `fn(...args)` in this context: what it sets stays here. Async functions may be passed. */
  run<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): R {
    const scope = ambientScope();
    if (scope !== undefined) {
      // A scope that is never cancelled by itself: it only carries the variables.
      const carrier = new Scope(scope.loop, scope.owner, scope, this);
      scope.enter(carrier);
      let result: R;
      try {
        result = ambient.run(carrier, fn, ...args);
      } catch (error) {
        carrier.leave();
        throw error;
      }
      if (result instanceof Promise) {
        const leave = (): void => carrier.leave();
        result.then(leave, leave);
      } else {
        carrier.leave();
      }
      return result;
    }
    const frame = ambient.getStore();
    if (frame === undefined) return ambient.run(new Bare(this) as unknown as Frame, fn, ...args); // no loop to name
    return ambient.run(new CallbackFrame(frame.loop, this), fn, ...args);
  }

  /** The value of `variable` in this context, or undefined. */
  get<T>(variable: ContextVar<T>): T | undefined {
    return find(this.values, variable)?.value as T | undefined; // only the variable writes under its key
  }

  /** Has `variable` been set in this context? */
  has(variable: ContextVar<unknown>): boolean {
    return find(this.values, variable) !== null;
  }

  /** How many variables are set in this context. */
  get size(): number {
    return this.values?.size ?? 0;
  }

  *[Symbol.iterator](): IterableIterator<[ContextVar<unknown>, unknown]> {
    const found: [ContextVar<unknown>, unknown][] = [];
    for (let binding = this.values; binding !== null; binding = binding.next)
      found.push([binding.key as ContextVar<unknown>, binding.value]); // only variables are keys
    yield* found.reverse();
  }

  /** A copy of this context. O(1). */
  copy(): Context {
    return copyOf(this);
  }
}

/** A frame outside any loop. */
class Bare {
  readonly owner = null;
  readonly variables: Variables;

  constructor(variables: Variables) {
    this.variables = variables;
  }
}

/**
 * A copy of the current context: the values of all context variables here. O(1).
 *
 * @example
 * ```ts
 * import { ContextVar, copyContext, run } from "brio";
 *
 * const user = new ContextVar<string>("user");
 *
 * await run(async () => {
 *   user.set("ada");
 *   const context = copyContext();
 *   user.set("grace");
 *   console.log(context.get(user), user.get()); // ada grace
 * });
 * ```
 */
export function copyContext(): Context {
  return copyOf(currentVariables());
}

function copyOf(variables: Variables): Context {
  const copy = new Context();
  copy.values = variables.values;
  return copy;
}
