/** The JavaScript runtimes that brio is tried on, each fetched from npm into a cache. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { output, outsideEnvironment } from "../processes.ts";

export interface Runtime {
  readonly name: string;
  readonly version: string;
  /** What comes before the program's path on the command line. */
  readonly args: readonly string[];
}

/** The newest of each release line. Where a platform has no such build, the newest of its line serves. */
export const runtimes: readonly Runtime[] = [
  { name: "node", version: "20.20.2", args: [] },
  { name: "node", version: "22.23.3", args: [] },
  { name: "node", version: "24.21.0", args: [] },
  { name: "node", version: "26.10.0", args: [] },
  { name: "deno", version: "2.9.6", args: ["run", "--allow-all", "--no-prompt"] },
];

const windows = process.platform === "win32";

/**
 * The platform package that holds the binary. The packages `node` and `deno` themselves would need their
 * install scripts.
 */
function packageOf(runtime: Runtime): { name: string; binary: string } {
  if (runtime.name === "deno") {
    const platform = `${process.platform}-${process.arch}${process.platform === "linux" ? "-glibc" : ""}`;
    return { name: `@deno/${platform}`, binary: windows ? "deno.exe" : "deno" };
  }
  const prefix = process.platform === "darwin" && process.arch === "arm64" ? "node-bin" : "node";
  const platform = windows ? "win" : process.platform;
  return { name: `${prefix}-${platform}-${process.arch}`, binary: windows ? "bin/node.exe" : "bin/node" };
}

/** Installs a runtime unless the cache has it, and returns the path of its binary. */
export function fetchRuntime(runtime: Runtime, cache: string): string {
  const { name, binary } = packageOf(runtime);
  const folder = join(cache, `${runtime.name}-${runtime.version}`);
  const path = join(folder, "node_modules", name, binary);
  if (existsSync(path)) return path;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true }));
  const install = (version: string) =>
    output("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", `${name}@${version}`], {
      cwd: folder,
      env: outsideEnvironment(),
    });
  try {
    install(runtime.version);
  } catch (error) {
    if (!(error instanceof Error) || !/ETARGET|E404/.test(error.message)) throw error;
    install(runtime.version.split(".", 1)[0] ?? runtime.version);
  }
  return path;
}
