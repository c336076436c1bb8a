import type { Task } from "../tasks/task.ts";

/** Where a function is found: enough for another thread, process or machine to import it. */
export interface FunctionName {
  /** The module: an absolute URL, or that of a module of Node's such as `node:zlib`. */
  readonly module: string;
  /** What the module exports it as. */
  readonly exportName: string;
  /**
   * Its name on other machines, where the module lies elsewhere and may be built: the module's file name without its
   * extension, and the export, as in `jobs#countWords`.
   */
  readonly id: string;
}

/** What the loop needs of an executor: see `brio/threads`. */
export interface LoopExecutor {
  /** Calls `fn(...args)` elsewhere. */
  submit<A extends unknown[], R>(fn: ((...args: A) => R) & FunctionName, ...args: A): Task<Awaited<R>>;
  /** Takes no more calls, waits for those it has, and gives its workers back. */
  close(options?: { readonly cancel?: boolean | undefined }): Promise<void>;
}

let factory: (() => LoopExecutor) | null = null;

/** Says what a loop's default executor is. Threads stand above the loop: it doesn't know of them by itself. */
export function provideDefaultExecutor(make: () => LoopExecutor): void {
  factory = make;
}

/** Null if nobody has said what it is. */
export function newDefaultExecutor(): LoopExecutor | null {
  return factory === null ? null : factory();
}
