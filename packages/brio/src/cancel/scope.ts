import { ambient, type Frame } from "../loop/ambient.ts";
import { RuntimeError } from "../loop/errors.ts";
import type { Loop } from "../loop/loop.ts";
import type { BatonHolder } from "../loop/scheduler.ts";
import type { Variables } from "../loop/variables.ts";
import { type Cancellation, cancelledError } from "./errors.ts";
import type { Wait } from "./wait.ts";

/** The task that a scope belongs to. */
export interface ScopeOwner extends BatonHolder {
  /** @internal */
  getName(): string;
  /** @internal */
  done(): boolean;
  /** @internal How many cancellations are asked for in all of the task's scopes: `task.cancelling()`. */
  cancelRequests: number;
  /** @internal The reason of the last cancellation that found no pending wait to interrupt. */
  lateReason: unknown;
}

/*
 * A scope's cancellation
 *
 * `requests` counts what was asked of this scope itself (by task.cancel, a deadline, a failing group) and not
 * been taken back. Scopes form a tree; a scope is cancelled if it or any scope above it has requests, up to
 * the first shielded one.
 *
 *   - cancel() interrupts every wait that is pending in the subtree, and
 *   - if there was none (the code was running, or sat in a foreign promise), remembers that it is `undelivered`:
 *     the next wait in the subtree is interrupted as it begins.
 *
 * That is asyncio's rule, and all of it in the mode `once`. In the sticky mode, each later wait that begins
 * in a cancelled scope is refused as well, for as long as the scope has requests.
 */

/** A node in the tree of cancel scopes, and the frame that code in it runs in. */
export class Scope implements Frame {
  readonly loop: Loop;
  readonly owner: ScopeOwner;
  readonly parent: Scope | null;
  readonly variables: Variables;
  requests = 0;
  cause: Cancellation | null = null;
  undelivered = false;
  exited = false;
  /** The waits that hang in this scope, newest first. */
  waits: Wait<unknown> | null = null;
  /** The scopes directly inside this one: mostly none or one, so no more is spent on that. */
  private children: Scope | Set<Scope> | null = null;
  private controller: AbortController | null = null;

  constructor(loop: Loop, owner: ScopeOwner, parent: Scope | null, variables: Variables) {
    this.loop = loop;
    this.owner = owner;
    this.parent = parent;
    this.variables = variables;
  }

  /** A scope inside this one. The caller must `exit` it. */
  enter(child: Scope): void {
    const { children } = this;
    if (children === null) this.children = child;
    else if (children instanceof Set) children.add(child);
    else this.children = new Set([children, child]);
  }

  /** Does it keep cancellation from outside away? */
  get shielded(): boolean {
    return false;
  }

