import { RuntimeError } from "../loop/errors.ts";
import type { FunctionName } from "../run/loop-executor.ts";

/** The module does not export the function that is to be called there: it is another, or an older, version. */
export class FunctionNotFoundError extends Error {
  override name = "FunctionNotFoundError";
  /** The function's portable name, as in `jobs#countWords`. */
  readonly functionId: string;
  /** The functions that there are. */
  readonly available: readonly string[];

  constructor(functionId: string, where: string, available: readonly string[]) {
    const list = available.length === 0 ? "no functions" : available.join(", ");
    super(
      `there is no function ${functionId}: ${where} exports ${list}. ` +
        "Is it exported under this name? Is the worker running an older version of the module?",
    );
    this.functionId = functionId;
    this.available = available;
  }
}

/** The module of a function could not be imported where the function was to run; `cause` says why. */
export class ModuleLoadError extends Error {
  override name = "ModuleLoadError";
  /** The module's URL. */
  readonly module: string;
  /** The function's portable name. */
  readonly functionId: string;

  constructor({ module, id }: FunctionName, cause: unknown, hint = "") {
    const why = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    super(`can't import ${module}, where the function ${id} is to be found: ${why}${hint}`, { cause });
    this.module = module;
    this.functionId = id;
  }
}

/** In which way a worker ended that should not have. */
export type WorkerDeath = "exited" | "killed" | "out of memory" | "crashed" | "stalled";

/** What is known of a worker's end. */
export interface WorkerEnd {
  /**
   * `exited`: something in it called `process.exit`, or let an error go uncaught (see `cause`). `killed`: by a signal.
   * `out of memory`: its heap was larger than allowed. `crashed`: in native code. `stalled`: it was lost sight of.
   */
  readonly how: WorkerDeath;
  /** The worker, as in `thread 3` or `process 4711`. */
  readonly worker: string;
  /** Its exit code, if it had one. */
  readonly exitCode: number | null;
  /** The signal that ended it, if one did. */
  readonly signal: NodeJS.Signals | null;
  /** The error that ended it, if there was one. */
  readonly cause?: unknown;
}

/** The worker that ran a call has ended before the call had. Other calls don't notice, and another worker takes its place. */
export class WorkerDiedError extends Error {
  override name = "WorkerDiedError";
  /** The function that it ran, as in `jobs#countWords`. */
  readonly functionId: string;
  /** How it ended. */
  readonly how: WorkerDeath;
  /** The worker, as in `thread 3` or `process 4711`. */
  readonly worker: string;
  /** Its exit code, if it had one. */
  readonly exitCode: number | null;
  /** The signal that ended it, if one did. */
  readonly signal: NodeJS.Signals | null;
  /** How many times the call was begun. */
  readonly attempts: number;

  constructor(functionId: string, end: WorkerEnd, attempts = 1) {
    const tried = attempts > 1 ? ` (attempt ${attempts})` : "";
    super(
      `${end.worker} ${fate(end)} while it ran ${functionId}${tried}`,
      end.cause === undefined ? undefined : { cause: end.cause },
    );
    this.functionId = functionId;
    this.how = end.how;
    this.worker = end.worker;
    this.exitCode = end.exitCode;
    this.signal = end.signal;
    this.attempts = attempts;
  }
}

function fate({ how, exitCode, signal, cause }: WorkerEnd): string {
  if (how === "killed") return `was killed by ${signal}`;
  if (how === "out of memory") return "ran out of memory (see resourceLimits)";
  if (how === "crashed") return `crashed (${signal ?? `exit code ${exitCode}`})`;
  if (how === "stalled") return "was lost";
  if (cause !== undefined)
    return `ended with an uncaught ${cause instanceof Error ? `${cause.name}: ${cause.message}` : "error"}`;
  return `exited with code ${exitCode}`;
}

/** The pool can start no workers that last: each ends before its first call. `cause` says what ended the last one. */
export class BrokenExecutorError extends RuntimeError {
  override name = "BrokenExecutorError";
}

/** The executor was closed: it takes no more calls. */
export class ExecutorClosedError extends RuntimeError {
  override name = "ExecutorClosedError";
}

/** What a call returned is larger than the executor allows. */
export class ResultTooLargeError extends RangeError {
  override name = "ResultTooLargeError";
  /** The function that returned it. */
  readonly functionId: string;
  /** Its size in bytes. */
  readonly bytes: number;
  /** How many there may be. */
  readonly limit: number;

  constructor(functionId: string, bytes: number, limit: number) {
    super(
      `${functionId} returned ${bytes} bytes, more than maxResultBytes (${limit}) allows: write it to a file and return the path, or raise the limit`,
    );
    this.functionId = functionId;
    this.bytes = bytes;
    this.limit = limit;
  }
}
