/**
 * Does what a user does: installs the packed packages into an empty project, runs programs on the
 * system's own Node (not the pinned one) and compiles others against the declarations.
 */
import { cpSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { root } from "./layers.ts";
import { output, outsideEnvironment } from "./processes.ts";
import { weigh } from "./weigh.ts";

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

/** How large what a package's main entry needs may be, in bytes, gzipped. */
const limits: Readonly<Record<string, number>> = { brio: 60_000 };

const tsc = join(root, "node_modules/typescript/bin/tsc");
const env = outsideEnvironment();
const project = mkdtempSync(join(tmpdir(), "brio-pack-"));

try {
  const tarballs: string[] = [];
  for (const file of globSync("packages/*/package.json", { cwd: root })) {
    const folder = join(root, dirname(file));
    const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    if (manifest.private === true) continue;
    const packed = pack(folder);
    tarballs.push(`./${packed.filename}`);
    const paths = packed.files.map(({ path }) => path);
    checkContents(manifest.name, paths, entryFiles(manifest.exports), existsSync(join(folder, "README.md")));
    console.log(
      `${manifest.name}@${manifest.version}: ${kilobytes(packed.size)} gzipped,`,
      `${kilobytes(packed.unpackedSize)} unpacked, ${packed.files.length} files`,
    );
    const core = weigh(folder, entryFiles(manifest.exports["."]));
    const limit = limits[manifest.name] ?? Number.POSITIVE_INFINITY;
    console.log(`${kilobytes(core)} of that for those who import "${manifest.name}" only.`);
    if (core > limit) throw new Error(`the core of ${manifest.name} is larger than ${kilobytes(limit)}`);
  }

  writeFileSync(
    join(project, "package.json"),
    JSON.stringify({ name: "empty-project", private: true, type: "module" }),
  );
  output("npm", ["install", "--no-audit", "--no-fund", ...tarballs], { cwd: project, env });
  cpSync(join(root, "scripts/check-pack"), project, { recursive: true });

  const version = output("node", ["--version"], { cwd: project, env }).trim();
  for (const program of ["program.js", "distributed.js", "frameworks.js"]) {
    process.stdout.write(output("node", [program], { cwd: project, env }));
  }
  console.log(`The programs ran on the system's Node, ${version}.`);

  writeFileSync(
    join(project, "tsconfig.json"),
    JSON.stringify({
      compilerOptions: {
        target: "ES2022",
        lib: ["ES2022", "ESNext.Disposable"],
        module: "NodeNext",
        moduleResolution: "NodeNext",
        strict: true,
        exactOptionalPropertyTypes: true,
        skipLibCheck: false,
        noEmit: true,
        typeRoots: [join(root, "node_modules/@types")],
        types: ["node"],
      },
      files: ["consumer.ts", "distributed-consumer.ts"],
    }),
  );
  output(process.execPath, [tsc, "-p", project], { cwd: project, shell: false });
  console.log("The consumers compiled against the packed declarations.");
} finally {
  rmSync(project, { recursive: true, force: true });
}

function pack(folder: string): Packed {
  // npm builds it first (`prepack`), and must not print what that prints among the JSON.
  const args = ["pack", "--json", "--foreground-scripts=false", "--pack-destination", project];
  const printed = output("npm", args, { cwd: folder, env });
  // A list of packages, or, in newer versions of npm, an object with a member for each.
  const [packed] = Object.values(JSON.parse(printed) as Record<string, Packed>);
  if (packed === undefined) throw new Error(`npm pack in ${folder} packed nothing`);
  return packed;
}

function checkContents(name: string, paths: string[], entries: string[], readme: boolean): void {
  const strays = paths.filter((path) => /(^|\/)test\/|\.test\.|\.tsbuildinfo$/.test(path));
  if (strays.length > 0) throw new Error(`${name} would publish ${strays.join(", ")}`);
  const wanted = [...entries, "LICENSE", ...(readme ? ["README.md"] : [])];
  const missing = wanted.filter((path) => !paths.includes(path));
  if (missing.length > 0) throw new Error(`${name} would be published without ${missing.join(", ")}`);
}

/** Every file that an exports map leads to, whatever the condition; but for that of the sources, which stay here. */
function entryFiles(exports: unknown): string[] {
  if (typeof exports === "string") return [exports.replace(/^\.\//, "")];
  return Object.entries(exports as Record<string, unknown>)
    .filter(([condition]) => condition !== "brio-source")
    .flatMap(([, target]) => entryFiles(target));
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} kB`;
}
