import { constants } from "node:os";
import process from "node:process";
import { isMainThread } from "node:worker_threads";
import { RuntimeError } from "../loop/errors.ts";
import type { Loop } from "../loop/loop.ts";
import { exitHooks } from "./last-will.ts";

const UNCATCHABLE: readonly string[] = ["SIGKILL", "SIGSTOP"];

/** The signal handlers of one loop. */
export class LoopSignals {
  private readonly loop: Loop;
  private readonly listeners = new Map<NodeJS.Signals, () => void>();
  /** What a second signal does, instead of killing: each once. */
  readonly hurries: Set<() => void> = new Set();

  constructor(loop: Loop) {
    this.loop = loop;
  }

  add(signal: NodeJS.Signals, callback: () => void): void {
    if (typeof callback !== "function")
      throw new TypeError("addSignalHandler takes a function as its callback");
    if (!(signal in constants.signals)) {
      throw new RangeError(`unknown signal ${JSON.stringify(signal)}: use a name such as "SIGHUP"`);
    }
    if (UNCATCHABLE.includes(signal)) throw new RuntimeError(`${signal} can't be caught`);
    if (!isMainThread)
      throw new RuntimeError("addSignalHandler works in the main thread only: workers get no signals");
    this.remove(signal);
    const listener = (): void => void this.loop.callSoonThreadsafe(callback);
    this.listeners.set(signal, listener);
    process.on(signal, listener);
  }

  has(signal: NodeJS.Signals): boolean {
    return this.listeners.has(signal);
  }

  remove(signal: NodeJS.Signals): boolean {
    const listener = this.listeners.get(signal);
    if (listener === undefined) return false;
    process.off(signal, listener);
    this.listeners.delete(signal);
    return true;
  }

  /** Speeds up what ends slowly. False if there is nothing that can be sped up. */
  hurry(): boolean {
    const hurries = [...this.hurries];
    this.hurries.clear();
    for (const hurry of hurries) hurry();
    return hurries.length > 0;
  }

  clear(): void {
    for (const signal of [...this.listeners.keys()]) this.remove(signal);
  }
}

export type StopSignal = "SIGINT" | "SIGTERM";

/** A run that can be stopped by a signal. */
export interface Stoppable {
  /** @internal Has the program a handler of its own for the signal? */
  handles(signal: StopSignal): boolean;
  /** @internal Begins to stop. "again" if the same signal has asked it to before, "idle" if there is nothing to stop. */
  stop(signal: StopSignal): "begun" | "again" | "idle";
}

const running = new Set<Stoppable>();
/** When each kind of signal last began to stop something. */
const begun = new Map<StopSignal, number>();
/** Within so many milliseconds a second signal is taken for an echo of the first. */
const ECHO = 100;
const listeners: Record<StopSignal, () => void> = {
  SIGINT: () => received("SIGINT"),
  SIGTERM: () => received("SIGTERM"),
};

/** The exit code of a process that a signal ended. */
function exitCode(signal: StopSignal): number {
  return 128 + constants.signals[signal];
}

/**
 * Stops `run` when SIGINT or SIGTERM comes; returns how to undo it. A program that listens to one of them itself,
 * before `run`, keeps it to itself.
 */
export function stopOnSignals(run: Stoppable): () => void {
  if (!isMainThread) return () => {};
  if (running.size === 0) {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      if (process.listenerCount(signal) <= exitHooks()) process.on(signal, listeners[signal]);
    }
  }
  running.add(run);
  return () => {
    running.delete(run);
    if (running.size === 0)
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, listeners[signal]);
  };
}

/**
 * The first asks every run to end; the second hurries what ends slowly, if there is such a thing (`LoopSignals.hurries`);
 * otherwise, of the same kind, it ends the process at once.
 */
function received(signal: StopSignal): void {
  const own = [...running].filter((run) => !run.handles(signal));
  if (own.length === 0) return;
  const now = performance.now();
  // Ctrl-C can arrive twice: from the terminal, and passed on by a parent such as npm.
  if (now - (begun.get(signal) ?? Number.NEGATIVE_INFINITY) < ECHO) return;
  const answers = own.map((run) => run.stop(signal));
  if (answers.includes("begun") && !answers.includes("again")) {
    begun.set(signal, now);
    return;
  }
  process.off(signal, listeners[signal]);
  process.kill(process.pid, signal);
}

/**
 * The process ends with the signal's exit code, and without a stack trace, if nobody catches the error that a stopped
 * `run` throws; a program that catches it goes on.
 */
export function leaveQuietly(error: unknown, signal: StopSignal): void {
  process.exitCode = exitCode(signal);
  const monitor = (uncaught: unknown): void => {
    if (uncaught === error) process.exit(exitCode(signal));
  };
  process.once("uncaughtExceptionMonitor", monitor);
}
