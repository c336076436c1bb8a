/** What this machine has: its processor, its Pythons, the versions of the peers. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import { commands, isNode, isPython, type PeerName, pythonPeers } from "./peers.ts";

export const benchmarks = dirname(import.meta.dirname);
export const root = dirname(benchmarks);

export function processor(): string {
  const all = cpus();
  return `${all[0]?.model.trim() ?? "unknown"}, ${all.length} cores`;
}

export interface Python {
  readonly path: string;
  /** The Python peers that it has, and their versions. */
  readonly versions: Readonly<Partial<Record<PeerName, string>>>;
}

// asyncio.timeout and TaskGroup came with 3.11.
const PROBE = `
import importlib, json, platform, sys
versions = {}
if sys.version_info >= (3, 11):
    for name in ${JSON.stringify(pythonPeers)}:
        try:
            module = importlib.import_module(name)
            versions[name] = getattr(module, "__version__", platform.python_version())
        except ImportError:
            pass
print(json.dumps(versions))
`;

/**
 * The interpreter that has most of the Python peers: BRIO_BENCH_PYTHON if that is set, else `python3`, or the
 * system's own, which may be another one.
 */
export function findPython(candidates = pythonCandidates()): Python | undefined {
  let best: Python | undefined;
  for (const path of candidates) {
    const { status, stdout } = spawnSync(path, ["-c", PROBE], { encoding: "utf8" });
    if (status !== 0) continue;
    const versions = JSON.parse(stdout) as Python["versions"]; // what PROBE prints
    const count = Object.keys(versions).length;
    if (count > Object.keys(best?.versions ?? {}).length) best = { path, versions };
    if (count === pythonPeers.length) break;
  }
  return best;
}

function pythonCandidates(): string[] {
  const chosen = process.env.BRIO_BENCH_PYTHON;
  return chosen ? [chosen] : ["python3", "/usr/bin/python3", "/usr/local/bin/python3", "python"];
}

/** The folder of an installed package, as seen from `from`. */
export function packageFolder(name: string, from: string = benchmarks): string {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, "node_modules", name);
    if (existsSync(join(candidate, "package.json"))) return candidate;
    if (folder === dirname(folder)) throw new Error(`${name} is not installed: run npm install`);
  }
}

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly exports?: unknown;
}

export const manifest = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest; // npm checked it

/** The version of each peer that is here, for the caption of a table. */
export function versionOf(peer: PeerName, python: Python | undefined): string | undefined {
  if (isPython(peer)) return python?.versions[peer];
  const command = commands[peer];
  if (command !== undefined) return versionOfCommand(command);
  if (isNode(peer)) return process.version.replace(/^v/, "");
  return manifest(packageFolder(peer)).version;
}

/** Both curl and aria2 begin with their name and the version. */
function versionOfCommand(command: string): string | undefined {
  const { stdout } = spawnSync(command, ["--version"], { encoding: "utf8" });
  return /\d+(?:\.\d+)+/.exec(stdout ?? "")?.[0];
}

/** Is this peer on this machine? Packages are: they are installed with the benchmarks. */
export const isHere = (peer: PeerName, python: Python | undefined): boolean =>
  versionOf(peer, python) !== undefined;
