import { checkedPoolOptions, type PoolOptions } from "./pool-options.ts";
import type { WorkerStart } from "./protocol.ts";
import { ThreadHost, type ThreadOptions } from "./thread-host.ts";
import type { HostListener, WorkerHost } from "./worker-host.ts";
import { WorkerPool } from "./worker-pool.ts";

/** How a {@link ThreadPool} works. */
export interface ThreadPoolOptions extends PoolOptions, ThreadOptions {}

/**
 * Runs functions in threads of this process: for work that keeps a processor busy.
 *
 * `await using pool = new ThreadPool()` waits at the end of the block for what was submitted, and stops the threads. A pool
 * that is not closed is closed when the loop ends; idle threads keep no program alive.
 *
 * @example
 * ```ts
 * import { gather, run } from "brio";
 * import { references, ThreadPool } from "brio/threads";
 *
 * const zlib = references<typeof import("node:zlib")>("node:zlib");
 *
 * await run(async () => {
 *   await using pool = new ThreadPool({ maxWorkers: 2 });
 *   const texts = ["a".repeat(100_000), "b".repeat(100_000)];
 *   const sums = await gather(texts.map((text) => pool.submit(zlib.crc32, text)));
 *   console.log(sums.length); // 2
 * });
 * ```
 */
export class ThreadPool extends WorkerPool {
  private readonly threads: ThreadOptions;

  constructor(options: ThreadPoolOptions = {}) {
    super(checkedPoolOptions("ThreadPool", options));
    this.threads = options;
  }

  /** @internal */
  protected override host(start: WorkerStart, listener: HostListener): WorkerHost {
    return new ThreadHost(start, this.threads, listener);
  }
}
