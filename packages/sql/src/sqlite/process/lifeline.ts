import { Worker } from "node:worker_threads";
import { LIFELINE } from "./protocol.ts";

/*
 * Nothing ever comes over the lifeline, and it ends with the program, however that does. The main thread can't look: it may
 * be in a statement that never ends. A thread of Node's can, and may end the process without asking it.
 */
const WATCH = `
  const { Socket } = require("node:net");
  const end = () => process.kill(process.pid, "SIGKILL");
  new Socket({ fd: ${LIFELINE} }).on("error", end).on("close", end).resume();
`;

/** From now on, this process ends when the program that has started it is gone, whatever either of them does. */
export function endWithProgram(): void {
  // Windows does that by itself.
  if (process.platform === "win32") return;
  // Without the options of this process: they may load modules, which have nothing to do there.
  new Worker(WATCH, { eval: true, execArgv: [], env: {} }).unref();
}
