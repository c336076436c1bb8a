// What has really arrived: read back from the disk.
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Wanted } from "./download.ts";

export interface Verdict {
  readonly files: number;
  readonly bytes: number;
  /** What is not as it should be; empty if all is well. */
  readonly problems: readonly string[];
}

export interface Expected extends Wanted {
  /** Can it be had at all? */
  readonly available: boolean;
}

/** What can be had must be there, and be right; what can't must not, and neither must a partial file. */
export async function verify(directory: string, all: readonly Expected[]): Promise<Verdict> {
  const present = new Set(await readdir(directory));
  const problems = [...present]
    .filter((name) => name.endsWith(".part"))
    .map((name) => `${name} was left behind`);
  let files = 0;
  let bytes = 0;
  for (const wanted of all) {
    const { name, available } = wanted;
    if (!available) {
      if (present.has(name)) problems.push(`${name} could not be had, and is there all the same`);
    } else if (!present.has(name)) {
      problems.push(`${name} is missing`);
    } else {
      const content = await readFile(join(directory, name));
      if (createHash("sha256").update(content).digest("hex") === wanted.sha256) {
        files++;
        bytes += content.length;
      } else {
        problems.push(`${name} has the wrong content`);
      }
    }
  }
  return { files, bytes, problems };
}
