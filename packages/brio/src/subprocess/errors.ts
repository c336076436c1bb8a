import { statSync } from "node:fs";
import process from "node:process";
import { TimeoutError } from "../cancel/errors.ts";
import { shown } from "./command.ts";

/** How much of what a command wrote to stderr its error shows. */
const TAIL_LINES = 10;
const TAIL_LENGTH = 2000;

/** What is known of a command that has ended. */
export interface CompletedProcess<T extends string | Buffer = string> {
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** What it ended with; `-N` if signal number N ended it. */
  readonly returncode: number;
  /** The signal that ended it, or null. */
  readonly signal: NodeJS.Signals | null;
  /** What it wrote; empty if that went elsewhere. */
  readonly stdout: T;
  /** What it wrote to stderr; empty if that went elsewhere. */
  readonly stderr: T;
}

/**
 * A command ended with something else than 0, and it was asked to check that. Its message shows the command, and the end of
 * what it wrote to stderr.
 */
export class CalledProcessError<T extends string | Buffer = string>
  extends Error
  implements CompletedProcess<T>
{
  override name = "CalledProcessError";
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** What it ended with; `-N` if signal number N ended it. */
  readonly returncode: number;
  /** The signal that ended it, or null. */
  readonly signal: NodeJS.Signals | null;
  /** What it wrote; empty if that went elsewhere. */
  readonly stdout: T;
  /** What it wrote to stderr; empty if that went elsewhere. */
  readonly stderr: T;

  constructor(outcome: CompletedProcess<T>) {
    const { command, returncode, signal, stdout, stderr } = outcome;
    const how = signal === null ? `ended with ${returncode}` : `was ended by ${signal}`;
    super(`${shown(command)} ${how}${tail(stderr)}`);
    this.command = command;
    this.returncode = returncode;
    this.signal = signal;
    this.stdout = stdout;
    this.stderr = stderr;
  }
}

/** A command took longer than its `timeout`, and was ended. */
export class CommandTimeoutError<T extends string | Buffer = string> extends TimeoutError {
  override name = "CommandTimeoutError";
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** What it had written until the time was over. */
  readonly stdout: T;
  /** What it had written to stderr until the time was over. */
  readonly stderr: T;

  constructor(command: readonly string[], milliseconds: number, stdout: T, stderr: T, cause: unknown) {
    super(`${shown(command)} took longer than ${milliseconds} ms, and was ended${tail(stderr)}`, { cause });
    this.command = command;
    this.stdout = stdout;
    this.stderr = stderr;
  }
}

/**
 * A command wrote more than `maxOutput` allows, and was ended. What it had written till then is here: of the stream that was
 * too long, as much as is allowed.
 *
 * @example
 * ```ts
 * import { run } from "brio";
 * import * as subprocess from "brio/subprocess";
 *
 * await run(async () => {
 *   try {
 *     await subprocess.run("yes", [], { maxOutput: 6 });
 *   } catch (error) {
 *     if (!(error instanceof subprocess.OutputLimitError)) throw error;
 *     console.log(error.stream, error.stdout.split("\n")); // stdout [ 'y', 'y', 'y', '' ]
 *   }
 * });
 * ```
 */
export class OutputLimitError<T extends string | Buffer = string> extends Error {
  override name = "OutputLimitError";
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** Which was too long. */
  readonly stream: "stdout" | "stderr";
  /** The limit, in bytes. */
  readonly maxOutput: number;
  /** What it had written. */
  readonly stdout: T;
  /** What it had written to stderr. */
  readonly stderr: T;

  constructor(
    command: readonly string[],
    stream: "stdout" | "stderr",
    maxOutput: number,
    stdout: T,
    stderr: T,
  ) {
    super(
      `${shown(command)} wrote more than ${maxOutput} bytes to ${stream}, and was ended: give run() a higher maxOutput, or read its output as it comes, with createSubprocessExec(...)${stream === "stderr" ? "" : tail(stderr)}`,
    );
    this.command = command;
    this.stream = stream;
    this.maxOutput = maxOutput;
    this.stdout = stdout;
    this.stderr = stderr;
  }
}

function tail(stderr: string | Buffer): string {
  const text = stderr.toString().trimEnd();
  if (text === "") return "";
  const lines = text.split("\n");
  const last = lines.slice(-TAIL_LINES).join("\n").slice(-TAIL_LENGTH);
  return `; its stderr${last.length < text.length ? " ends with" : ""}:\n${last}`;
}

/** A program could not be started. */
export class SpawnError extends Error {
  override name = "SpawnError";
  /** The system's, such as `ENOENT`. */
  readonly code: string;
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** The working directory that was asked for, if any. */
  readonly cwd: string | undefined;

  constructor(command: readonly string[], cwd: string | undefined, cause: unknown) {
    const { code = "unknown" } = cause as NodeJS.ErrnoException; // what spawn fails with
    super(`can't start ${shown(command)}: ${reason(command[0] ?? "", cwd, code, cause)} (${code})`, {
      cause,
    });
    this.code = code;
    this.command = command;
    this.cwd = cwd;
  }
}

/** Of a working directory that does not exist, the system only says that something doesn't. */
function reason(program: string, cwd: string | undefined, code: string, cause: unknown): string {
  if (cwd !== undefined) {
    const stats = statSync(cwd, { throwIfNoEntry: false });
    if (stats === undefined) return `the directory ${cwd}, in which it was to run, does not exist`;
    if (!stats.isDirectory()) return `${cwd}, in which it was to run, is no directory`;
  }
  const isPath = program.includes("/");
  if (code === "ENOENT") {
    if (!isPath) return `there is no such program in the folders of PATH`;
    const exists = statSync(program, { throwIfNoEntry: false }) !== undefined;
    return exists ? "the program that its first line (#!) names does not exist" : "there is no such file";
  }
  if (code === "EACCES") {
    const stats = isPath ? statSync(program, { throwIfNoEntry: false }) : undefined;
    if (stats?.isDirectory()) return "it is a directory";
    if (stats?.isFile() && (stats.mode & 0o111) === 0)
      return "the file is not executable: chmod +x, or name its interpreter";
    return "it may not be run here";
  }
  if (code === "E2BIG") return "its arguments and environment are too long: write to its stdin instead";
  if (code === "EAGAIN") return "there are too many processes";
  if (code === "EMFILE" || code === "ENFILE") return "too many files are open";
  if (code === "EPERM" && process.getuid?.() !== 0) return "only root may choose another uid or gid";
  return cause instanceof Error ? cause.message : String(cause);
}
