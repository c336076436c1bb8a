import type { FunctionName } from "../run/loop-executor.ts";
import type { CarriedValues } from "../tasks/carried.ts";
import type { ThrownData } from "./error-data.ts";

/*
 * What a pool and its workers say to each other. Calls and replies travel in lists: sending one message costs more than all
 * the rest of a small call.
 */

/** A call on its way: its number, the function's index in what this worker was told, the arguments, and what is rare. */
export type WireCall = [id: number, fn: number, args: readonly unknown[], extras: WireExtras | undefined];

export interface WireExtras {
  readonly variables?: CarriedValues | undefined;
  /** Does the caller listen to its progress? */
  readonly progress?: boolean | undefined;
  /** The result is iterated: so many items may be sent before more are asked for. */
  readonly credit?: number | undefined;
}

export type ToWorker =
  | { readonly type: "start"; readonly start: WorkerStart }
  | {
      readonly type: "calls";
      readonly functions: readonly FunctionName[] | undefined;
      readonly calls: WireCall[];
    }
  | { readonly type: "cancel"; readonly id: number; readonly reason: unknown }
  | { readonly type: "credit"; readonly id: number; readonly items: number }
  | { readonly type: "close" };

/** What a worker begins with. */
export interface WorkerStart {
  readonly initializer: FunctionName | undefined;
  readonly initializerArgs: readonly unknown[];
  readonly maxResultBytes: number | undefined;
}

/** It returned. */
export const VALUE = 0;
/** It returned although it was told that it is cancelled. */
export const VALUE_AFTER_ALL = 1;
/** It threw. */
export const ERROR = 2;
/** It ended with CancelledError. */
export const CANCELLED = 3;
/** It is not over: it reports progress. */
export const PROGRESS = 4;
/** It is not over: an item of what is iterated. */
export const ITEM = 5;
/** It returned, or sent, what can't be copied: the text says why. */
export const UNCOPIED = 6;

export type WireReply =
  | [
      id: number,
      status: typeof VALUE | typeof VALUE_AFTER_ALL | typeof PROGRESS | typeof ITEM,
      value: unknown,
    ]
  | [id: number, status: typeof ERROR | typeof CANCELLED, thrown: ThrownData]
  | [id: number, status: typeof UNCOPIED, why: string];

export type FromWorker =
  | { readonly type: "ready" }
  | { readonly type: "unfit"; readonly thrown: ThrownData }
  /** A process is about to end, because of an error that nobody has caught. */
  | { readonly type: "dying"; readonly thrown: ThrownData }
  /** `took` is how many milliseconds the worker was busy with them. */
  | { readonly type: "replies"; readonly replies: WireReply[]; readonly took: number };
