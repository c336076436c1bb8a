/**
 * The layer rule: the folders of a package's `src` are the floors of a house, and imports only go down.
 *
 * Imports are read from the text. That is enough: the sources are formatted, so a statement starts its
 * line, and a line inside a doc comment starts with an asterisk.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix, relative, sep } from "node:path";

/** The floors of brio from the ground up. A folder that is not listed is an error: say where it belongs. */
export const layers = [
  "loop",
  "cancel",
  "tasks",
  "compose",
  "sync",
  "queues",
  "run",
  "streams",
  "subprocess",
  "files",
  "iter",
  "threads",
  "inspect",
  "testing",
] as const;

/** The floors of the other packages, by their names. */
const houses: Readonly<Record<string, readonly string[]>> = {
  brio: layers,
  "@brio/distributed": ["wire", "queue", "executor", "worker", "command"],
  "@brio/http": ["client", "download", "command", "server", "fastify", "express", "hono"],
  "@brio/sql": ["statement", "pool", "database", "builders", "postgres", "mysql", "sqlite"],
};

/** What a package may be built of. */
export interface House {
  /** Its folders, from the ground up. */
  readonly floors: readonly string[];
  /** The packages that its sources may import. */
  readonly dependencies: readonly string[];
}

/** Past this many lines a file usually holds two ideas. */
export const longFile = 400;

export interface Import {
  readonly specifier: string;
  readonly line: number;
  /** `static` imports are evaluated before their importer; `type` and `lazy` ones can't form a cycle. */
  readonly kind: "static" | "type" | "lazy";
}

export interface Finding {
  /** Relative to the source folder. */
  readonly file: string;
  readonly line: number;
  readonly rule: "imports go down" | "known folder" | "index is for users" | "no dependencies" | "no cycles";
  readonly message: string;
}

export interface Report {
  readonly files: number;
  readonly imports: number;
  readonly findings: readonly Finding[];
  readonly warnings: readonly string[];
}

