/** Whom brio is compared with, and how their cells are run. */

export const pythonPeers = [
  "asyncio",
  "uvloop",
  "trio",
  "aiohttp",
  "fastapi",
  "aiosqlite",
  "asyncpg",
  "aiopg",
  "aiomysql",
] as const;

export const peerNames = [
  "brio",
  "native",
  "effect",
  "effection",
  "p-limit",
  "p-queue",
  "async-mutex",
  "piscina",
  "tinypool",
  "workerpool",
  "bullmq",
  "undici",
  "curl",
  "aria2",
  "sqlite-thread",
  ...pythonPeers,
] as const;

export type PeerName = (typeof peerNames)[number];

/** The peers that every row is offered to, unlike the small packages that do one thing. */
export const runtimes = [
  "native",
  "effect",
  "effection",
  "asyncio",
  "uvloop",
  "trio",
] as const satisfies PeerName[];

export const smallPackages = ["p-limit", "p-queue", "async-mutex"] as const satisfies PeerName[];

export const isPython = (peer: PeerName): boolean => (pythonPeers as readonly string[]).includes(peer);

/** Those that are Node itself. */
export const isNode = (peer: PeerName): boolean => peer === "native" || peer === "sqlite-thread";

/** Programs of the system's: what they are called there. */
export const commands: Readonly<Partial<Record<PeerName, string>>> = { curl: "curl", aria2: "aria2c" };

/** Those that come from npm, brio among them. */
export const isPackage = (peer: PeerName): boolean =>
  !isNode(peer) && !isPython(peer) && commands[peer] === undefined;

/** Pools of threads or processes, and nothing else. */
export const poolPackages = ["piscina", "tinypool", "workerpool"] as const satisfies PeerName[];

/** How a table's heading names them. */
export const titles: Readonly<Record<PeerName, string>> = {
  brio: "brio",
  native: "native promises",
  effect: "Effect",
  effection: "Effection",
  "p-limit": "p-limit",
  "p-queue": "p-queue",
  "async-mutex": "async-mutex",
  piscina: "piscina",
  tinypool: "tinypool",
  workerpool: "workerpool",
  bullmq: "BullMQ",
  undici: "undici",
  curl: "curl",
  aria2: "aria2",
  "sqlite-thread": "node:sqlite in a thread",
  asyncio: "asyncio",
  uvloop: "uvloop",
  trio: "trio",
  aiohttp: "aiohttp",
  fastapi: "FastAPI",
  aiosqlite: "aiosqlite",
  asyncpg: "asyncpg",
  aiopg: "aiopg",
  aiomysql: "aiomysql",
};

/** What Node does by itself, or with the package that brio stands on, in the groups where that is no promise. */
const nativeTitles: Readonly<Record<string, string>> = {
  echo: "node:net",
  "http-client": "fetch",
  "http-server": "the framework alone",
  sql: "the driver alone",
};

/** How the tables of a group name a peer. */
export const titleIn = (group: string | undefined, peer: PeerName): string =>
  (peer === "native" ? nativeTitles[group ?? ""] : undefined) ?? titles[peer];
