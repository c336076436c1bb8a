import { execFile } from "node:child_process";
import { globSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { root, type Snippet } from "./snippets.ts";

const FOLDER = join(root, "node_modules/.cache/brio-docs");

/** Type-checks snippets, all in one go. Returns the compiler's complaints, each with its place in the document. */
export async function typeErrors(snippets: readonly Snippet[]): Promise<string[]> {
  const folder = join(FOLDER, String(process.pid));
  mkdirSync(folder, { recursive: true });
  try {
    const files = snippets.map((snippet, index) => {
      // As deep in the file as it stands in its document, so that line numbers are the document's.
      writeFileSync(join(folder, `${index}.ts`), `${"\n".repeat(snippet.line - 1)}${snippet.code}\n`);
      return `${index}.ts`;
    });
    // What the sources say of modules that say nothing of themselves.
    files.push(...globSync("packages/*/src/**/*.d.ts", { cwd: root }).map((file) => join(root, file)));
    // What a document imports lies beside it.
    const rootDirs = [folder, join(root, "docs")];
    const options = { noEmit: true, customConditions: ["brio-source"], rootDirs };
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({ extends: join(root, "tsconfig.base.json"), compilerOptions: options, files }),
    );
    const output = await tsc(folder);
    return output
      .split("\n")
      .filter((line) => line !== "")
      .map((line) =>
        line.replace(/^(\d+)\.ts\((\d+),/, (_, index, at) => `${snippets[index]?.file}:${at}: (`),
      );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function tsc(folder: string): Promise<string> {
  const program = join(root, "node_modules/typescript/bin/tsc");
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [program, "--pretty", "false", "-p", "."],
      { cwd: folder },
      (error, stdout, stderr) => {
        resolve(error === null ? "" : `${stdout}${stderr}` || String(error));
      },
    );
  });
}
