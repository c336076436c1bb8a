import { existsSync } from "node:fs";
import { isBuiltin } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";
import {
  FunctionNotFoundError,
  isReference,
  ModuleLoadError,
  type Reference,
  references,
} from "brio/threads";

/** The functions of some modules, by the ids under which jobs ask for them. */
export class FunctionIndex {
  private readonly functions = new Map<string, Reference>();
  private readonly modules: string[];

  private constructor(modules: string[]) {
    this.modules = modules;
  }

  /**
   * Imports the modules, and takes all functions that they export.
   *
   * @throws ModuleLoadError if one can't be imported; RangeError if two of the functions have the same id.
   */
  static async load(modules: readonly (string | URL)[]): Promise<FunctionIndex> {
    const index = new FunctionIndex(modules.map(moduleUrl));
    for (const url of index.modules) index.add(url, await exportsOf(url));
    return index;
  }

  private add(url: string, exported: Readonly<Record<string, unknown>>): void {
    const here = references<Record<string, () => unknown>>(url);
    for (const [name, value] of Object.entries(exported)) {
      if (typeof value !== "function") continue;
      const found = here[name] as Reference; // references() has one for each name
      const { id } = isReference(value) ? value : found;
      const other = this.functions.get(id);
      if (other !== undefined) {
        throw new RangeError(
          `two functions have the id ${id}, of ${other.module} and of ${url}: name one of them, reference(import.meta.url, fn, { id: "..." })`,
        );
      }
      this.functions.set(id, found);
    }
  }

  get ids(): readonly string[] {
    return [...this.functions.keys()];
  }

  /** @throws FunctionNotFoundError */
  get(id: string): Reference {
    const found = this.functions.get(id);
    if (found === undefined) throw new FunctionNotFoundError(id, this.modules.join(", "), this.ids);
    return found;
  }
}

/** What a module of CommonJS exports is its `default`. */
async function exportsOf(url: string): Promise<Readonly<Record<string, unknown>>> {
  let exported: Record<string, unknown>;
  try {
    exported = (await import(/* @vite-ignore */ url)) as Record<string, unknown>; // what each module is
  } catch (cause) {
    throw new ModuleLoadError({ module: url, exportName: "*", id: `${url}#*` }, cause);
  }
  const common = typeof exported.default === "object" ? exported.default : null;
  return { ...common, ...exported };
}

/**
 * The URL of a module: of a file, seen from the working directory; of a module of Node's; or as it is.
 *
 * @throws TypeError if it is none of these, or there is no such file.
 */
function moduleUrl(module: string | URL): string {
  if (module instanceof URL) return module.href;
  if (typeof module === "string" && module !== "") {
    if (isBuiltin(module)) return module.startsWith("node:") ? module : `node:${module}`;
    if (/^[a-z]{2,}:/.test(module) && URL.canParse(module)) return module;
    const path = resolve(module);
    if (existsSync(path)) return pathToFileURL(path).href;
  }
  throw new TypeError(
    `there is no module ${inspect(module)}, seen from ${process.cwd()}: pass paths or URLs, such as ["./jobs.ts"]`,
  );
}
