// Examples as their readers run them: each a process of its own.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { onTestFinished, vi } from "vitest";

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it printed to stdout. */
  readonly lines: readonly string[];
  readonly stderr: string;
}

/** Leaves no process behind: `await using program = new Program(...)`. */
export class Program implements AsyncDisposable {
  readonly process: ChildProcess;
  private readonly lines: string[] = [];
  private readonly stderr: string[] = [];
  private readonly end: Promise<unknown[]>;
  private onLine: (line: string) => void = () => {};

  /** Runs `examples/<path>` with `args`, and with `variables` added to the environment. */
  constructor(path: string, args: readonly string[] = [], variables: NodeJS.ProcessEnv = {}) {
    const { FORCE_COLOR: _, ...env } = process.env;
    const file = join(import.meta.dirname, "..", path);
    const child = spawn(process.execPath, ["--conditions=brio-source", file, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...env, NODE_OPTIONS: "", ...variables },
    });
    this.process = child;
    createInterface({ input: child.stdout }).on("line", (line) => {
      this.lines.push(line);
      this.onLine(line);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => this.stderr.push(text));
    this.end = once(child, "close");
  }

  /** Waits for the first line to come that `condition` holds for. */
  async line(condition: (line: string) => boolean): Promise<string> {
    return await new Promise((resolve, reject) => {
      this.onLine = (line) => {
        if (condition(line)) resolve(line);
      };
      this.end.then(
        () => reject(new Error(`it ended before: ${this.lines.join("\n")}\n${this.stderr.join("")}`)),
        reject,
      );
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.process.kill("SIGKILL");
    await this.end;
  }

  async ended(): Promise<Ended> {
    await this.end;
    const { exitCode: code, signalCode: signal } = this.process;
    return { code, signal, lines: this.lines, stderr: this.stderr.join("") };
  }
}

/** The lines that `main` prints, for an example that is run inside the test. */
export function printedLines(): string[] {
  const lines: string[] = [];
  const log = vi.spyOn(console, "log").mockImplementation((line: string) => void lines.push(line));
  onTestFinished(() => log.mockRestore());
  return lines;
}
