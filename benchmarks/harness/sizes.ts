/** How much a user downloads and installs: a package and all that it depends on, each counted once. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { weigh } from "../../scripts/weigh.ts";
import type { PeerName } from "./peers.ts";
import { manifest, packageFolder, root } from "./system.ts";

export interface Sizes {
  /** Bytes, gzipped as npm publishes them; of brio, what its main entry needs. */
  readonly packed: number;
  /** Bytes. */
  readonly installed: number;
}

/** Both sizes come from one call, and don't change while the harness runs. */
const known = new Map<string, Sizes>();

export function sizesOf(peer: PeerName): Sizes {
  const packages = [...closure(packageFolder(peer))].map(sizesOfOne);
  return {
    packed: packages.reduce((sum, { packed }) => sum + packed, 0),
    installed: packages.reduce((sum, { installed }) => sum + installed, 0),
  };
}

function sizesOfOne(folder: string): Sizes {
  const { name, version } = manifest(folder);
  // Packing the largest peer takes seconds. A published version is what it is; ours is not published yet.
  const note = join(root, "node_modules/.cache/brio-benchmarks", `${name}@${version}.json`);
  let sizes = known.get(folder);
  if (sizes === undefined && name !== "brio" && existsSync(note)) {
    sizes = JSON.parse(readFileSync(note, "utf8")) as Sizes; // written below
  }
  if (sizes === undefined) {
    sizes = pack(folder);
    mkdirSync(dirname(note), { recursive: true });
    writeFileSync(note, JSON.stringify(sizes));
  }
  known.set(folder, sizes);
  return sizes;
}

function closure(folder: string, found = new Set<string>()): Set<string> {
  if (found.has(folder)) return found;
  found.add(folder);
  for (const name of Object.keys(manifest(folder).dependencies ?? {})) {
    closure(packageFolder(name, folder), found);
  }
  return found;
}

/** An installed folder holds what was published, so packing it again says how large that was. */
function pack(folder: string): Sizes {
  const { status, stdout, stderr } = spawnSync(
    "npm",
    ["pack", "--dry-run", "--json", "--ignore-scripts", folder],
    { encoding: "utf8", maxBuffer: 2 ** 28, shell: process.platform === "win32" },
  );
  if (status !== 0) throw new Error(`npm pack of ${folder} failed:\n${stderr}`);
  // A list of packages, or, in newer versions of npm, an object with a member for each.
  const [packed] = Object.values(
    JSON.parse(stdout) as Record<string, { size: number; unpackedSize: number }>,
  );
  if (packed === undefined) throw new Error(`npm pack of ${folder} packed nothing`);
  // brio has several entries, and who imports one needs no other; its peers have one that leads to everything.
  const { name, exports } = manifest(folder);
  const size = name === "brio" ? weigh(folder, mainEntry(exports)) : packed.size;
  return { packed: size, installed: packed.unpackedSize };
}

function mainEntry(exports: unknown): string[] {
  const { types, default: code } = (exports as Record<string, Record<string, string>>)["."] ?? {}; // brio's has both
  return [types, code].filter((path) => path !== undefined);
}
