import { interruptible, uncancellable } from "brio";
import type { DriverConnection } from "./driver.ts";

/*
 * A statement that runs, and a cancellation
 *
 *   running ── it ends ──────────────────────────────────────────> its result or error
 *      └── cancelled: stop() ──> stopping ── it ends ────────────> CancelledError; connection kept if `certain`
 *                                    └── patience is over: destroy ──> CancelledError; connection gone
 *
 * The task is resumed only when the statement has ended, on the server or with its connection.
 */

/**
 * Waits for what a connection does. Cancelled, it is stopped on the server, and waited for.
 *
 * @param stoppable false: a cancellation waits for it, for `patience` at most
 */
export function perform<T>(
  connection: DriverConnection,
  patience: number,
  work: () => Promise<T>,
  stoppable = true,
): Promise<T> {
  return interruptible((signal) => supervise(connection, patience, signal, work, stoppable));
}

/** The same, for clean-up in a scope that is being cancelled. */
export function finish<T>(
  connection: DriverConnection,
  patience: number,
  work: () => Promise<T>,
): Promise<T> {
  return uncancellable(() => perform(connection, patience, work, false), { grace: 0 });
}

async function supervise<T>(
  connection: DriverConnection,
  patience: number,
  signal: AbortSignal,
  work: () => Promise<T>,
  stoppable: boolean,
): Promise<T> {
  let stop: Promise<void> | null = null;
  let late: NodeJS.Timeout | null = null;
  const cancelled = (): void => {
    late = setTimeout(() => connection.destroy(), patience);
    if (stoppable) stop = connection.stop(patience).catch(() => connection.destroy());
  };
  signal.addEventListener("abort", cancelled, { once: true });
  let error: unknown;
  try {
    const value = await work();
    if (!signal.aborted || !stoppable) return value;
  } catch (failure) {
    if (!signal.aborted) throw connection.translate(failure);
    error = failure;
  } finally {
    signal.removeEventListener("abort", cancelled);
    if (late !== null) clearTimeout(late);
  }
  if (stop !== null) await (stop as Promise<void>);
  if (!connection.certain(error)) connection.distrust();
  throw signal.reason;
}
