// Downloads many files from a server of its own, first one by one, then together, and reports what that brought.
//
//   npm start                                     40 files to a temporary directory, 8 at once
//   npm start -- --dir downloads --at-once 16     keeps the files
//
// Ends with exit code 0 only if everything that can be had has arrived, and nothing else.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CancelledError, run } from "brio";
import { oneByOne, together } from "./download.ts";
import { bytes } from "./format.ts";
import { type Options, optionsOf, USAGE } from "./options.ts";
import { makePass, type Plan } from "./pass.ts";
import { report } from "./report.ts";
import { serving } from "./server.ts";
import { makeSite } from "./site.ts";

/** True if all is as it should be. */
export async function main({ dir, files: count, atOnce }: Options): Promise<boolean> {
  const files = makeSite(count);
  const size = files.reduce((sum, file) => sum + file.size, 0);
  console.log(`${count} files, ${bytes(size)}, from a server that often fails\n`);

  const target = dir ?? (await mkdtemp(join(tmpdir(), "brio-downloads-")));
  try {
    const [slow, fast] = await serving(files, async (origin) => {
      const plan = (label: string, name: string): Plan => ({
        label,
        files,
        url: `${origin}/${name}`,
        directory: join(target, name),
      });
      return [
        await makePass(plan("one by one", "one-by-one"), 1, (job) => oneByOne(job, files)),
        await makePass(plan("together", "together"), atOnce, (job) => together(job, files, atOnce)),
      ];
    });
    return report(slow, fast);
  } catch (error) {
    if (error instanceof CancelledError) console.log("Interrupted: no partial file is left.");
    throw error;
  } finally {
    if (dir === undefined) await rm(target, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  let options: Options;
  try {
    options = optionsOf(process.argv.slice(2));
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`); // it throws nothing but errors
    process.exit(2);
  }
  process.exitCode = (await run(() => main(options))) ? 0 : 1;
}
