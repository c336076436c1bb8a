import { checkWhole } from "../queue/job-options.ts";
import { DistributedExecutor } from "./distributed-executor.ts";
import type { DistributedExecutorOptions } from "./options.ts";

/**
 * The executor that a URL speaks of: `redis://host:6379/queue`, with `?prefix=` and `?db=` if they are not the default.
 * `createExecutor` of `brio/threads` makes it so: `BRIO_EXECUTOR=redis://host:6379/images` on a server, nothing on a laptop.
 *
 * @throws TypeError if it is no such URL.
 *
 * @example
 * ```ts
 * import { run } from "brio";
 * import { createDistributedExecutor } from "@brio/distributed";
 *
 * await run(async () => {
 *   await using executor = createDistributedExecutor("redis://127.0.0.1:6379/images", { maxResultBytes: 10_000_000 });
 *   console.log(String(executor)); // <DistributedExecutor of the queue "images", 0 calls>
 * });
 * ```
 */
export function createDistributedExecutor(
  url: string | URL,
  options: Partial<DistributedExecutorOptions> = {},
): DistributedExecutor {
  const address = URL.canParse(String(url)) ? new URL(url) : null;
  const queue = decodeURIComponent(address?.pathname.slice(1) ?? "");
  if (address === null || !/^rediss?:$/.test(address.protocol) || queue === "" || queue.includes("/")) {
    throw new TypeError(
      `createDistributedExecutor() takes the URL of a queue: "redis://127.0.0.1:6379/images"; got ${JSON.stringify(String(url))}`,
    );
  }
  const prefix = address.searchParams.get("prefix");
  const db = Number(address.searchParams.get("db") ?? 0);
  checkWhole("db", db, 0, Number.MAX_SAFE_INTEGER);
  address.pathname = String(db);
  address.search = "";
  return new DistributedExecutor({
    connection: address.href,
    queue,
    ...(prefix === null ? {} : { prefix }),
    ...options,
  });
}