const statement =
  /^[ \t]*(?:import|export)\b(?<type>\s+type\b(?!\s*(?:,|from\b)))?(?:[^"';=()]*?\bfrom)?\s*["'](?<specifier>[^"'\n]+)["']/gm;
const lazy = /\bimport\(\s*["'](?<specifier>[^"'\n]+)["']/g;

/** Blanks comments, keeping every line where it is. */
function withoutComments(source: string): string {
  const blank = (text: string) => text.replace(/[^\n]/g, " ");
  return source
    .replace(/^[ \t]*\/\*[\s\S]*?\*\//gm, blank)
    .replace(/^[ \t]*\/\/.*$/gm, blank)
    .replace(/(?<=[,;{}]\s*)\/\/.*$/gm, blank);
}

export function importsOf(source: string): Import[] {
  const text = withoutComments(source);
  const lineOf = (index: number) => text.slice(0, index).split("\n").length;
  const found: Import[] = [];
  for (const match of text.matchAll(statement)) {
    const { specifier = "", type } = match.groups ?? {};
    const line = lineOf(match.index + match[0].length - 1);
    found.push({ specifier, line, kind: type === undefined ? "static" : "type" });
  }
  for (const match of text.matchAll(lazy)) {
    found.push({ specifier: match.groups?.specifier ?? "", line: lineOf(match.index), kind: "lazy" });
  }
  return found;
}

/**
 * @param src the folder of sources
 * @param entryPoints the files that the package exports, relative to `src`; they may import an `index.ts`
 */
export function checkLayers(
  src: string,
  entryPoints: readonly string[],
  { floors, dependencies }: House = { floors: layers, dependencies: [] },
): Report {
  /** `src/index.ts` stands on the roof. */
  const floorOf = (file: string): number | undefined => {
    if (file === "index.ts") return floors.length;
    const floor = floors.indexOf(file.includes("/") ? folderOf(file) : "");
    return floor === -1 ? undefined : floor;
  };
  const files = readdirSync(src, { recursive: true, encoding: "utf8" })
    .map((file) => file.split(sep).join("/"))
    .filter((file) => file.endsWith(".ts"))
    .sort();
  const findings: Finding[] = [];
  const warnings: string[] = [];
  const edges = new Map<string, { target: string; line: number }[]>();
  let imports = 0;

  for (const file of files) {
    const source = readFileSync(join(src, file), "utf8");
    const lines = source.split("\n").length - 1;
    if (lines > longFile) warnings.push(`${file}: ${lines} lines; past ${longFile} a file holds two ideas`);
    const floor = floorOf(file);
    if (floor === undefined) {
      const message = `${file} is in no folder of the house (${floors.join(", ")})`;
      findings.push({ file, line: 1, rule: "known folder", message });
    }
    const out: { target: string; line: number }[] = [];
    edges.set(file, out);
    for (const { specifier, line, kind } of importsOf(source)) {
      imports++;
      if (specifier.startsWith("node:") || dependencies.includes(packageOf(specifier))) continue;
      const target = posix.normalize(posix.join(posix.dirname(file), specifier));
      if (!specifier.startsWith(".") || target.startsWith("../")) {
        const allowed = ["node: modules", ...dependencies, "files of this package"].join(", ");
        const message = `imports "${specifier}"; only these may be imported: ${allowed}`;
        findings.push({ file, line, rule: "no dependencies", message });
        continue;
      }
      if (!existsSync(join(src, target)) || !target.endsWith(".ts")) {
        const message = `imports "${specifier}", which is no source file here (write the .ts extension)`;
        findings.push({ file, line, rule: "no dependencies", message });
        continue;
      }
      if (kind === "static") out.push({ target, line });
      if (posix.basename(target) === "index.ts") {
        if (!entryPoints.includes(file)) {
          const message = `imports ${target}, which is for users of the package; import the file that has it`;
          findings.push({ file, line, rule: "index is for users", message });
        }
        if (target === "index.ts") continue;
      }
      const targetFloor = floorOf(target);
      if (floor !== undefined && targetFloor !== undefined && targetFloor > floor) {
        const message = `${folderOf(file)}/ imports ${target}, but ${folderOf(target)}/ lies above it`;
        findings.push({ file, line, rule: "imports go down", message });
      }
    }
  }
  findings.push(...cycles(edges));
  return { files: files.length, imports, findings, warnings };
}

const folderOf = (file: string): string => file.split("/", 1)[0] ?? "";

/** `brio/streams` is of `brio`. */
function packageOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

/** One finding for each import that closes a cycle in a depth-first walk. */
function cycles(edges: ReadonlyMap<string, readonly { target: string; line: number }[]>): Finding[] {
  const findings: Finding[] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string) => {
    path.push(file);
    for (const { target, line } of edges.get(file) ?? []) {
      const start = path.indexOf(target);
      if (start !== -1) {
        const message = `closes an import cycle: ${[...path.slice(start), target].join(" -> ")}`;
        findings.push({ file, line, rule: "no cycles", message });
      } else if (!done.has(target)) {
        visit(target);
      }
    }
    path.pop();
    done.add(file);
  };
  for (const file of edges.keys()) if (!done.has(file)) visit(file);
  return findings;
}

interface Manifest {
  readonly name: string;
  readonly exports: Readonly<Record<string, string | Record<string, string>>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** Reads a package's entry points and dependencies from its package.json. */
export function checkPackage(packageFolder: string): Report {
  const manifest: Manifest = JSON.parse(readFileSync(join(packageFolder, "package.json"), "utf8"));
  const floors = houses[manifest.name];
  if (floors === undefined) throw new Error(`scripts/layers.ts does not know the floors of ${manifest.name}`);
  const src = join(packageFolder, "src");
  const entryPoints = Object.values(manifest.exports)
    .map((target) => (typeof target === "string" ? target : (target["brio-source"] ?? "")))
    .filter((target) => target.endsWith(".ts"))
    .map((target) => relative(src, join(packageFolder, target)).split(sep).join("/"));
  const dependencies = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
  return checkLayers(src, entryPoints, { floors, dependencies });
}

export const root: string = dirname(import.meta.dirname);
