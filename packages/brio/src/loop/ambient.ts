import { AsyncLocalStorage } from "node:async_hooks";
import type { Loop } from "./loop.ts";
import { FreeVariables, type Variables } from "./variables.ts";

/**
 * What running code belongs to: a cancel scope of a task, or a bare callback of a loop.
 *
 * A frame is entered by `ambient.run(frame, callback)`; or, where brio begins a task or a callback in a microtask of its
 * own, by {@link enterFrame}, which costs half as much. Nowhere else: code that is called back by something else (an
 * event emitter, an abort listener) must not leave its frame behind there.
 */
export interface Frame {
  readonly loop: Loop;
  readonly variables: Variables;
  /** The task whose code this is; null in a callback. */
  readonly owner: object | null;
}

export const ambient: AsyncLocalStorage<Frame> = new AsyncLocalStorage<Frame>();

/** The frame of `callSoon` and its kin: no task. */
export class CallbackFrame implements Frame {
  readonly owner = null;
  readonly loop: Loop;
  readonly variables: Variables;

  constructor(loop: Loop, variables: Variables) {
    this.loop = loop;
    this.variables = variables;
  }
}

/** The frame for a callback that is scheduled here: with a copy of the context variables. */
export function frameForCallback(loop: Loop): Frame {
  const frame = ambient.getStore();
  return new CallbackFrame(loop, new FreeVariables(frame?.loop === loop ? frame.variables : undefined));
}

const none = (): void => {};
let opener: (value: never) => void = none;
const executor = (resolve: (value: never) => void): void => {
  opener = resolve;
};

/**
 * Holds `code` back until the returned function is called, with what `code` is to be given (nothing thenable). It then
 * runs in a microtask of its own, in the whole context of now: the reaction to a promise keeps it, with whatever
 * AsyncLocalStorages of the user's own have their place there. (`AsyncLocalStorage.snapshot` does the same at thirty
 * times the cost.)
 */
export function holdBack<T>(code: (value: T) => void): (value: T) => void {
  const gate = new Promise<T>(executor);
  const open = opener as (value: T) => void; // the executor has just stored this promise's
  opener = none; // or it would keep the promise, and what that is given
  gate.then(code);
  return open;
}

/**
 * To be called before anything is held back. Before Node 24, Node follows promises only from the first time that an
 * AsyncLocalStorage is entered: a microtask that was begun before has no place of its own to keep a frame in, and what
 * {@link enterFrame} enters there would be left to the whole program.
 */
export function followPromises(): void {
  ambient.run(null as never, none); // nothing is called in it; entering what there is already (undefined) would be nothing
}

/** Enters a frame for the rest of a microtask that was begun by {@link holdBack}: it ends with the microtask. */
export function enterFrame(frame: Frame): void {
  ambient.enterWith(frame);
}