  /** Runs `fn` with this scope as the ambient one. */
  run<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): R {
    return ambient.run(this, fn, ...args);
  }

  /** Asks what runs here to end. What has ended already is not asked. */
  cancel(cause: Cancellation): void {
    if (this.exited) return;
    this.requests++;
    this.owner.cancelRequests++;
    this.cause = cause;
    // While the task's own code runs, it is that code which has to be told, whatever branches of it wait.
    if (this.strike(cause) && !this.loop.holds(this.owner)) return;
    this.undelivered = true;
    this.owner.lateReason = cause.reason;
  }

  /** Interrupts what waits in the subtree, and aborts its signals; false if nothing waited. */
  strike(cause: Cancellation): boolean {
    const hit = this.interruptAll(cause);
    this.controller?.abort(cancelledError(cause, this.loop.debug));
    return hit;
  }

  private interruptAll(cause: Cancellation): boolean {
    let hit = false;
    for (let wait = this.waits; wait !== null; wait = wait.nextInScope) {
      const interruption = wait.interrupt(cause);
      if (interruption !== "accepted") this.owner.lateReason = cause.reason;
      if (interruption !== "missed") hit = true;
    }
    for (const child of this.inner()) {
      if (child.shielded) child.struckOutside();
      else if (child.strike(cause)) hit = true;
    }
    return hit;
  }

  /** A cancellation came to the edge of this shielded scope. */
  protected struckOutside(): void {}

  /** Hands over the nearest cancellation that nothing has been interrupted by yet, if there is one. */
  deliver(): Cancellation | null {
    for (let scope: Scope | null = this; scope !== null; scope = scope.parent) {
      if (scope.undelivered) {
        scope.undelivered = false;
        return scope.cause;
      }
      if (scope.shielded) return null;
    }
    return null;
  }

  /** Why no wait may begin here (any more), or null if it may. */
  refusal(): Cancellation | null {
    const sticky = !this.loop.once;
    for (let scope: Scope | null = this; scope !== null; scope = scope.parent) {
      if (sticky && scope.requests > 0) return scope.cause;
      if (scope.exited) return ENDED;
      if (scope.shielded) return null;
    }
    return null;
  }

  /** Would a wait that begins here be interrupted at once? */
  get blocked(): boolean {
    return this.hasNews || this.refusal() !== null;
  }

  /** Is there a cancellation that nothing has been interrupted by yet? */
  private get hasNews(): boolean {
    for (let scope: Scope | null = this; scope !== null; scope = scope.parent) {
      if (scope.undelivered) return true;
      if (scope.shielded) return false;
    }
    return false;
  }

  /**
   * How many cancellations from outside an entered scope leaves out of account when it asks, at its end, whether it was
   * cancelled by itself alone: asyncio's are those that were asked for before. In the sticky mode there are none, as such a
   * cancellation still refuses every wait; unless its first effect is yet to come, which is then the body's to see.
   */
  baseline(): number {
    return this.loop.once || this.hasNews ? this.outerRequests() : 0;
  }

  /** The cancellation in force here, without obeying it. */
  inForce(): Cancellation | null {
    for (let scope: Scope | null = this; scope !== null; scope = scope.parent) {
      if (scope.requests > 0) return scope.cause;
      if (scope.shielded) return null;
    }
    return null;
  }

  /** How many cancellations are asked for above this scope, in the same task, as far as they are let in. */
  outerRequests(): number {
    let sum = 0;
    if (this.shielded) return 0;
    for (let scope = this.parent; scope !== null; scope = scope.parent) {
      sum += scope.requests;
      if (scope.shielded) break;
    }
    return sum;
  }

  /** Takes one request back, here or in the nearest scope above that has one. */
  retractNearest(): void {
    for (let scope: Scope | null = this; scope !== null; scope = scope.parent) {
      if (scope.requests === 0) continue;
      scope.retract();
      return;
    }
  }

  /** Takes one request back from this scope. */
  retract(): void {
    if (this.requests === 0) return;
    this.requests--;
    this.owner.cancelRequests--;
    if (this.owner.cancelRequests === 0) {
      // Nothing is asked for any more: what was not delivered yet is withdrawn (asyncio 3.13).
      for (let scope: Scope | null = this; scope !== null; scope = scope.parent) scope.undelivered = false;
    }
  }

  /** Makes what is asked for here and above hit the next wait once more: the outermost request, which ends last. */
  rearm(): void {
    let outermost: Scope | null = null;
    for (let scope: Scope | null = this; scope !== null; scope = scope.parent) {
      if (scope.requests > 0) outermost = scope;
      if (scope.shielded) break;
    }
    if (outermost === null) return;
    outermost.undelivered = true;
    this.owner.lateReason = undefined;
    outermost.cause = { reason: undefined, by: outermost.cause?.by };
  }

  /** Takes the scope out of the tree: all that the end of one takes which was never cancelled by itself. */
  leave(): void {
    const { parent } = this;
    if (parent === null) return;
    if (parent.children === this) parent.children = null;
    else if (parent.children instanceof Set) parent.children.delete(this);
  }

  /**
   * The code of this scope has ended: what it asked for ends with it.
   *
   * @param asked true if the scope asked for a cancellation itself (its time was over, its group failed). If the code
   * has taken that back with `uncancel` meanwhile, the next one further out is taken back in its stead: asyncio's count.
   */
  exit(asked = false): void {
    this.exited = true;
    if (this.parent !== null) {
      if (asked && this.requests === 0) this.parent.retractNearest();
      while (this.requests > 0) this.retract();
    }
    // A task's own scope keeps its count, for those who look at it afterwards.
    this.leave();
    // Branches that the code started and did not await.
    if (this.waits !== null || this.children !== null) this.interruptAll(ENDED);
  }

  link(wait: Wait<unknown>): void {
    const first = this.waits;
    wait.nextInScope = first;
    if (first !== null) first.previousInScope = wait;
    this.waits = wait;
  }

  unlink(wait: Wait<unknown>): void {
    const { nextInScope: next, previousInScope: previous } = wait;
    if (previous === null) this.waits = next;
    else previous.nextInScope = next;
    if (next !== null) next.previousInScope = previous;
    wait.nextInScope = null;
    wait.previousInScope = null;
  }

  /** The scopes directly inside this one. */
  inner(): Iterable<Scope> {
    const { children } = this;
    if (children === null) return NONE;
    return children instanceof Set ? children : [children];
  }

  /** The signal that is aborted when this scope is cancelled, made when first asked for. */
  signal(): AbortSignal {
    if (this.controller === null) {
      this.controller = new AbortController();
      const cause = this.inForce() ?? (this.exited ? ENDED : null);
      if (cause !== null) this.controller.abort(cancelledError(cause, this.loop.debug));
    }
    return this.controller.signal;
  }
}

const NONE: readonly Scope[] = [];

export const ENDED: Cancellation = { reason: undefined, by: "the end of the scope it ran in" };

/** The scope that the calling code runs in, or undefined. */
export function ambientScope(): Scope | undefined {
  const frame = ambient.getStore();
  return frame === undefined || frame.owner === null ? undefined : (frame as Scope); // only scopes have an owner
}

/** The scope that the calling code runs in; `caller` names the function for the error. */
export function requireScope(caller: string): Scope {
  const scope = ambientScope();
  if (scope === undefined) throw noScope(caller);
  return scope;
}

/** What a promise-returning function gives when it is called outside a task. */
export function outsideTask(caller: string): Promise<never> {
  return Promise.reject(noScope(caller));
}

function noScope(caller: string): RuntimeError {
  return new RuntimeError(
    ambient.getStore() === undefined
      ? `${caller} needs a running event loop: call it inside run(async () => { ... })`
      : `${caller} needs a task, and this is a loop callback: start one with loop.createTask(...)`,
  );
}

/** Who asks for a cancellation: the running task, if there is one. */
export function requester(): string | undefined {
  const owner = ambientScope()?.owner;
  return owner === undefined ? undefined : `task "${owner.getName()}"`;
}
