import { AsyncLocalStorage } from "node:async_hooks";
import type { Loop } from "./loop.ts";
import type { Variables } from "./variables.ts";

/**
 * What running code belongs to: a cancel scope of a task, or a bare callback of a loop.
 *
 * Frames enter only through `ambient.run(frame, callback)`, never by `enterWith`, so that code which is
 * called back by something else (an event emitter, an abort listener) can't leave its frame behind there.
 */
export interface Frame {
  readonly loop: Loop;
  readonly variables: Variables;
  /** The task whose code this is; null in a callback. */
  readonly owner: object | null;
}

export const ambient: AsyncLocalStorage<Frame> = new AsyncLocalStorage<Frame>();

/** The frame of `callSoon` and its kin: variables copied when the callback was scheduled, no task. */
export class CallbackFrame implements Frame {
  readonly owner = null;
  readonly loop: Loop;
  readonly variables: Variables;

  constructor(loop: Loop, variables: Variables) {
    this.loop = loop;
    this.variables = variables;
  }
}

/** Runs a function in a context that was captured before. */
export type Enter = <R>(fn: () => R) => R;

/**
 * Captures the context that a callback scheduled here is to run in: the frame given, and whatever AsyncLocalStorages of
 * the user's own hold now. A callback runs from the loop, whose context at that time is anybody's.
 */
export function captureContext(frame: Frame): Enter {
  return ambient.run(frame, () => AsyncLocalStorage.snapshot()) as Enter; // it is typed with arguments to pass on
}
