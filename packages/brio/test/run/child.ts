import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

// The pinned Node: npm scripts and vitest may have been started by another.
const NODE = fileURLToPath(new URL("../../../../node_modules/.bin/node", import.meta.url));

/** How a child process ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The lines that it printed. */
  readonly out: readonly string[];
  /** What it wrote to stderr. */
  readonly err: string;
}

/** A program in a process of its own. It is killed when the test is over, so that none is left behind. */
export class Child {
  readonly ended: Promise<Ended>;
  private readonly process: ChildProcess;
  private readonly lines: string[] = [];
  private readonly readers = new Set<() => void>();

  /**
   * @param fixture the program, as a URL relative to the test: `new URL("fixtures/main.ts", import.meta.url)`
   * @param options `node`: options for Node itself; `env`: more environment variables; `descriptors`: how many it may have
   */
  constructor(
    fixture: URL,
    args: readonly string[] = [],
    options: { node?: string[]; env?: object; descriptors?: number } = {},
  ) {
    const program = ["--conditions=brio-source", ...(options.node ?? []), fileURLToPath(fixture), ...args];
    const env = { ...process.env, NODE_OPTIONS: "", BRIO_DEBUG: "", ...options.env };
    const limited = ["-c", `ulimit -n ${options.descriptors} && exec "$0" "$@"`, NODE, ...program];
    const [command, line] = options.descriptors === undefined ? [NODE, program] : ["sh", limited];
    const child = spawn(command, line, { env, stdio: ["ignore", "pipe", "pipe"] });
    this.process = child;
    let err = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      err += text;
    });
    createInterface({ input: child.stdout }).on("line", (line) => {
      this.lines.push(line);
      for (const reader of this.readers) reader();
    });
    this.ended = new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code, signal) => {
        for (const reader of this.readers) reader();
        resolve({ code, signal, out: this.lines, err });
      });
    });
    onTestFinished(async () => {
      child.kill("SIGKILL");
      await this.ended;
    });
  }

  /** Waits until the program has printed `text` as a line. */
  async printed(text: string): Promise<void> {
    await this.until(() => this.lines.includes(text), `"${text}"`);
  }

  /** The first line that the program prints. */
  async line(): Promise<string> {
    await this.until(() => this.lines.length > 0, "a line");
    return this.lines[0] as string; // it has just come
  }

  private async until(condition: () => boolean, what: string): Promise<void> {
    let reader = (): void => {};
    const found = new Promise<void>((resolve) => {
      reader = () => {
        if (condition()) resolve();
      };
      this.readers.add(reader);
      reader();
    });
    const ended = this.ended.then(({ code, signal, err }) => {
      if (!condition()) {
        throw new Error(`the program ended (${code ?? signal}) without printing ${what}; ${err}`);
      }
    });
    await Promise.race([found, ended]);
    this.readers.delete(reader);
  }

  kill(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }
}
