// A build runner: it does the steps of a build as child processes, as many at once as there are processors (and four at
// least), in the order that their needs allow. When a step fails, or on Ctrl-C, all that runs is ended, with all that it has started.
//
//     npx node --conditions=brio-source examples/11-build-runner/main.ts            builds a small program
//     npx node --conditions=brio-source examples/11-build-runner/main.ts broken     one of the steps fails
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ExceptionGroup, run } from "brio";
import { build, type Step } from "./build.ts";

const program: Record<string, Step> = {
  generate: { run: "for n in 1 2 3; do echo \"console.log('part $n');\" > part$n.js; done; ls" },
  "check part1": { run: "sleep 0.1; node --check part1.js", needs: ["generate"] },
  "check part2": { run: "sleep 0.1; node --check part2.js", needs: ["generate"] },
  "check part3": { run: "sleep 0.1; node --check part3.js", needs: ["generate"] },
  bundle: {
    run: "cat part*.js > bundle.js; wc -l < bundle.js",
    needs: ["check part1", "check part2", "check part3"],
  },
  test: { run: "node bundle.js", needs: ["bundle"] },
};

const broken: Record<string, Step> = {
  server: { run: "echo listening; sleep 1000 & wait" },
  compile: { run: "sleep 0.3; echo 'part1.js:1: no such name' >&2; exit 2" },
  test: { run: "node bundle.js", needs: ["compile"] },
};

async function main(steps: Record<string, Step>): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "brio-build-"));
  try {
    await build(steps, folder);
    console.log("all is built");
    return 0;
  } catch (error) {
    if (!(error instanceof ExceptionGroup)) throw error;
    for (const { message } of error.errors as Error[]) console.log(`failed: ${message}`);
    return 1;
  } finally {
    await rm(folder, { recursive: true });
  }
}

if (import.meta.main) {
  process.exitCode = await run(() => main(process.argv[2] === "broken" ? broken : program));
}
