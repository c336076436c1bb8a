export { createSubprocessExec, createSubprocessShell, type ProcessFor } from "./create-subprocess.ts";
export {
  CalledProcessError,
  CommandTimeoutError,
  type CompletedProcess,
  OutputLimitError,
  SpawnError,
} from "./errors.ts";
export { Process, type SignalOptions } from "./process.ts";
export { type RunOptions, run } from "./run-command.ts";
export type { SubprocessOptions } from "./spawn.ts";
export { DEVNULL, INHERIT, PIPE, STDOUT, type Stdio, type StdioOptions } from "./stdio.ts";
