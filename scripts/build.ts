/**
 * Makes what is published: in a package's `dist`, JavaScript and declarations for each entry of its `exports`.
 *
 * - What the entries share is in one file, `core.js`: that loads faster than a file for each source, and packs smaller. What the
 *   first entry does not need is in another one, `shared.js`: so the others need not load the first one's dependencies.
 * - Local names are short. Those of functions and classes stay: reports and stack traces show them.
 * - A statement has a line of its own: stack traces lead to it, and Node prints that line when an error is uncaught.
 * - Commands (`bin`) are made too, at the places of their sources. Dependencies are not: they are installed beside it.
 * - Declarations that no entry leads to are left out, and so are examples: the sources and the docs have them.
 */
import { spawnSync } from "node:child_process";
import { globSync, readFileSync, rmSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { type BuildOptions, build, type ChunkingContext, type Plugin } from "rolldown";
import { parseSync } from "rolldown/utils";
import { dts } from "rolldown-plugin-dts";
import { minify } from "terser";
import { root } from "./layers.ts";

/** What an `exports` map says of an entry. */
type Entry = Record<"brio-source" | "types" | "default", string>;

interface Manifest {
  readonly private?: boolean;
  readonly exports: Readonly<Record<string, Entry | string>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** As the last step. Not with a pattern: a string may go over several lines. */
const withoutIndentation: Plugin = {
  name: "without-indentation",
  async generateBundle(_options, files) {
    const format = { beautify: true, indent_level: 0 };
    for (const file of Object.values(files)) {
      if (file.type !== "chunk") continue;
      const { code } = await minify(file.code, { module: true, compress: false, mangle: false, format });
      file.code = code as string; // undefined only if its output is asked for as a tree
    }
  },
};

/** Takes the examples out of doc comments. One goes as far as the next tag. */
const withoutExamples: Plugin = {
  name: "without-examples",
  transform(code, id) {
    const example = /(?:\n *\*)*\n *\* @example\b[\s\S]*?(?=\n *\* @\w|\n *\*\/$)/;
    const { comments } = parseSync(id, code, { lang: "dts" });
    return comments.reduceRight((text, { start, end }) => {
      return text.slice(0, start) + text.slice(start, end).replace(example, "") + text.slice(end);
    }, code);
  },
};

// From nothing: tsc leaves the outputs of sources that are gone, and misses none that somebody has deleted.
for (const folder of globSync("packages/*/build", { cwd: root }))
  rmSync(join(root, folder), { recursive: true });
const tsc = join(root, "node_modules/typescript/bin/tsc");
const { status } = spawnSync(process.execPath, [tsc, "-b", join(root, "tsconfig.build.json")], {
  stdio: "inherit",
});
if (status !== 0) process.exit(1);

for (const file of globSync("packages/*/package.json", { cwd: root })) {
  const manifest: Manifest = JSON.parse(readFileSync(join(root, file), "utf8"));
  if (manifest.private === true) continue;
  const folder = join(root, dirname(file));
  const entries = Object.values(manifest.exports).filter((entry) => typeof entry !== "string");
  rmSync(join(folder, "dist"), { recursive: true, force: true });
  const commands = Object.values(manifest.bin ?? {});
  const dependencies = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
  const external = dependencies.map((name) => new RegExp(`^${name}(?:/|$)`));
  await build([javascript(folder, entries, commands, external), declarations(folder, entries, external)]);
}

function javascript(
  folder: string,
  entries: readonly Entry[],
  commands: readonly string[],
  external: RegExp[],
): BuildOptions {
  const files = [...entries.map((entry) => entry.default), ...commands];
  // Each entry but the first has a folder of its own, with what only it needs.
  const apart = files.slice(1).map((file) => join(folder, "src", dirname(nameOf(file))) + sep);
  const first = join(folder, "src", `${nameOf(files[0] as string)}.ts`); // a package has an entry
  const names = { function: true, class: true };
  return {
    input: inputs(folder, files, "src/", ".ts"),
    external,
    transform: { target: "es2022" },
    platform: "node",
    tsconfig: false,
    plugins: [withoutIndentation],
    output: {
      dir: join(folder, "dist"),
      chunkFileNames: "[name].js",
      codeSplitting: {
        groups: [
          {
            debugName: "core or shared",
            name: (id, context) => (neededBy(first, context).has(id) ? "core" : "shared"),
            test: (id) => !apart.some((path) => id.startsWith(path)),
          },
        ],
      },
      minifyInternalExports: false,
      comments: false,
      minify: {
        compress: { target: "es2022", keepNames: names, sequences: false },
        mangle: { toplevel: true, keepNames: names },
        codegen: { removeWhitespace: false },
      },
    },
  };
}

/** The modules that one leads to, itself among them. */
function neededBy(entry: string, context: ChunkingContext): ReadonlySet<string> {
  const found = new Set([entry]);
  for (const id of found) for (const next of context.getModuleInfo(id)?.importedIds ?? []) found.add(next);
  return found;
}

/** From what tsc has made of each source: it knows the inferred types, and what is `@internal`. */
function declarations(folder: string, entries: readonly Entry[], external: RegExp[]): BuildOptions {
  const files = entries.map((entry) => entry.default);
  return {
    input: inputs(folder, files, "build/", ".d.ts"),
    external,
    platform: "node",
    plugins: [withoutExamples, dts({ dtsInput: true, tsconfig: false })],
    experimental: { attachDebugInfo: "none" },
    output: { dir: join(folder, "dist"), chunkFileNames: "[name].d.ts", minifyInternalExports: false },
  };
}

/** The file that each published file begins with, by the name that this gets in `dist`. */
function inputs(folder: string, files: readonly string[], from: string, extension: string) {
  const names = files.map(nameOf);
  return Object.fromEntries(names.map((name) => [name, join(folder, from, name + extension)]));
}

/** `./dist/streams/index.js` is `streams/index`. */
function nameOf(file: string): string {
  return file.replace(/^\.\/dist\/|\.js$/g, "");
}
