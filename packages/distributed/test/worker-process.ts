import process from "node:process";
import { fileURLToPath } from "node:url";
import type { StreamReader } from "brio/streams";
import { createSubprocessExec, DEVNULL, PIPE, type Process } from "brio/subprocess";
import type { Place } from "./redis.ts";
import { JOBS } from "./work.ts";

const MAIN = fileURLToPath(new URL("../src/command/main.ts", import.meta.url));

/** `brio-worker`, as a process of its own. Disposed of, it is ended with all that it has started. */
export class WorkerProcess implements AsyncDisposable {
  readonly process: Process<null, StreamReader, StreamReader>;
  /** What it has written to stderr, so far as it was asked for. */
  readonly lines: string[] = [];

  private constructor(child: Process<null, StreamReader, StreamReader>) {
    this.process = child;
  }

  static async run(args: readonly string[]): Promise<WorkerProcess> {
    const command = ["--no-warnings", "--conditions=brio-source", MAIN, ...args];
    return new WorkerProcess(
      await createSubprocessExec(process.execPath, command, { stdin: DEVNULL, stdout: PIPE, stderr: PIPE }),
    );
  }

  /** Starts a worker for a queue, and waits until it is ready. */
  static async start(place: Place, args: readonly string[] = []): Promise<WorkerProcess> {
    const { connection, queue, prefix } = place;
    const worker = await WorkerProcess.run([
      fileURLToPath(JOBS),
      ...["--connection", connection, "--queue", queue, "--prefix", prefix],
      ...args,
    ]);
    await worker.line(/^brio-worker: functions: /);
    return worker;
  }

  /** Reads what it writes until a line matches. */
  async line(pattern: RegExp): Promise<string> {
    for (;;) {
      const line = (await this.process.stderr.readLine()).toString();
      if (line === "")
        throw new Error(`the worker has ended, and never wrote ${pattern}:\n${this.lines.join("")}`);
      this.lines.push(line);
      if (pattern.test(line)) return line.trimEnd();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
  }
}
