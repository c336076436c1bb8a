import { ambientScope, outsideTask, type Scope } from "../cancel/scope.ts";
import { Wait, type WaitSource } from "../cancel/wait.ts";

/** The moment in which nothing is ready. */
class Stillness implements WaitSource<void> {
  readonly kind = "waitAllTasksBlocked";
  private readonly scope: Scope;
  private stopListening: () => void = () => {};

  constructor(scope: Scope) {
    this.scope = scope;
  }

  wait(): Promise<void> {
    const { scope } = this;
    const { loop } = scope;
    const wait = new Wait<void>(scope, this);
    const still = (): void => void wait.grant();
    loop.idleListeners.add(still);
    this.stopListening = () => loop.idleListeners.delete(still);
    const promise = wait.begin();
    // Who comes from a promise that is not brio's may run while the loop rests already: it has to come to rest anew.
    loop.soon(() => {});
    return promise;
  }

  take(): void {
    this.stopListening();
  }

  withdraw(): undefined {
    this.stopListening();
  }

  toString(): string {
    return "the moment in which every other task waits";
  }
}

/**
 * Waits until every other task of the loop waits for something and nothing is ready to run: the others have come as far
 * as they can by themselves. That is what a test wants to know before it makes the next move; a `sleep` that "lets
 * things settle" only guesses it.
 *
 * Time does not pass: under a `VirtualClock` it resolves before the clock jumps to the next timer. Several tasks may
 * wait for this at once; they go on together. A task that awaits a promise which is not brio's (a file, a socket)
 * counts as waiting: nothing tells when it will go on.
 *
 * *Cancel safety*: nothing is lost.
 *
 * @throws RuntimeError outside a task.
 *
 * @example
 * ```ts
 * import { createTask, Lock } from "brio";
 * import { runVirtual, waitAllTasksBlocked } from "brio/testing";
 *
 * await runVirtual(async () => {
 *   const lock = new Lock();
 *   await lock.acquire();
 *   const second = createTask(() => lock.acquire());
 *   await waitAllTasksBlocked(); // second stands in line now
 *   console.log(lock.statistics().waiting); // 1
 *   lock.release();
 *   await second;
 * });
 * ```
 */
export function waitAllTasksBlocked(): Promise<void> {
  const scope = ambientScope();
  return scope === undefined ? outsideTask("waitAllTasksBlocked()") : new Stillness(scope).wait();
}
