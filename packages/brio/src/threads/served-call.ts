import type { Scope } from "../cancel/scope.ts";
import { heedCancellation } from "../compose/sleep.ts";
import { Semaphore } from "../sync/semaphore.ts";
import type { Task } from "../tasks/task.ts";
import type { CallHooks } from "./call-context.ts";
import type { Claims } from "./claims.ts";
import { ITEM, PROGRESS, type WireExtras, type WireReply } from "./protocol.ts";
import type { AnyFunction } from "./reference.ts";
import { arriveLate, startCall } from "./run-call.ts";
import { sendItems } from "./stream-items.ts";

/** A call, in the worker that runs it. */
export class ServedCall implements CallHooks {
  readonly id: number;
  /** The function's id. */
  readonly name: string;
  /** Has the task been told that it is cancelled? */
  asked = false;
  readonly progress: ((value: unknown) => void) | undefined;
  readonly variables: WireExtras["variables"];
  private readonly claims: Claims | null;
  private readonly credit: Semaphore | null;
  private readonly tell: (reply: WireReply) => void;
  private task: Task<unknown> | null = null;

  constructor(
    id: number,
    name: string,
    claims: Claims | null,
    extras: WireExtras | undefined,
    tell: (reply: WireReply) => void,
  ) {
    this.id = id;
    this.name = name;
    this.claims = claims;
    this.tell = tell;
    this.variables = extras?.variables;
    this.progress = extras?.progress === true ? (value) => tell([id, PROGRESS, value]) : undefined;
    this.credit = extras?.credit === undefined ? null : new Semaphore(extras.credit);
  }

  /** @param fn the function; or, if it is not `loaded`, what loads it */
  begin(scope: Scope, fn: AnyFunction, loaded: boolean, args: readonly unknown[]): Task<unknown> {
    const { credit } = this;
    if (loaded && credit === null) {
      this.task = startCall(scope.loop, fn, args, this, scope);
    } else {
      const perform = async (): Promise<unknown> => {
        const found = loaded ? fn : await (fn as () => Promise<AnyFunction>)(); // what loads it
        const called = found as (...args: readonly unknown[]) => unknown; // what its caller's types allow
        if (!loaded) arriveLate(this.variables);
        if (credit === null) return await called(...args);
        return await sendItems(called, args, (item) => this.sendItem(credit, item), this.name);
      };
      this.task = startCall(scope.loop, perform, [], this, scope);
    }
    return this.task;
  }

  private async sendItem(credit: Semaphore, item: unknown): Promise<void> {
    // A generator that never waits keeps the news of its cancellation from coming in.
    if (this.cancelRequested()) this.cancel(undefined);
    await heedCancellation();
    await credit.acquire();
    this.tell([this.id, ITEM, item]);
  }

  addCredit(items: number): void {
    for (let item = 0; item < items; item++) this.credit?.release();
  }

  cancel(reason: unknown): void {
    if (this.asked) return;
    this.asked = true;
    this.task?.cancelWith({ reason, by: "the caller of the function" });
  }

  cancelRequested(): boolean {
    return this.claims?.stopped(this.id) ?? false;
  }
}
