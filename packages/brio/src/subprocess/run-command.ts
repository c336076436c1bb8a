import { inspect } from "node:util";
import { CancelScope } from "../cancel/cancel-scope.ts";
import { TimeoutError } from "../cancel/errors.ts";
import { type Timeout, timeout } from "../compose/timeout.ts";
import { type Duration, milliseconds } from "../loop/duration.ts";
import { commandOf, shellCommand } from "./create-subprocess.ts";
import {
  CalledProcessError,
  CommandTimeoutError,
  type CompletedProcess,
  OutputLimitError,
} from "./errors.ts";
import { Output } from "./output.ts";
import { Process, together } from "./process.ts";
import { type SubprocessOptions, spawnChild } from "./spawn.ts";
import { DEVNULL, PIPE } from "./stdio.ts";

/** As execa's: enough for what one wants to have in memory at all, and a stop for a command that has lost its mind. */
const DEFAULT_MAX_OUTPUT = 100 * 2 ** 20;

/** How a command is run. stdout and stderr are PIPE by default, stdin DEVNULL, or PIPE if there is input. */
export interface RunOptions extends SubprocessOptions {
  /** Throw CalledProcessError unless it ends with 0. Default false. */
  readonly check?: boolean | undefined;
  /** How long it may take, with all that reads its output; null: no limit. Default null. */
  readonly timeout?: Duration | null | undefined;
  /**
   * How many bytes it may write to stdout, and how many to stderr, before it is ended; null: any number. Default 100 MiB
   * (104,857,600).
   */
  readonly maxOutput?: number | null | undefined;
  /** What it reads from stdin. Default: nothing. */
  readonly input?: string | Uint8Array | undefined;
  /** What its output is taken for; `"buffer"`: bytes. Default "utf8". */
  readonly encoding?: BufferEncoding | "buffer" | undefined;
  /** The command is a line for the shell. Default false. */
  readonly shell?: boolean | undefined;
}

/**
 * Runs a command, and gives what it wrote and what it ended with.
 *
 * All that it writes is held in memory, up to `maxOutput`. To deal with it as it comes, use `createSubprocessExec`.
 *
 * Whatever way it ends, nothing is left of the command and of what it started (that stayed in its process group).
 *
 * *Cancel safety*: cancelled, or when its time is over, the command and all that it started get SIGTERM, after `grace`
 * SIGKILL, and are waited for.
 *
 * @throws SpawnError if it can't be started; CalledProcessError if it fails and `check` is set; CommandTimeoutError, which
 * is a TimeoutError; OutputLimitError if it writes too much; TypeError or RangeError for bad arguments; RuntimeError outside a task.
 *
 * @example
 * ```ts
 * import { run } from "brio";
 * import * as subprocess from "brio/subprocess";
 *
 * await run(async () => {
 *   const { stdout } = await subprocess.run("sort", [], { input: "b\na\n", check: true, timeout: "10s" });
 *   console.log(stdout.split("\n")); // [ 'a', 'b', '' ]
 * });
 * ```
 */
export function run(
  command: string | URL,
  args: readonly string[] | undefined,
  options: RunOptions & { readonly encoding: "buffer" },
): Promise<CompletedProcess<Buffer>>;
export function run(
  command: string | URL,
  args?: readonly string[],
  options?: RunOptions & { readonly encoding?: BufferEncoding | undefined },
): Promise<CompletedProcess>;
export async function run(
  command: string | URL,
  args: readonly string[] = [],
  options: RunOptions = {},
): Promise<CompletedProcess<string | Buffer>> {
  const {
    check = false,
    timeout: limit,
    maxOutput = DEFAULT_MAX_OUTPUT,
    input,
    encoding = "utf8",
    shell = false,
    ...rest
  } = checked(options);
  const line = shell ? shellLine(command, args) : commandOf("run()", command, listed(args));
  const words = "shell" in line ? [line.shell] : [line.program, ...line.args];
  if (encoding !== "buffer" && !Buffer.isEncoding(encoding)) {
    throw new RangeError(
      `encoding must be "buffer", "utf8" or another that Node knows; got ${inspect(encoding)}`,
    );
  }
  const time = limit === undefined || limit === null ? null : milliseconds(limit, "timeout");
  if (maxOutput !== null && (!Number.isInteger(maxOutput) || maxOutput < 0)) {
    throw new RangeError(
      `maxOutput must be a whole number of bytes >= 0, or null for no limit, such as { maxOutput: 2 ** 20 }; got ${inspect(maxOutput)}`,
    );
  }
  const stdin = input === undefined ? DEVNULL : PIPE;
  const child = await spawnChild("run()", line, { stdin, stdout: PIPE, stderr: PIPE, ...rest });
  const process = new Process(child);
  const out = new Output(process.stdout, maxOutput);
  const err = new Output(process.stderr, maxOutput);
  const text = (output: Output): string | Buffer =>
    encoding === "buffer" ? output.bytes() : output.bytes().toString(encoding);
  let clock: Timeout | null = null;
  try {
    const within = new CancelScope();
    const exceeded = (): void => within.cancel("it has written too much");
    await timeout(time, (active) => {
      clock = active;
      return within.run(() => {
        process.feed(input);
        return together([out.collect(exceeded), err.collect(exceeded), process.wait()]);
      });
    });
    const which = out.over ? "stdout" : err.over ? "stderr" : null;
    if (which !== null) {
      await child.end();
      for (const output of [out, err]) await output.collectRest();
      throw new OutputLimitError(words, which, maxOutput ?? 0, text(out), text(err)); // there is a limit
    }
    const { returncode, signal } = process;
    const outcome: CompletedProcess<string | Buffer> = {
      command: words,
      returncode: returncode as number, // it has ended
      signal,
      stdout: text(out),
      stderr: text(err),
    };
    if (check && returncode !== 0) throw new CalledProcessError(outcome);
    return outcome;
  } catch (error) {
    await child.end();
    const expired = (clock as Timeout | null)?.expired() && error instanceof TimeoutError; // set in the callback
    if (!expired || time === null) throw error;
    for (const output of [out, err]) await output.collectRest();
    throw new CommandTimeoutError(words, time, text(out), text(err), error);
  } finally {
    await child.end();
  }
}

function checked(options: RunOptions): RunOptions {
  if (typeof options === "object" && options !== null) return options;
  throw new TypeError(`options of run() are an object, such as { check: true }; got ${inspect(options)}`);
}

function listed(args: readonly string[]): readonly string[] {
  if (Array.isArray(args)) return args;
  throw new TypeError(`run() takes arguments as an array: run("ls", ["-l"]); got ${inspect(args)}`);
}

function shellLine(command: string | URL, args: readonly string[]): ReturnType<typeof shellCommand> {
  if (args.length > 0) {
    throw new TypeError(
      "run() takes a whole line with { shell: true }, and no arguments: a shell would interpret them",
    );
  }
  return shellCommand("run()", command);
}
