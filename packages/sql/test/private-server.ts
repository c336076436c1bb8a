import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { onTestFinished } from "vitest";
import { accepts } from "../../brio/test/services.ts";

/** Are all these programs installed? */
export function installed(...programs: readonly string[]): boolean {
  return programs.every((program) => {
    try {
      execFileSync("which", [program], { stdio: "ignore" });
      return true;
    } catch {
      return false;
    }
  });
}

interface Recipe {
  /** The user that it runs as if the tests run as root, as servers refuse to. */
  readonly user: string;
  setUp(folder: string): readonly string[];
  run(folder: string, port: number): readonly string[];
  /** What ends it like a crash. */
  readonly crash: NodeJS.Signals;
}

const RECIPES = {
  postgres: {
    user: "postgres",
    setUp: (folder) => ["initdb", "-D", join(folder, "data"), "-A", "trust", "-U", "root", "--no-sync"],
    run: (folder, port) => [
      ...["postgres", "-D", join(folder, "data"), "-p", String(port), "-k", folder],
      ...["-c", "listen_addresses=127.0.0.1", "-c", "max_connections=20", "-c", "log_min_messages=panic"],
    ],
    // All its processes end at once, without writing anything: its children would outlive a SIGKILL for a while.
    crash: "SIGQUIT",
  },
  mysql: {
    user: "mysql",
    setUp: (folder) => [
      ...["mariadb-install-db", "--no-defaults", `--datadir=${join(folder, "data")}`],
      ...["--auth-root-authentication-method=normal", "--skip-test-db"],
    ],
    run: (folder, port) => [
      ...["mariadbd", "--no-defaults", `--datadir=${join(folder, "data")}`, `--port=${port}`],
      ...[
        `--socket=${join(folder, "socket")}`,
        "--bind-address=127.0.0.1",
        "--max-connections=20",
        "--silent-startup",
      ],
    ],
    crash: "SIGKILL",
  },
} satisfies Record<string, Recipe>;

/** A server of the test's own, which may be killed. */
export class PrivateServer {
  readonly port: number;
  private readonly recipe: Recipe;
  private readonly folder: string;
  private child: ChildProcess | null = null;

  private constructor(recipe: Recipe, folder: string, port: number) {
    this.recipe = recipe;
    this.folder = folder;
    this.port = port;
  }

  static async start(kind: keyof typeof RECIPES): Promise<PrivateServer> {
    const recipe: Recipe = RECIPES[kind];
    const folder = mkdtempSync(join(tmpdir(), `brio-${kind}-`));
    const server = new PrivateServer(recipe, folder, await freePort());
    onTestFinished(async () => {
      await server.crash();
      rmSync(folder, { recursive: true });
    });
    const identity = server.identity();
    if (identity.uid !== undefined) chownSync(folder, identity.uid, identity.gid ?? -1);
    const [program = "", ...options] = recipe.setUp(folder);
    execFileSync(program, options, { stdio: "ignore", cwd: folder, ...identity });
    await server.restart();
    return server;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  async crash(): Promise<void> {
    const { child } = this;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(this.recipe.crash);
    await exited;
  }

  async restart(): Promise<void> {
    const [program = "", ...options] = this.recipe.run(this.folder, this.port);
    this.child = spawn(program, options, { stdio: "ignore", cwd: this.folder, ...this.identity() });
    while (!(await accepts(this.address))) {
      if (this.child.exitCode !== null) throw new Error(`${program} ended with ${this.child.exitCode}`);
      await delay(20);
    }
  }

  private identity(): { uid?: number; gid?: number } {
    if (process.getuid?.() !== 0) return {};
    const id = (option: string): number => Number(execFileSync("id", [option, this.recipe.user]).toString());
    return { uid: id("-u"), gid: id("-g") };
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
