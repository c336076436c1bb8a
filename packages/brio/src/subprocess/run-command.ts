import { inspect } from "node:util";
import { TimeoutError } from "../cancel/errors.ts";
import { type Timeout, timeout } from "../compose/timeout.ts";
import { type Duration, milliseconds } from "../loop/duration.ts";
import { commandOf, shellCommand } from "./create-subprocess.ts";
import { CalledProcessError, CommandTimeoutError, type CompletedProcess } from "./errors.ts";
import { Process } from "./process.ts";
import { type SubprocessOptions, spawnChild } from "./spawn.ts";
import { DEVNULL, PIPE } from "./stdio.ts";

/** How a command is run. stdout and stderr are PIPE by default, stdin DEVNULL, or PIPE if there is input. */
export interface RunOptions extends SubprocessOptions {
  /** Throw CalledProcessError unless it ends with 0. Default false. */
  readonly check?: boolean | undefined;
  /** How long it may take, with all that reads its output; null: no limit. Default null. */
  readonly timeout?: Duration | null | undefined;
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
 * Whatever way it ends, nothing is left of the command and of what it started (that stayed in its process group).
 *
 * *Cancel safety*: cancelled, or when its time is over, the command and all that it started get SIGTERM, after `grace`
 * SIGKILL, and are waited for.
 *
 * @throws SpawnError if it can't be started; CalledProcessError if it fails and `check` is set; CommandTimeoutError, which
 * is a TimeoutError; TypeError or RangeError for bad arguments; RuntimeError outside a task.
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
    input,
    encoding = "utf8",
    shell = false,
    ...rest
  } = checked(options);
  const line = shell ? shellLine(command, args) : commandOf("run()", command, listed(args));
  const words = "shell" in line ? [line.shell] : [line.program, ...line.args];
  const decode = (bytes: Buffer | null): string | Buffer => {
    const given = bytes ?? Buffer.alloc(0);
    return encoding === "buffer" ? given : given.toString(encoding);
  };
  if (encoding !== "buffer" && !Buffer.isEncoding(encoding)) {
    throw new RangeError(
      `encoding must be "buffer", "utf8" or another that Node knows; got ${inspect(encoding)}`,
    );
  }
  const time = limit === undefined || limit === null ? null : milliseconds(limit, "timeout");
  const stdin = input === undefined ? DEVNULL : PIPE;
  const child = await spawnChild("run()", line, { stdin, stdout: PIPE, stderr: PIPE, ...rest });
  const process = new Process(child);
  let clock: Timeout | null = null;
  try {
    const [stdout, stderr] = await timeout(time, (active) => {
      clock = active;
      return process.communicate(input);
    });
    const { returncode, signal } = process;
    const outcome: CompletedProcess<string | Buffer> = {
      command: words,
      returncode: returncode as number, // it has ended
      signal,
      stdout: decode(stdout),
      stderr: decode(stderr),
    };
    if (check && returncode !== 0) throw new CalledProcessError(outcome);
    return outcome;
  } catch (error) {
    await child.end();
    const expired = (clock as Timeout | null)?.expired() && error instanceof TimeoutError; // set in the callback
    if (!expired || time === null) throw error;
    // What had come is there to be read without waiting.
    const stdout = decode((await process.stdout?.read()) ?? null);
    const stderr = decode((await process.stderr?.read()) ?? null);
    throw new CommandTimeoutError(words, time, stdout, stderr, error);
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
