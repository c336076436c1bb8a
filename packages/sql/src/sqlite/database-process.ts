import { type ChildProcess, spawn } from "node:child_process";
import type { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { deserialize, serialize } from "node:v8";
import { processLost, sqliteError } from "./errors.ts";
import { HEAD, LIFELINE, PIPE, type Reply, type Request } from "./process/protocol.ts";

/** What the process runs: beside this file, in the sources as in what is published. */
const PROGRAM: string = fileURLToPath(
  new URL(`./process/main${/\.\w+$/.exec(import.meta.url)?.[0] ?? ".js"}`, import.meta.url),
);

/** Who waits for an answer. */
interface Asked {
  resolve(value: unknown): void;
  reject(error: Error): void;
  /** Told when the transaction has begun that it was to begin, whatever came of the rest. */
  readonly begun: (() => void) | undefined;
}

/** A process that has a database open. It answers in order. */
export class DatabaseProcess {
  private readonly child: ChildProcess;
  private readonly pipe: Duplex;
  private readonly asked: Asked[] = [];
  private readonly exited: Promise<void>;
  private chunks: Buffer[] = [];
  private received = 0;
  private end: Error | null = null;

  constructor() {
    this.child = spawn(process.execPath, [...nodeOptions(), PROGRAM], {
      stdio: ["ignore", "inherit", "inherit", "pipe", "pipe"],
      windowsHide: true,
    });
    this.pipe = this.child.stdio[PIPE] as Duplex; // as `stdio` asks for it
    const lifeline = this.child.stdio[LIFELINE] as Duplex; // the same
    lifeline.on("error", () => {});
    this.pipe.on("data", (chunk: Buffer) => this.came(chunk));
    this.pipe.on("error", () => this.child.kill("SIGKILL"));
    this.exited = new Promise((resolve) => {
      const ended = (how: string): void => {
        this.pipe.destroy();
        lifeline.destroy();
        this.lost(processLost(how));
        resolve();
      };
      this.child.once("error", (error) => ended(error.message));
      // Not "exit": what it has answered comes first.
      this.child.once("close", (code, signal) => ended(signal ?? `exit code ${code}`));
    });
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  get alive(): boolean {
    return this.end === null;
  }

  /** Does it do something? */
  get busy(): boolean {
    return this.asked.length > 0;
  }

  ask(request: Request, begun?: () => void): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.end !== null) {
        reject(this.end);
        return;
      }
      const body = serialize(request);
      // In one piece: one write, and one read.
      const message = Buffer.allocUnsafe(HEAD + body.length);
      message.writeUInt32LE(body.length, 0);
      body.copy(message, HEAD);
      this.asked.push({ resolve, reject, begun });
      this.pipe.write(message);
    });
  }

  /** Ends it, whatever it does. */
  kill(): void {
    this.lost(processLost("it was stopped"));
    this.child.kill("SIGKILL");
  }

  async close(): Promise<void> {
    await this.ask({ type: "close" });
    await this.exited;
  }

  private lost(error: Error): void {
    this.end ??= error;
    for (const { reject } of this.asked.splice(0)) reject(this.end);
  }

  private came(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.received += chunk.length;
    while (this.received >= HEAD) {
      const first = this.joined(HEAD);
      const size = first.readUInt32LE(0);
      if (this.received < HEAD + size) return;
      const all = this.joined(HEAD + size);
      const reply = deserialize(all.subarray(HEAD, HEAD + size)) as Reply; // as the process writes it
      this.received -= HEAD + size;
      this.chunks = this.received === 0 ? [] : [all.subarray(HEAD + size), ...this.chunks.slice(1)];
      this.answered(reply);
    }
  }

  /** The first chunk, which has so many bytes at least. */
  private joined(size: number): Buffer {
    const first = this.chunks[0] as Buffer; // the caller has counted
    if (first.length >= size) return first;
    const all = Buffer.concat(this.chunks);
    this.chunks = [all];
    return all;
  }

  private answered(reply: Reply): void {
    const asked = this.asked.shift();
    if (reply.ok || reply.begun) asked?.begun?.();
    if (reply.ok) asked?.resolve(reply.value);
    else asked?.reject(sqliteError(reply.error));
  }
}

/**
 * Options of Node that the user's own modules may need; and Node is not to warn of its SQLite. What a process does is short-lived:
 * more than 8 MiB for the newest objects would only make it larger, and not faster.
 */
function nodeOptions(): string[] {
  const own = process.execArgv.filter((option) => /^(?:--conditions|-C|--import)=/.test(option));
  const early = process.versions.node.startsWith("22.") ? ["--experimental-sqlite"] : [];
  return ["--disable-warning=ExperimentalWarning", "--max-semi-space-size=8", ...early, ...own];
}
