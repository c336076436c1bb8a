import { isBuiltin } from "node:module";
import { isAbsolute } from "node:path";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";
import type { FunctionName } from "../run/loop-executor.ts";

/** Any function; what it takes and gives is known where it is called. */
export type AnyFunction = (...args: never) => unknown;

/** A function that can be imported elsewhere. Called, it is the function itself. */
export type Reference<F extends AnyFunction = AnyFunction> = F & FunctionName;

/** How a function is named. */
export interface ReferenceOptions {
  /** Its name on other machines. Default: `<module file>#<export>`. */
  readonly id?: string | undefined;
}

/** Known to each copy of brio in the process, so that one understands the references of another. */
const FUNCTION = Symbol.for("brio.reference");

/**
 * Names a function, so that a thread, a process or another machine can import and call it. The module must export it under
 * this name; called in place, it is the function itself.
 *
 * @param module the module that it stands in: `import.meta.url`, or `__filename`
 * @param name what the module exports it as. (The function's own name would not do: bundlers and test runners change it.)
 *
 * @throws TypeError if the module is no absolute URL or path, or there is no name or function.
 *
 * @example
 * ```ts
 * import { reference } from "brio/threads";
 *
 * export const area = reference(import.meta.url, "area", (radius: number) => Math.PI * radius ** 2);
 *
 * console.log(area(1), area.exportName); // 3.141592653589793 area
 * ```
 */
export function reference<F extends AnyFunction>(
  module: string | URL,
  name: string,
  fn: F,
  options: ReferenceOptions = {},
): Reference<F> {
  const href = moduleUrl(module, "reference()", "import.meta.url");
  if (typeof name !== "string" || name === "") {
    const given = typeof name === "function" ? (name as AnyFunction).name : "";
    throw new TypeError(
      `reference() takes what the module exports the function as: reference(import.meta.url, "${given || "work"}", (...) => { ... }); got ${inspect(name)}`,
    );
  }
  if (typeof fn !== "function") {
    throw new TypeError(
      `reference() takes a function: reference(import.meta.url, "${name}", (...) => { ... }); got ${inspect(fn)}`,
    );
  }
  if (FUNCTION in fn) throw new TypeError(`reference() was given what is a reference already: ${String(fn)}`);
  const called = fn as unknown as (...args: unknown[]) => unknown; // it gets what its caller's types allow
  return named(
    (...args: unknown[]) => called(...args),
    { module: href, exportName: name, id: options.id ?? functionId(href, name) },
    fn,
  ) as unknown as Reference<F>;
}

/** Makes `call` a reference. */
export function named(
  call: (...args: unknown[]) => unknown,
  name: FunctionName,
  fn: AnyFunction = call,
): Reference {
  return Object.defineProperties(call, {
    name: { value: name.exportName },
    length: { value: fn.length },
    module: { value: name.module, enumerable: true },
    exportName: { value: name.exportName, enumerable: true },
    id: { value: name.id, enumerable: true },
    [FUNCTION]: { value: fn === call ? null : fn },
    toString: { value: () => `<Reference ${name.id} of ${name.module}>` },
  }) as unknown as Reference; // it has just become one
}

/**
 * Is this a function made by `reference` or `references`?
 *
 * @example
 * ```ts
 * import { isReference, references } from "brio/threads";
 *
 * const { gzipSync } = references<typeof import("node:zlib")>("node:zlib");
 * console.log(isReference(gzipSync), isReference(() => {})); // true false
 * ```
 */
export function isReference(value: unknown): value is Reference {
  return typeof value === "function" && FUNCTION in value;
}

/** The function itself: what a reference stands for, anything else as it is. Null for one of a module not imported here. */
export function functionOf(fn: AnyFunction): AnyFunction | null {
  return isReference(fn) ? (fn as unknown as { [FUNCTION]: AnyFunction | null })[FUNCTION] : fn; // named() put it there
}

/**
 * For executors: what they are to call must be a reference.
 *
 * @param caller names what the user called, as in `pool.submit()`
 * @throws TypeError that shows how to make one.
 *
 * @example
 * ```ts
 * import { requireReference } from "brio/threads";
 *
 * try {
 *   requireReference((x: number) => x * 2, "executor.submit()");
 * } catch (error) {
 *   console.log(error instanceof TypeError); // true
 * }
 * ```
 */
export function requireReference(fn: unknown, caller: string): asserts fn is Reference {
  if (isReference(fn)) return;
  if (typeof fn !== "function") {
    throw new TypeError(
      `${caller} takes a function that was named by reference(), and then its arguments; got ${inspect(fn)}`,
    );
  }
  const name = fn.name === "" || fn.name === "default" ? "work" : fn.name.replace(/^bound /, "");
  throw new TypeError(
    `${caller} was given a plain function${fn.name === "" ? "" : `, ${fn.name}`}: another thread has no access to it, nor to what it closes over. ` +
      `Export it from a module, with its name: export const ${name} = reference(import.meta.url, "${name}", (...) => { ... }), ` +
      `and hand what it needs over as arguments: ${caller.replace("()", `(${name}, ...)`)}`,
  );
}

/** The absolute URL of a module; `right` is what is to be passed, for the error. */
export function moduleUrl(module: string | URL, caller: string, right: string): string {
  if (module instanceof URL) return module.href;
  if (typeof module === "string") {
    if (isBuiltin(module)) return module.startsWith("node:") ? module : `node:${module}`;
    if (isAbsolute(module)) return pathToFileURL(module).href;
    if (URL.canParse(module)) return module;
  }
  throw new TypeError(
    `${caller} takes the URL of a module first: ${right}, or import.meta.resolve("package"); got ${inspect(module)}`,
  );
}

const EXTENSION = /\.[cm]?[jt]sx?$/;

/**
 * The name of a function on other machines: what `.ts` sources here and built `.js` there agree on.
 *
 * @example
 * ```ts
 * import { functionId } from "brio/threads";
 *
 * console.log(functionId("file:///srv/app/jobs.ts", "countWords")); // jobs#countWords
 * ```
 */
export function functionId(module: string, exportName: string): string {
  if (module.startsWith("node:")) return `${module}#${exportName}`;
  const path = module.replace(/[?#].*$/s, "");
  const file = decodeURIComponent(path.slice(path.lastIndexOf("/") + 1));
  return `${file.replace(EXTENSION, "")}#${exportName}`;
}
