import process from "node:process";
import { isMainThread } from "node:worker_threads";

/** What ends a process that does not listen to it. */
const SIGNALS: readonly NodeJS.Signals[] =
  process.platform === "win32" || !isMainThread ? [] : ["SIGHUP", "SIGINT", "SIGTERM", "SIGQUIT"];

const wills = new Set<() => void>();

/**
 * Has `will` called when the process ends, in whatever way it can be noticed: it exits, or a signal ends it that nobody
 * handles. (SIGKILL can't be noticed.) It must be done when it returns. Returns how to take it back.
 */
export function addLastWill(will: () => void): () => void {
  if (wills.size === 0) {
    process.on("exit", carryOut);
    for (const signal of SIGNALS) process.on(signal, received);
  }
  wills.add(will);
  return () => {
    if (wills.delete(will) && wills.size === 0) stopListening();
  };
}

function stopListening(): void {
  process.off("exit", carryOut);
  for (const signal of SIGNALS) process.off(signal, received);
}

function carryOut(): void {
  for (const will of [...wills]) will();
}

function received(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > exitHooks()) return; // somebody handles it
  carryOut();
  wills.clear();
  stopListening();
  process.kill(process.pid, signal);
}

/**
 * How many of the listeners to a signal only tidy up before it ends the process: they don't mean that the program handles
 * it. Those are ours; and that of the library signal-exit, which many terminal libraries bring along.
 */
export function exitHooks(): number {
  const hosts = process as unknown as Record<string | symbol, { count?: unknown } | undefined>; // its own global registry
  const registry = hosts[Symbol.for("signal-exit emitter")] ?? hosts.__signal_exit_emitter__;
  const theirs = typeof registry?.count === "number" ? registry.count : 0;
  return wills.size > 0 && SIGNALS.length > 0 ? theirs + 1 : theirs;
}
