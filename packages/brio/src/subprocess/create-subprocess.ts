import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import type { StreamReader } from "../streams/stream-reader.ts";
import type { StreamWriter } from "../streams/stream-writer.ts";
import { Process } from "./process.ts";
import { type Command, type SubprocessOptions, spawnChild } from "./spawn.ts";
import type { PIPE } from "./stdio.ts";

/** `S` if the option says PIPE, null if it says something else, either if that is not known. */
type Piped<O, N extends string, S> = N extends keyof O
  ? [O[N]] extends [typeof PIPE]
    ? S
    : typeof PIPE extends O[N]
      ? S | null
      : null
  : null;

/** A {@link Process} with the streams that its options ask for. */
export type ProcessFor<O> = Process<
  Piped<O, "stdin", StreamWriter>,
  Piped<O, "stdout", StreamReader>,
  Piped<O, "stderr", StreamReader>
>;

/**
 * Starts a program. Its stdin, stdout and stderr are the program's own, unless the options say otherwise.
 *
 * It runs in a process group of its own: see {@link Process} for how it ends.
 *
 * *Cancel safety*: cancelled, it was not started.
 *
 * @param program looked for in `PATH` if it has no slash
 *
 * @throws SpawnError if it can't be started; TypeError or RangeError for bad arguments; RuntimeError outside a task.
 *
 * @example
 * ```ts
 * import { run } from "brio";
 * import { createSubprocessExec, PIPE } from "brio/subprocess";
 *
 * await run(async () => {
 *   await using child = await createSubprocessExec("echo", ["hello"], { stdout: PIPE });
 *   console.log((await child.stdout.readLine()).toString().trim()); // hello
 *   console.log(await child.wait()); // 0
 * });
 * ```
 */
export function createSubprocessExec(
  program: string | URL,
  ...args: readonly string[]
): Promise<Process<null, null, null>>;
export function createSubprocessExec<const O extends SubprocessOptions>(
  program: string | URL,
  args: readonly string[],
  options: O,
): Promise<ProcessFor<O>>;
export function createSubprocessExec(
  program: string | URL,
  args: readonly string[],
): Promise<Process<null, null, null>>;
export async function createSubprocessExec(program: string | URL, ...rest: unknown[]): Promise<Process> {
  const [first, options = {}] = rest;
  const listed = Array.isArray(first);
  const command = commandOf("createSubprocessExec()", program, listed ? first : rest);
  return new Process(
    await spawnChild("createSubprocessExec()", command, (listed ? options : {}) as SubprocessOptions), // it is checked there
  );
}

/**
 * Starts a line for the shell (`/bin/sh`). Like {@link createSubprocessExec} otherwise.
 *
 * What comes from outside must not get into the line without being quoted: better give it as an argument, to
 * `createSubprocessExec`.
 *
 * *Cancel safety*: cancelled, it was not started.
 *
 * @example
 * ```ts
 * import { run } from "brio";
 * import { createSubprocessShell, PIPE } from "brio/subprocess";
 *
 * await run(async () => {
 *   await using child = await createSubprocessShell("echo one; echo two | tr a-z A-Z", { stdout: PIPE });
 *   for await (const line of child.stdout) console.log(line.toString().trim()); // one, then TWO
 * });
 * ```
 */
export async function createSubprocessShell<const O extends SubprocessOptions = Record<never, never>>(
  command: string,
  options?: O,
): Promise<ProcessFor<O>> {
  const line = shellCommand("createSubprocessShell()", command);
  return new Process(await spawnChild("createSubprocessShell()", line, options ?? {}));
}

/** @internal */
export function commandOf(caller: string, program: unknown, args: readonly unknown[]): Command {
  const path = program instanceof URL ? fileURLToPath(program) : program;
  if (typeof path !== "string" || path === "") {
    throw new TypeError(`program must be a name or a path, such as "ls"; got ${inspect(program)}`);
  }
  const words: string[] = [];
  for (const arg of args) {
    if (typeof arg !== "string") {
      throw new TypeError(
        `arguments of a program are text: ${caller.replace("()", '("ls", ["-l"], { ...options })')}; got ${inspect(arg)}`,
      );
    }
    words.push(arg);
  }
  return { program: path, args: words };
}

/** @internal */
export function shellCommand(caller: string, command: unknown): Command {
  if (typeof command === "string" && command !== "") return { shell: command };
  throw new TypeError(
    `${caller} takes a line for the shell, such as "ls *.ts | wc -l"; got ${inspect(command)}`,
  );
}
