/** Running other programs from the repository's scripts. */
import { type SpawnOptions, spawn, spawnSync } from "node:child_process";
import { delimiter } from "node:path";

/**
 * The environment of a stranger's shell: without the programs that `npm run` puts first on the PATH (the
 * pinned Node among them), and without the settings it hands down.
 */
export function outsideEnvironment(): NodeJS.ProcessEnv {
  const environment: NodeJS.ProcessEnv = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (!/^(npm_|NODE_OPTIONS$|INIT_CWD$)/i.test(name)) environment[name] = value;
  }
  environment.PATH = (process.env.PATH ?? "")
    .split(delimiter)
    .filter((folder) => !/node_modules[\\/]\.bin[\\/]?$|node-gyp-bin[\\/]?$/.test(folder))
    .join(delimiter);
  return environment;
}

/** Runs a program to its end and returns what it printed; throws if it fails. */
export function output(command: string, args: readonly string[], options: SpawnOptions = {}): string {
  const child = spawnSync(command, args, {
    encoding: "utf8",
    maxBuffer: 2 ** 28,
    shell: process.platform === "win32",
    ...options,
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (child.error !== undefined) throw child.error;
  if (child.status !== 0) {
    const end = child.status === null ? `was ended by ${child.signal}` : `exited with ${child.status}`;
    throw new Error(`${[command, ...args].join(" ")} ${end}:\n${child.stdout}${child.stderr}`);
  }
  return child.stdout;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** stdout and stderr, as they came. */
  readonly text: string;
  readonly seconds: number;
}

/** Runs a program to its end, however it ends. Ends it itself after `limit` milliseconds. */
export function ended(
  command: string,
  args: readonly string[],
  options: SpawnOptions & { readonly limit: number },
): Promise<Ended> {
  const start = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      ...options,
      stdio: ["ignore", "pipe", "pipe"],
      timeout: options.limit,
      killSignal: "SIGKILL",
    });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
    }
    child.once("error", reject);
    child.once("close", (code, signal) => {
      resolve({ code, signal, text, seconds: (performance.now() - start) / 1000 });
    });
  });
}
