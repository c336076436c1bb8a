import process from "node:process";
import { setImmediate } from "node:timers";
import type { Loop } from "../loop/loop.ts";
import { isDeadlocked } from "./deadlock.ts";

/**
 * Calls `report` each time that nothing is left which could wake the loop; returns how to stop watching.
 *
 * In real time Node knows: it emits `beforeExit` when it has nothing to wait for. In virtual time other things may keep
 * the process alive (a test runner), but there no input comes from outside: a loop without timers, in which every task
 * waits for another, has come to its end.
 */
export function watchForDeadlock(loop: Loop, report: () => void): () => void {
  const beforeExit = (): void => {
    if (!loop.idle) return;
    // Node exits right after this event unless something is under way.
    setImmediate(() => {});
    report();
  };
  const idle = (): void => {
    if (loop.timersPending) return;
    setImmediate(() => {
      if (loop.idle && !loop.timersPending && isDeadlocked(loop)) report();
    });
  };
  process.on("beforeExit", beforeExit);
  if (loop.virtual) loop.idleListeners.add(idle);
  return () => {
    process.off("beforeExit", beforeExit);
    loop.idleListeners.delete(idle);
  };
}
