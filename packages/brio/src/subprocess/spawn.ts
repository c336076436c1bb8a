import { type ChildProcess, type SpawnOptions as NodeSpawnOptions, spawn } from "node:child_process";
import type { Socket } from "node:net";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { interruptible } from "../cancel/foreign.ts";
import { immediate } from "../cancel/immediate.ts";
import { requireScope } from "../cancel/scope.ts";
import { heedCancellation } from "../compose/sleep.ts";
import { type Duration, milliseconds } from "../loop/duration.ts";
import { checkLimit } from "../streams/stream-reader.ts";
import { Child } from "./child.ts";
import { checkDescriptors } from "./descriptors.ts";
import { SpawnError } from "./errors.ts";
import { Pipe } from "./pipe.ts";
import { ProcessGroup } from "./process-group.ts";
import { socketPair } from "./socket-pair.ts";
import { checkedStdio, PIPE, STDOUT, type StdioOptions } from "./stdio.ts";

/** How a child process is started, and ended. */
export interface SubprocessOptions extends StdioOptions {
  /** Where it runs. Default: where the program runs. */
  readonly cwd?: string | URL | undefined;
  /** Its environment, all of it: `{ ...process.env, NAME: "value" }` adds to the program's. Default: the program's. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** What it is told that it is called. Default: the program as given. */
  readonly argv0?: string | undefined;
  /** The user that it runs as. Default: that of the program. */
  readonly uid?: number | undefined;
  /** The group (of users) that it runs as. Default: that of the program. */
  readonly gid?: number | undefined;
  /** The longest line of its output, in bytes: see `StreamReader`. Default 65,536. */
  readonly limit?: number | undefined;
  /**
   * Run it in a process group (and session) of its own, so that it can be ended with all that it starts. With false, it
   * stays in the program's: it may use the terminal, gets Ctrl-C from it, and is ended alone. Default true.
   */
  readonly detached?: boolean | undefined;
  /** When it is ended: how long after SIGTERM it gets SIGKILL. Default "5s". */
  readonly grace?: Duration | undefined;
}

/** What is to be started: a program with its arguments, or a line for the shell. */
export type Command =
  | { readonly program: string; readonly args: readonly string[] }
  | { readonly shell: string };

/**
 * Starts a process.
 *
 * *Cancel safety*: cancelled, there is no process: it is started in a single step, behind which nothing waits any more.
 */
export async function spawnChild(
  caller: string,
  command: Command,
  options: SubprocessOptions,
): Promise<Child> {
  const scope = requireScope(caller);
  const { limit, grace = "5s", detached = true } = checked(caller, options);
  const graceTime = milliseconds(grace, "grace");
  if (limit !== undefined) checkLimit(limit);
  const stdin = checkedStdio("stdin", options.stdin);
  const stdout = checkedStdio("stdout", options.stdout);
  const merged = options.stderr === STDOUT;
  const stderr = options.stderr === STDOUT ? stdout : checkedStdio("stderr", options.stderr);
  await heedCancellation();
  const words = "shell" in command ? [command.shell] : [command.program, ...command.args];
  const explain = (error: unknown): never => {
    throw dressed(error, words, options);
  };
  const pair = merged && stdout === PIPE ? await interruptible(socketPair).catch(explain) : null;

  const ownGroup = detached && process.platform !== "win32";
  const node: NodeSpawnOptions = {
    stdio:
      pair !== null
        ? [stdin, pair[1], pair[1]]
        : [stdin, stdout, merged && stdout === "inherit" ? 1 : stderr],
    detached: ownGroup,
    windowsHide: true,
    ...given(options),
  };
  let handle: ChildProcess;
  try {
    checkDescriptors(MOST_DESCRIPTORS);
    handle =
      "shell" in command
        ? spawn(command.shell, { ...node, shell: true })
        : spawn(command.program, command.args, node);
  } catch (error) {
    pair?.[0].destroy();
    return explain(error);
  } finally {
    pair?.[1].destroy();
  }
  const { pid } = handle;
  if (pid === undefined) {
    pair?.[0].destroy();
    return explain(await interruptible(failure(handle)));
  }

  const pipe = (socket: unknown): Pipe | null =>
    // What Node calls a stream is a socket, if it is the child's.
    socket === null ? null : new Pipe(scope.loop, socket as Socket, limit);
  const pipes = {
    stdin: pipe(handle.stdin),
    stdout: pipe(pair?.[0] ?? handle.stdout),
    stderr: pipe(handle.stderr),
  };
  // Or Node would close it when the child ends, though others may still read what has been written.
  handle.stdin = null;
  const child = new Child(scope.loop, handle, pipes, ownGroup ? new ProcessGroup(pid) : null, graceTime);
  return await immediate(scope, child);
}

/** Both ends of three pipes; and of one through which the child says how it goes. */
const MOST_DESCRIPTORS = 8;

function failure(handle: ChildProcess): Promise<Error> {
  return new Promise((resolve) => handle.on("error", resolve));
}

/** The options that Node understands as they are. */
function given({ cwd, env, argv0, uid, gid }: SubprocessOptions): NodeSpawnOptions {
  const options: NodeSpawnOptions = {};
  if (cwd !== undefined) options.cwd = cwd;
  if (env !== undefined) options.env = env as NodeJS.ProcessEnv; // it is only read
  if (argv0 !== undefined) options.argv0 = argv0;
  if (uid !== undefined) options.uid = uid;
  if (gid !== undefined) options.gid = gid;
  return options;
}

const TEXT = ["encoding", "text", "universalNewlines", "errors"];

function checked(caller: string, options: SubprocessOptions): SubprocessOptions {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(
      `options of ${caller} are an object, such as { stdout: PIPE }; got ${inspect(options)}`,
    );
  }
  for (const name of TEXT) {
    if ((options as Record<string, unknown>)[name] === undefined) continue; // whatever was given
    throw new TypeError(
      `${caller} knows no option ${name}: its streams carry bytes; the run() of brio/subprocess gives text`,
    );
  }
  return options;
}

/** Node's own complaints about arguments are clear enough. */
function dressed(error: unknown, words: readonly string[], { cwd }: SubprocessOptions): unknown {
  if (!(error instanceof Error) || !("syscall" in error)) return error;
  return new SpawnError(words, cwd instanceof URL ? fileURLToPath(cwd) : cwd, error);
}
