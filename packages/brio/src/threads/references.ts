import type { FunctionName } from "../run/loop-executor.ts";
import { loadFunction } from "./load-function.ts";
import { type AnyFunction, functionId, moduleUrl, named, type Reference } from "./reference.ts";

/** The functions among a module's exports, as references; called in place, they import the module first. */
export type References<M> = {
  readonly [K in keyof M as M[K] extends AnyFunction ? K : never]: M[K] extends (...args: infer A) => infer R
    ? Reference<(...args: A) => Promise<Awaited<R>>>
    : never;
};

/** How a module's functions are named. */
export interface ReferencesOptions {
  /** What stands before the `#` in their names on other machines. Default: the module's file name. */
  readonly name?: string | undefined;
}

/**
 * References to the functions of a module that is not imported here: because it is heavy, or has native parts, or is not
 * yours to write `reference` in. Its type says what there is: `references<typeof import("./jobs.ts")>(...)`.
 *
 * @param module `new URL("./jobs.ts", import.meta.url)`, a module of Node's such as `node:zlib`, or, for a package,
 * `import.meta.resolve("package")`
 *
 * @throws TypeError if the module is none of these.
 *
 * @example
 * ```ts
 * import { references } from "brio/threads";
 *
 * const zlib = references<typeof import("node:zlib")>("node:zlib");
 * console.log(zlib.gzipSync.id); // node:zlib#gzipSync
 * console.log((await zlib.crc32("hello")).toString(16)); // 3610a686
 * ```
 */
export function references<M extends object>(
  module: string | URL,
  options: ReferencesOptions = {},
): References<M> {
  const href = moduleUrl(module, "references()", 'new URL("./jobs.ts", import.meta.url)');
  const known = new Map<string, Reference>();
  const get = (exportName: string): Reference => {
    let found = known.get(exportName);
    if (found === undefined) {
      const id = options.name === undefined ? functionId(href, exportName) : `${options.name}#${exportName}`;
      const name: FunctionName = { module: href, exportName, id };
      found = named(async (...args: unknown[]) => {
        return await ((await loadFunction(name)) as (...args: unknown[]) => unknown)(...args); // the caller's types say so
      }, name);
      known.set(exportName, found);
    }
    return found;
  };
  // Nothing that a promise or a symbol's user looks for: the object may be awaited and printed.
  return new Proxy(Object.freeze({}) as References<M>, {
    get: (_target, key) => (typeof key === "string" && key !== "then" ? get(key) : undefined),
  });
}
