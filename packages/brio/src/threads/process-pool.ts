import { checkedPoolOptions, type PoolOptions } from "./pool-options.ts";
import { ProcessHost, type ProcessOptions } from "./process-host.ts";
import type { WorkerStart } from "./protocol.ts";
import type { HostListener, WorkerHost } from "./worker-host.ts";
import { WorkerPool } from "./worker-pool.ts";

/** How a {@link ProcessPool} works. */
export interface ProcessPoolOptions extends PoolOptions, ProcessOptions {}

/**
 * Runs functions in processes of their own: for what may crash, leak, or must be ended with certainty. Otherwise like a
 * `ThreadPool`; but a call costs more, nothing is shared or moved (all is copied), and a function that computes sees its
 * cancellation only when it lets others run.
 *
 * @example
 * ```ts
 * import { run } from "brio";
 * import { ProcessPool, references } from "brio/threads";
 *
 * const zlib = references<typeof import("node:zlib")>("node:zlib");
 *
 * await run(async () => {
 *   await using pool = new ProcessPool({ maxWorkers: 1 });
 *   console.log(await pool.submit(zlib.crc32, "hello")); // 907060870
 * });
 * ```
 */
export class ProcessPool extends WorkerPool {
  private readonly processes: ProcessOptions;

  constructor(options: ProcessPoolOptions = {}) {
    super(checkedPoolOptions("ProcessPool", options));
    this.processes = options;
  }

  /** @internal */
  protected override host(start: WorkerStart, listener: HostListener): WorkerHost {
    return new ProcessHost(start, this.processes, listener);
  }
}
