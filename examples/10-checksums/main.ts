// The SHA-256 of every file in a folder and its folders, as `sha256sum` prints them. A few workers read at once, each file
// in chunks: while one chunk goes into the sum, the next is read, so that a file of any size takes no more memory than a
// small one. The queue is bounded as well: the walk does not run ahead of the workers.
//
//   node examples/10-checksums/main.ts [FOLDER] [--at-once 8]
import { createHash } from "node:crypto";
import { relative } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { getRunningLoop, Queue, run, taskGroup } from "brio";
import { open, walk } from "brio/files";

export interface Sums {
  /** Of each file, by its path in the folder. */
  readonly sums: ReadonlyMap<string, string>;
  readonly bytes: number;
  /** Files that could not be read, and why. */
  readonly unread: ReadonlyMap<string, unknown>;
}

const CHUNK = 2 ** 18;

async function sumOf(path: string): Promise<{ sum: string; bytes: number }> {
  await using file = await open(path);
  const hash = createHash("sha256");
  for await (const chunk of file.chunks({ size: CHUNK })) hash.update(chunk);
  return { sum: hash.digest("hex"), bytes: file.position };
}

export async function checksums(folder: string, atOnce: number): Promise<Sums> {
  const sums = new Map<string, string>();
  const unread = new Map<string, unknown>();
  let bytes = 0;
  const paths = new Queue<string>(2 * atOnce);
  const work = async (): Promise<void> => {
    for await (const path of paths) {
      try {
        const { sum, bytes: length } = await sumOf(path);
        sums.set(relative(folder, path), sum);
        bytes += length;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === undefined) throw error; // not the system's
        unread.set(relative(folder, path), error);
      }
    }
  };
  await taskGroup(async (group) => {
    for (let i = 1; i <= atOnce; i++) group.createTask(work, { name: `worker ${i}` });
    for await (const { path, kind } of walk(folder)) if (kind === "file") await paths.put(path);
    paths.shutdown();
  });
  return { sums, bytes, unread };
}

export async function main(args: readonly string[]): Promise<void> {
  const options = { "at-once": { type: "string", default: "8" } } as const;
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
  const loop = getRunningLoop();
  const started = loop.time();
  const { sums, bytes, unread } = await checksums(positionals[0] ?? ".", Number(values["at-once"]));
  for (const [path, sum] of [...sums].sort()) console.log(`${sum}  ${path}`);
  for (const error of unread.values()) console.error(String(error));
  const took = ((loop.time() - started) / 1000).toFixed(2);
  console.error(`${sums.size} files, ${(bytes / 1e6).toFixed(1)} MB in ${took} s`);
  if (unread.size > 0) process.exitCode = 1;
}

if (import.meta.main) await run(() => main(process.argv.slice(2)));
