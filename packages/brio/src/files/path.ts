import { fileURLToPath } from "node:url";
import { inspect } from "node:util";

/** The name of a file or folder: a path, or a `file:` URL. */
export type Path = string | URL;

/** The path as text. `caller` and `example` show the right call. */
export function pathOf(path: Path, argument: string, example: string): string {
  if (path instanceof URL && path.protocol === "file:") return fileURLToPath(path);
  if (typeof path === "string" && path !== "" && !path.includes("\0")) return path;
  throw new TypeError(`${argument} must be a path or a file: URL, such as ${example}; got ${inspect(path)}`);
}
