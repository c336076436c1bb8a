import { type ChildProcess, fork } from "node:child_process";
import process from "node:process";
import { addLastWill } from "../run/last-will.ts";
import type { ThrownData } from "./error-data.ts";
import { reviveError } from "./error-data.ts";
import type { WorkerEnd } from "./errors.ts";
import type { FromWorker, ToWorker, WorkerStart } from "./protocol.ts";
import { PROCESS, WORKER_URL } from "./worker.ts";
import type { HostListener, WorkerHost } from "./worker-host.ts";

/** How processes are started: Node's own options. */
export interface ProcessOptions {
  /** Their environment, all of it: `{ ...process.env, NAME: "value" }` adds to the program's. Default: the program's. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Options of Node, such as `["--max-old-space-size=500"]`. Default: the program's. */
  readonly execArgv?: readonly string[] | undefined;
  /** Where they run. Default: where the program runs. */
  readonly cwd?: string | undefined;
}

/** What only a fault in native code, or V8 when it can't go on, ends a process with. */
const CRASHES: readonly (NodeJS.Signals | null)[] = [
  "SIGABRT",
  "SIGSEGV",
  "SIGBUS",
  "SIGILL",
  "SIGFPE",
  "SIGTRAP",
];

/** Without what says what the program is (it would be run again), and the debugger's port, which is taken. */
function inherited(execArgv: readonly string[]): string[] {
  const own = /^(?:-e|-p|-pe|--eval|--print|--input-type)$/;
  return execArgv.filter((arg, index) => {
    if (own.test(arg) || own.test(execArgv[index - 1] ?? "")) return false;
    return !/^--(?:eval|print|input-type|inspect)\b/.test(arg);
  });
}

/** A worker process. */
export class ProcessHost implements WorkerHost {
  readonly name: string;
  /** Memory is not shared with it. */
  readonly claims = null;
  private readonly child: ChildProcess;
  private readonly listener: HostListener;
  private thrown: ThrownData | null = null;
  private failure: Error | null = null;
  private killed = false;
  private exit: { readonly code: number | null; readonly signal: NodeJS.Signals | null } | null = null;
  private connected = true;
  private readonly forget: () => void;

  constructor(start: WorkerStart, options: ProcessOptions, listener: HostListener) {
    this.listener = listener;
    const { env = process.env, execArgv, cwd } = options;
    this.child = fork(new URL(WORKER_URL), [], {
      serialization: "advanced",
      env: { ...env, [PROCESS]: "1" },
      execArgv: [...(execArgv ?? inherited(process.execArgv))],
      ...(cwd === undefined ? {} : { cwd }),
    });
    const { child } = this;
    this.name = `process ${child.pid ?? "(not started)"}`;
    this.forget = addLastWill(() => child.kill("SIGKILL"));
    child.on("message", (message: FromWorker) => {
      if (message.type === "dying") this.thrown = message.thrown;
      else listener.received(message);
    });
    child.on("exit", (code, signal) => {
      this.exit = { code, signal };
      this.maybeEnded();
    });
    // What it sent before it ended comes first.
    child.on("disconnect", () => {
      this.connected = false;
      this.maybeEnded();
    });
    child.on("error", (error) => {
      this.failure = error;
      if (child.pid !== undefined) return;
      // It could not be started; nothing else will be told.
      this.exit = { code: null, signal: null };
      this.connected = false;
      this.maybeEnded();
    });
    this.post({ type: "start", start });
  }

  post(message: ToWorker): void {
    if (!this.child.connected) {
      this.listener.unsent(message);
      return;
    }
    this.child.send(message, (error) => {
      if (error !== null) this.listener.unsent(message);
    });
  }

  keepAlive(wanted: boolean): void {
    if (wanted) {
      this.child.ref();
      this.child.channel?.ref();
    } else {
      this.child.unref();
      this.child.channel?.unref();
    }
  }

  kill(): void {
    this.killed = true;
    this.child.kill("SIGKILL");
  }

  private maybeEnded(): void {
    const { exit } = this;
    if (exit === null || this.connected) return;
    this.forget();
    this.listener.ended(this.endWith(exit.code, exit.signal));
  }

  private endWith(exitCode: number | null, signal: NodeJS.Signals | null): WorkerEnd {
    const cause = this.failure ?? (this.thrown === null ? undefined : reviveError(this.thrown));
    const how = this.killed
      ? "stalled"
      : CRASHES.includes(signal)
        ? "crashed"
        : signal !== null
          ? "killed"
          : "exited";
    return { how, worker: this.name, exitCode, signal, ...(cause === undefined ? {} : { cause }) };
  }
}
