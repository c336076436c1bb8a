import type { Loop } from "../loop/loop.ts";
import { originOf } from "../loop/origins.ts";
import { allTasks } from "../tasks/create-task.ts";
import { Watcher } from "../tasks/listeners.ts";
import type { Task } from "../tasks/task.ts";
import { waitsOf } from "../tasks/waits.ts";

/**
 * Cancels every task of the loop, also those that come into being meanwhile, and waits until they have ended; at
 * most for `grace` milliseconds. What is left then is named, and left behind.
 */
export async function shutDown(loop: Loop, grace: number): Promise<void> {
  if (loop.firstTask === null) return;
  await new Promise<void>((resolve) => {
    const asked = new Set<Task<unknown>>();
    const alarm = loop.alarm(loop.time() + grace, () => {
      if (grace > 0) reportStuck(loop, grace);
      resolve();
    });
    const watcher = new Watcher((future) => {
      const task = future as Task<unknown>; // only tasks are watched
      // What its group or who awaited it has been told needs no report.
      if (task.unseen) {
        loop.callExceptionHandler({
          message: `unhandled exception during run() shutdown: ${task}`,
          exception: task.exception(),
          task,
        });
      }
      cancelAll();
      if (loop.firstTask !== null) return;
      alarm.cancel();
      resolve();
    }, null);
    const cancelAll = (): void => {
      for (const task of allTasks(loop)) {
        if (asked.has(task)) continue;
        asked.add(task);
        task.observe(watcher);
        task.cancelWith({ reason: undefined, by: "the end of run()" });
      }
    };
    cancelAll();
  });
}

function reportStuck(loop: Loop, grace: number): void {
  for (const task of allTasks(loop)) {
    const waits = waitsOf(task).map((wait) => `${wait.kind} on ${String(wait.source)}`);
    const where =
      waits.length > 0
        ? `it waits in ${waits.join(", ")}`
        : "it sits in a promise that is not brio's: see interruptible()";
    const lines = originOf(task);
    const origin = lines.length === 0 ? {} : { source: lines.join("\n    ") };
    loop.callExceptionHandler({
      message: `run() leaves ${task} behind: cancelled, and still alive after ${grace} ms; ${where}`,
      task,
      ...origin,
    });
  }
}
