import { existsSync } from "node:fs";
import { isBuiltin } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";

/**
 * The URL of a module: of a file, seen from the working directory; of a module of Node's; or as it is.
 *
 * @throws TypeError if it is none of these, or there is no such file.
 */
export function moduleUrl(module: string | URL): string {
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
