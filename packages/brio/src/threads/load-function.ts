import { RuntimeError } from "../loop/errors.ts";
import type { FunctionName } from "../run/loop-executor.ts";
import { FunctionNotFoundError, ModuleLoadError } from "./errors.ts";
import { type AnyFunction, functionId, functionOf, isReference, named, type Reference } from "./reference.ts";

/** What was loaded, by module and export. A failure is not kept: the next call tries again. */
const loaded = new Map<string, AnyFunction>();

let imports = 0;
let inWorker = false;

/** This thread or process is a pool's worker. */
export function becomeWorker(): void {
  inWorker = true;
}

/** Is a worker importing a module? That must not start workers: they would import it again, and so on. */
export function importedByWorker(): boolean {
  return inWorker && imports > 0;
}

/**
 * For executors: imports a function by its {@link FunctionName}. Once loaded, it is kept.
 *
 * *Cancel safety*: an import can't be stopped; it goes on, and is not waited for.
 *
 * @throws ModuleLoadError if the module can't be imported; FunctionNotFoundError if it has no such function.
 *
 * @example
 * ```ts
 * import { loadFunction } from "brio/threads";
 *
 * const name = { module: "node:path", exportName: "basename", id: "node:path#basename" };
 * const basename = (await loadFunction(name)) as (path: string) => string;
 * console.log(basename("/tmp/a.txt")); // a.txt
 * ```
 */
export async function loadFunction(name: FunctionName): Promise<AnyFunction> {
  return loadedFunction(name) ?? (await load(name));
}

/** The function if it is loaded already. */
export function loadedFunction({ module, exportName }: FunctionName): AnyFunction | undefined {
  return loaded.get(key(module, exportName));
}

function key(module: string, exportName: string): string {
  return `${module}\0${exportName}`;
}

async function load(name: FunctionName): Promise<AnyFunction> {
  const exported = await importModule(name);
  const found = functionsOf(exported).get(name.exportName);
  if (found === undefined)
    throw new FunctionNotFoundError(name.id, name.module, [...functionsOf(exported).keys()]);
  loaded.set(key(name.module, name.exportName), found);
  return found;
}

/** What a worker that imports it must not do again: begin a loop, or a pool. */
const PROGRAM =
  ". If this is the module that the program starts with, put its functions into one of their own: a worker imports it again";

type Exports = Readonly<Record<string, unknown>>;

async function importModule(name: FunctionName): Promise<Exports> {
  imports++;
  try {
    return (await import(/* @vite-ignore */ name.module)) as Exports; // what each module is
  } catch (cause) {
    throw new ModuleLoadError(name, cause, inWorker && cause instanceof RuntimeError ? PROGRAM : "");
  } finally {
    imports--;
  }
}

/** A module's functions, by what they are exported as. A module of CommonJS may have them in its `default`. */
function functionsOf(exported: Exports): Map<string, AnyFunction> {
  const found = new Map<string, AnyFunction>();
  const add = (from: Exports): void => {
    for (const [exportName, value] of Object.entries(from)) {
      if (typeof value !== "function" || isClass(value) || found.has(exportName)) continue;
      const fn = functionOf(value as AnyFunction); // a function of whatever kind
      if (fn !== null) found.set(exportName, fn);
    }
  };
  add(exported);
  const { default: common } = exported;
  if (typeof common === "object" && common !== null) add(common as Exports);
  return found;
}

function isClass(value: object): boolean {
  return /^class\b/.test(Function.prototype.toString.call(value));
}

/**
 * For executors whose workers run on other machines: the functions of some modules, by their portable ids.
 *
 * @example
 * ```ts
 * import { FunctionTable } from "brio/threads";
 *
 * const table = await FunctionTable.load(["node:path"]);
 * const basename = table.get("node:path#basename") as (path: string) => string;
 * console.log(basename("/tmp/a.txt")); // a.txt
 * ```
 */
export class FunctionTable {
  private readonly functions = new Map<string, AnyFunction>();
  private readonly names = new Map<string, FunctionName>();
  private readonly modules: string[] = [];

  private constructor() {}

  /**
   * Imports the modules, and takes all functions that they export.
   *
   * *Cancel safety*: an import can't be stopped; it goes on, and is not waited for.
   *
   * @param modules their URLs
   * @throws ModuleLoadError if one can't be imported; RangeError if two functions have the same id.
   */
  static async load(modules: readonly (string | URL)[]): Promise<FunctionTable> {
    const table = new FunctionTable();
    for (const module of modules) {
      const href = String(module);
      const exported = await importModule({ module: href, exportName: "*", id: functionId(href, "*") });
      table.modules.push(href);
      for (const [exportName, fn] of functionsOf(exported)) {
        const value = exported[exportName];
        const id = isReference(value) ? value.id : functionId(href, exportName);
        table.add({ module: href, exportName, id }, fn);
      }
    }
    return table;
  }

  private add(name: FunctionName, fn: AnyFunction): void {
    const { id } = name;
    const known = this.functions.get(id);
    if (known !== undefined && known !== fn) {
      throw new RangeError(
        `two functions are called ${id} in ${this.modules.join(", ")}: give one of them an id, reference(import.meta.url, fn, { id: "..." })`,
      );
    }
    this.functions.set(id, fn);
    this.names.set(id, name);
  }

  /** The ids of all of them. */
  get ids(): readonly string[] {
    return [...this.functions.keys()];
  }

  /** Is there a function with this id? */
  has(id: string): boolean {
    return this.functions.has(id);
  }

  /** A reference to the function with this id, to hand it on to another executor. @throws FunctionNotFoundError if there is none. */
  reference(id: string): Reference {
    const fn = this.get(id) as (...args: unknown[]) => unknown; // it is only called
    return named((...args) => fn(...args), this.names.get(id) as FunctionName, fn); // set together
  }

  /** The function with this id. @throws FunctionNotFoundError if there is none. */
  get(id: string): AnyFunction {
    const found = this.functions.get(id);
    if (found === undefined) throw new FunctionNotFoundError(id, this.modules.join(", "), this.ids);
    return found;
  }
}
