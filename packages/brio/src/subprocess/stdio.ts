import { inspect } from "node:util";

/** The program writes to the child's stdin, or reads what it writes: through a stream of `Process`. */
export const PIPE = "pipe";
/** `/dev/null`: nothing to read, and what is written is dropped. */
export const DEVNULL = "ignore";
/** The program's own stdin, stdout or stderr. */
export const INHERIT = "inherit";
/** For `stderr` only: where stdout goes, in the order in which the child writes. */
export const STDOUT = "stdout";

/** Where one of the child's three standard streams leads: {@link PIPE}, {@link DEVNULL}, {@link INHERIT}, or an open file. */
export type Stdio = typeof PIPE | typeof DEVNULL | typeof INHERIT | number | { readonly fd: number };

/** Where the child's standard streams lead. Default: {@link INHERIT}. */
export interface StdioOptions {
  readonly stdin?: Stdio | undefined;
  readonly stdout?: Stdio | undefined;
  /** {@link STDOUT}: where stdout goes. */
  readonly stderr?: Stdio | typeof STDOUT | undefined;
}

/** As Node wants it. */
export type NodeStdio = "pipe" | "ignore" | "inherit" | number;

export function checkedStdio(name: "stdin" | "stdout" | "stderr", value: Stdio | undefined): NodeStdio {
  if (value === undefined) return "inherit";
  const fd = typeof value === "object" && value !== null ? value.fd : value;
  if (fd === PIPE || fd === DEVNULL || fd === INHERIT) return fd;
  if (typeof fd === "number" && Number.isInteger(fd) && fd >= 0) return fd;
  const or = name === "stderr" ? ", STDOUT" : "";
  throw new TypeError(
    `${name} must be PIPE, DEVNULL, INHERIT${or}, a file descriptor, or a file that has one (fd); got ${inspect(value)}`,
  );
}
