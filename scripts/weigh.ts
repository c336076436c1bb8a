import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";

/** What these files of a package and all that they import take, in bytes, gzipped. */
export function weigh(folder: string, entries: readonly string[]): number {
  const needed = new Map<string, Buffer>();
  const add = (path: string): void => {
    if (needed.has(path)) return;
    const content = readFileSync(path);
    needed.set(path, content);
    for (const [, from] of content.toString().matchAll(/\bfrom "(\.[^"]*)"/g)) {
      const imported = join(dirname(path), from as string); // the pattern has one group
      add(path.endsWith(".d.ts") ? imported.replace(/\.js$/, ".d.ts") : imported);
    }
  };
  for (const entry of entries) add(join(folder, entry));
  return gzipSync(Buffer.concat([...needed.values()])).length;
}
