import { constants } from "node:os";
import { inspect } from "node:util";
import { CancelledError } from "../cancel/errors.ts";
import { immediate } from "../cancel/immediate.ts";
import { ambientScope, outsideTask } from "../cancel/scope.ts";
import type { StreamReader } from "../streams/stream-reader.ts";
import type { StreamWriter } from "../streams/stream-writer.ts";
import type { Child } from "./child.ts";

/** What is read of a stream: nothing if there is none. */
type Output<S> = S extends null ? null : Buffer;

/**
 * A child process.
 *
 * `await using child = await createSubprocessExec(...)` leaves nothing behind: at the end of the block, or when it is
 * cancelled, the process and all that it started get SIGTERM, after a grace (5 s, see `grace`) SIGKILL, and the block ends
 * when they have ended. Without it, that is done (with SIGKILL) when the loop ends, and when the program does.
 *
 * @example
 * ```ts
 * import { run } from "brio";
 * import { createSubprocessExec, PIPE } from "brio/subprocess";
 *
 * await run(async () => {
 *   await using sort = await createSubprocessExec("sort", [], { stdin: PIPE, stdout: PIPE });
 *   sort.stdin.writeLines(["pear\n", "apple\n"]);
 *   sort.stdin.close();
 *   for await (const line of sort.stdout) console.log(line.toString().trim()); // apple, then pear
 *   console.log(await sort.wait()); // 0
 * });
 * ```
 */
export class Process<
  In extends StreamWriter | null = StreamWriter | null,
  Out extends StreamReader | null = StreamReader | null,
  Err extends StreamReader | null = StreamReader | null,
> implements AsyncDisposable
{
  /** Writes to its stdin; null unless that is a PIPE. */
  readonly stdin: In;
  /** Reads its stdout; null unless that is a PIPE. */
  readonly stdout: Out;
  /** Reads its stderr; null unless that is a PIPE. */
  readonly stderr: Err;
  private readonly child: Child;

  /** @internal Use `createSubprocessExec` or `createSubprocessShell`. */
  constructor(child: Child) {
    const { stdin, stdout, stderr } = child.pipes;
    this.child = child;
    this.stdin = (stdin?.writer ?? null) as In; // whoever makes it knows which are pipes
    this.stdout = (stdout?.reader ?? null) as Out;
    this.stderr = (stderr?.reader ?? null) as Err;
  }

  /** Its process id. */
  get pid(): number {
    return this.child.pid;
  }

  /** What it ended with: `-N` if signal number N ended it; null while it runs. */
  get returncode(): number | null {
    return this.child.returncode;
  }

  /** The signal that ended it; null if none did, or while it runs. */
  get signal(): NodeJS.Signals | null {
    return this.child.signalCode;
  }

  /**
   * Waits until the process has ended, and gives its {@link returncode}. What it wrote may be read after that.
   *
   * With stdout or stderr a PIPE that nobody reads, a process that writes much never ends: use {@link communicate}.
   *
   * *Cancel safety*: the process goes on.
   *
   * @throws RuntimeError outside a task.
   */
  wait(): Promise<number> {
    const scope = ambientScope();
    if (scope === undefined) return outsideTask("process.wait()");
    const { returncode } = this.child;
    return returncode === null ? this.child.waitExit(scope) : immediate(scope, returncode);
  }

  /**
   * Writes `input` to its stdin and closes that, reads all that it writes, and waits until it has ended. Gives what it wrote
   * to stdout and stderr; null for what is not a PIPE. That it does not read all of the input is no error.
   *
   * *Cancel safety*: the process goes on, and nothing is lost: another `communicate()` gives the whole output.
   *
   * @throws TypeError if there is input and stdin is not a PIPE; RuntimeError outside a task, or while another task reads.
   *
   * @example
   * ```ts
   * import { run } from "brio";
   * import { createSubprocessExec, PIPE } from "brio/subprocess";
   *
   * await run(async () => {
   *   await using child = await createSubprocessExec("tr", ["a-z", "A-Z"], { stdin: PIPE, stdout: PIPE });
   *   const [stdout] = await child.communicate("hello");
   *   console.log(stdout.toString()); // HELLO
   * });
   * ```
   */
  async communicate(input?: string | Uint8Array): Promise<[stdout: Output<Out>, stderr: Output<Err>]> {
    if (ambientScope() === undefined) return await outsideTask("process.communicate()");
    this.feed(input);
    const [stdout, stderr] = await together([readAll(this.stdout), readAll(this.stderr), this.wait()]);
    return [stdout as Output<Out>, stderr as Output<Err>]; // null where the stream is
  }

  /** @internal Writes `input` to its stdin, and closes that. Does not wait. */
  feed(input?: string | Uint8Array): void {
    const stdin: StreamWriter | null = this.stdin;
    if (stdin === null) {
      if (input === undefined) return;
      throw new TypeError("communicate(input) needs a pipe: start the process with { stdin: PIPE }");
    }
    if (stdin.isClosing()) return;
    // What was written is sent before it is closed. So a cancellation comes before or after all of this.
    if (input !== undefined) stdin.write(input);
    stdin.close();
  }

  /**
   * Sends a signal to the process; with `group`, to all that it started as well.
   *
   * @returns false if it has ended.
   *
   * @throws RangeError if there is no such signal.
   */
  sendSignal(signal: NodeJS.Signals | number, options: SignalOptions = {}): boolean {
    const name = signalName(signal);
    if (options.group !== true) return this.child.send(name);
    return this.child.signalAll(name);
  }

  /** Asks the process to end: SIGTERM. Otherwise like {@link sendSignal}. */
  terminate(options: SignalOptions = {}): boolean {
    return this.sendSignal("SIGTERM", options);
  }

  /** Ends the process on the spot: SIGKILL. Otherwise like {@link sendSignal}. */
  kill(options: SignalOptions = {}): boolean {
    return this.sendSignal("SIGKILL", options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.child.end();
  }

  toString(): string {
    return String(this.child);
  }
}

/** Whom a signal goes to. */
export interface SignalOptions {
  /** To all processes of its group: those that it started, and these started, unless they have left it. Default false. */
  readonly group?: boolean | undefined;
}

/** @internal Waits for all. Cancelled, it waits until each has put back what it has read. */
export async function together<T extends readonly Promise<unknown>[]>(
  all: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  try {
    return await Promise.all(all);
  } catch (error) {
    if (error instanceof CancelledError) await Promise.allSettled(all);
    throw error;
  }
}

async function readAll(reader: StreamReader | null): Promise<Buffer | null> {
  return reader === null ? null : await reader.read();
}

function signalName(signal: NodeJS.Signals | number): NodeJS.Signals {
  for (const [name, number] of Object.entries(constants.signals)) {
    if (signal === name || signal === number) return name as NodeJS.Signals; // its keys
  }
  throw new RangeError(`there is no signal ${inspect(signal)}: use a name such as "SIGHUP"`);
}
