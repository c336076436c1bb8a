import type { ReadyEntry } from "../loop/ready-queue.ts";
import type { Scope, ScopeOwner } from "./scope.ts";

/**
 * The result of an operation that had nothing to wait for. When the loop's slice is spent, it comes after Node
 * has had a turn, so that tasks which never wait can't starve sockets, timers and signals; that pause can't be
 * cancelled, as the operation has already happened.
 */
export function immediate<T>(scope: Scope, value: T): Promise<T> {
  if (!scope.loop.overspent()) return value === undefined ? (NOTHING as Promise<T>) : Promise.resolve(value);
  return new Promise((resolve) => {
    scope.loop.push(new Pause(scope, () => resolve(value)));
    scope.loop.park(scope.owner);
  });
}

/** One for all that give no value: a T that is undefined. */
const NOTHING: Promise<unknown> = Promise.resolve(undefined);

class Pause implements ReadyEntry {
  private readonly scope: { loop: Scope["loop"]; owner: ScopeOwner };
  private readonly resolve: () => void;

  constructor(scope: Scope, resolve: () => void) {
    this.scope = scope;
    this.resolve = resolve;
  }

  run(): void {
    this.scope.loop.take(this.scope.owner);
    this.resolve();
  }
}
