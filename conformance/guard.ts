/**
 * Keeps one broken scenario from taking the others of its batch along: whatever a scenario does
 * to the process while it runs is charged to it alone.
 */
import process from "node:process";
import { setImmediate } from "node:timers/promises";
import type { Trace } from "./world.ts";

export const describe = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);

/** @throws when `play` does, on an exception that nothing caught, and after `patience` ms of real time. */
export async function guarded(
  play: () => Promise<Trace>,
  patience: number,
): Promise<{ trace: Trace; unhandled: readonly string[] }> {
  const unhandled: string[] = [];
  const onUnhandled = (reason: unknown): void => void unhandled.push(describe(reason));
  let onUncaught: (error: unknown) => void = () => {};
  let timer: NodeJS.Timeout | undefined;
  const broken = new Promise<never>((_resolve, reject) => {
    onUncaught = reject;
    // Real time, because the virtual clock of a hung loop stands still.
    timer = setTimeout(() => reject(new Error(`hung: no end after ${patience} ms`)), patience);
  });
  process.on("unhandledRejection", onUnhandled);
  process.on("uncaughtException", onUncaught);
  try {
    const trace = await Promise.race([play(), broken]);
    // Node reports unhandled rejections once the microtasks are done.
    await setImmediate();
    return { trace, unhandled };
  } finally {
    clearTimeout(timer);
    process.off("unhandledRejection", onUnhandled);
    process.off("uncaughtException", onUncaught);
  }
}
