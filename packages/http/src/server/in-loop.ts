import { DeadlockError, type EventLoop, type Runner, type TaskOptions } from "brio";

const OWN: TaskOptions = { name: "server's tasks" };

/** Runs `body` as a task that nobody's cancellation reaches but that of the loop; from anywhere. */
export function inLoop(
  loop: EventLoop,
  body: () => Promise<void>,
  options: TaskOptions = OWN,
): Promise<void> {
  if (loop.isClosed()) return Promise.resolve();
  return new Promise<void>((resolve, reject) => {
    const task = loop.createTask(body, options);
    task.addDoneCallback(() => {
      const error = task.cancelled() ? undefined : task.exception();
      if (error === undefined) resolve();
      else reject(error);
    });
  });
}

/** Runs `main` in a loop of its own, which ends with it. */
export async function alone(runner: Runner, main: () => Promise<void>): Promise<void> {
  try {
    await runner.run(main);
  } catch (error) {
    // Nothing is left that could send a request: the program ends without having closed the server.
    if (!(error instanceof DeadlockError)) throw error;
  } finally {
    await runner.close();
  }
}
