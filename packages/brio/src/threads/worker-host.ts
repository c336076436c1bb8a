import type { Transferable } from "node:worker_threads";
import type { Claims } from "./claims.ts";
import type { WorkerEnd } from "./errors.ts";
import type { FromWorker, ToWorker } from "./protocol.ts";

/** What is told of a worker. */
export interface HostListener {
  received(message: FromWorker): void;
  /** What was posted has not reached it: it is ending. */
  unsent(message: ToWorker): void;
  /** Once, at last. */
  ended(end: WorkerEnd): void;
}

/** What a worker lives in, as its pool sees it: a thread, or a process. */
export interface WorkerHost {
  /** As in `thread 3` or `process 4711`. */
  readonly name: string;
  /** Who begins a call; null if that can't be shared: then a worker that is busy is sent none. */
  readonly claims: Claims | null;
  /** @throws what structured clone throws, if the message can't be copied: then nothing was sent. */
  post(message: ToWorker, transfer?: readonly Transferable[]): void;
  /** Whether it keeps the program alive. */
  keepAlive(wanted: boolean): void;
  /** Ends it at once: `ended` follows. */
  kill(): void;
}
