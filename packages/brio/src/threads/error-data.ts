import { inspect, types } from "node:util";
import { errorClass } from "./error-classes.ts";

/*
 * An error on its way to another thread, process or machine. Structured clone would keep a few classes of errors, and
 * their message and stack; this keeps the name of every class, the error's own fields, its cause, and the members of a
 * group. All of it is plain data: it can be cloned, and (as far as the fields can) written as JSON.
 */

/** An error as plain data: see {@link serializeError}. */
export interface ErrorData {
  /** The name of its class. */
  readonly type: string;
  /** Its `name`, which mostly is that of its class. */
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  /** Its own fields. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly cause?: ThrownData | undefined;
  /** Those of an AggregateError or ExceptionGroup. */
  readonly errors?: readonly ThrownData[] | undefined;
}

/** What was thrown, which may be no error at all. */
export type ThrownData = { readonly error: ErrorData } | { readonly value: unknown };

/** Of causes of causes. A circle ends here as well. */
const DEEPEST = 8;

/** Not fields: they are carried otherwise, or belong to one place. */
const OWN = new Set(["name", "message", "stack", "cause", "errors"]);

/**
 * For executors: what was thrown, as plain data that can be sent elsewhere. Fields that can't be copied are sent as the text
 * that `inspect` makes of them.
 *
 * @example
 * ```ts
 * import { reviveError, serializeError } from "brio/threads";
 *
 * const there = Object.assign(new RangeError("too much"), { code: "E_LIMIT", limit: 5 });
 * const here = reviveError(structuredClone(serializeError(there))) as typeof there;
 * console.log(here instanceof RangeError, here.code, here.limit); // true E_LIMIT 5
 * ```
 */
export function serializeError(thrown: unknown): ThrownData {
  return thrownData(thrown, 0);
}

function thrownData(thrown: unknown, depth: number): ThrownData {
  if (types.isNativeError(thrown)) return { error: errorData(thrown, depth) };
  return { value: copyable(thrown, depth) };
}

function errorData(error: Error, depth: number): ErrorData {
  const fields: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(error)) if (!OWN.has(key)) fields[key] = copyable(value, depth);
  const inner = depth < DEEPEST;
  const { cause, errors } = error as { cause?: unknown; errors?: unknown };
  return {
    type: read(() => error.constructor.name, "Error"),
    name: read(() => error.name, "Error"),
    message: read(() => error.message, ""),
    stack: read(() => error.stack ?? "", ""),
    fields,
    ...(cause !== undefined && inner ? { cause: thrownData(cause, depth + 1) } : {}),
    ...(Array.isArray(errors) && inner ? { errors: errors.map((one) => thrownData(one, depth + 1)) } : {}),
  };
}

/** A user's getter may throw. */
function read(what: () => string, otherwise: string): string {
  try {
    return String(what());
  } catch {
    return otherwise;
  }
}

/** The value, if it can be copied; an error as its text, so that it doesn't lose its class unnoticed. */
function copyable(value: unknown, depth: number): unknown {
  if (
    value === null ||
    (typeof value !== "object" && typeof value !== "function" && typeof value !== "symbol")
  )
    return value;
  if (types.isNativeError(value))
    return depth < DEEPEST ? { [NESTED]: errorData(value, depth + 1) } : String(value);
  try {
    return structuredClone(value);
  } catch {
    return inspect(value, { depth: 1 });
  }
}

/** Marks a field's value that is an error. */
const NESTED = "brio:error";

/** How an error is revived. */
export interface ReviveOptions {
  /** The stack of the code that called, to be put below that of the error: lines as in an error's `stack`. */
  readonly calledFrom?: string | undefined;
}

/**
 * For executors: the error that {@link serializeError} made data of: an instance of its class, if that is one of JavaScript's,
 * of brio's, or was made known by {@link registerErrorClass}; otherwise an `Error` with its name. It has its fields, its
 * cause, and its own stack.
 *
 * @example
 * ```ts
 * import { reviveError, serializeError } from "brio/threads";
 *
 * const error = reviveError(serializeError(new TypeError("no", { cause: "tea" }))) as Error;
 * console.log(error instanceof TypeError, error.message, error.cause); // true no tea
 * ```
 */
export function reviveError(data: ThrownData, options: ReviveOptions = {}): unknown {
  if (!("error" in data)) return data.value;
  const { type, name, message, stack, fields, cause, errors } = data.error;
  const error = emptyError(message);
  const known = errorClass(type);
  if (known !== undefined) Object.setPrototypeOf(error, known.prototype as object);
  define(error, known?.prototype, "message", message);
  if (errors !== undefined)
    define(
      error,
      null,
      "errors",
      errors.map((one) => reviveError(one)),
    );
  for (const [key, value] of Object.entries(fields))
    (error as unknown as Record<string, unknown>)[key] = nested(value);
  if (error.name !== name) define(error, null, "name", name);
  if (cause !== undefined) define(error, null, "cause", reviveError(cause));
  const { calledFrom } = options;
  define(
    error,
    null,
    "stack",
    calledFrom === undefined ? stack : `${stack}\n    -- called from --\n${calledFrom}`,
  );
  return error;
}

/** Without a stack: it would be that of here. */
function emptyError(message: string): Error {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  const error = new Error(message);
  Error.stackTraceLimit = limit;
  return error;
}

/** A hidden property, as errors have them; not if the class computes it. */
function define(error: Error, prototype: object | null | undefined, key: string, value: unknown): void {
  if (prototype !== null && prototype !== undefined && computes(prototype, key)) {
    // Its message is made of its fields: an own one would hide that.
    delete (error as unknown as Record<string, unknown>)[key];
    return;
  }
  Object.defineProperty(error, key, { value, writable: true, configurable: true, enumerable: false });
}

function computes(prototype: object, key: string): boolean {
  for (let at: object | null = prototype; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    const descriptor = Object.getOwnPropertyDescriptor(at, key);
    if (descriptor !== undefined) return descriptor.get !== undefined;
  }
  return false;
}

function nested(value: unknown): unknown {
  if (typeof value !== "object" || value === null || !(NESTED in value)) return value;
  return reviveError({ error: value[NESTED] as ErrorData }); // copyable() put it there
}
