import { run } from "brio";
import { expect, test } from "vitest";
import { leavesNothing } from "../../brio/test/left-behind.ts";
import { createDistributedExecutor } from "../src/executor/from-url.ts";
import { add } from "./fixtures/jobs.ts";
import { describeWithRedis, place } from "./redis.ts";
import { withWorker } from "./work.ts";

leavesNothing();

describeWithRedis("the executor of a URL", () => {
  test("works for the queue of its path", async () => {
    const queue = place();
    await run(async () => {
      const url = new URL(queue.connection);
      url.pathname = queue.queue;
      url.searchParams.set("prefix", queue.prefix);
      await using executor = createDistributedExecutor(url);
      await withWorker(queue, async () => {
        expect(await executor.submit(add, 1, 2)).toBe(3);
      });
    });
  });
});

test.each([
  ["redis://127.0.0.1:6379"],
  ["redis://127.0.0.1:6379/"],
  ["redis://127.0.0.1:6379/a/b"],
  ["http://127.0.0.1/images"],
  ["images"],
])("%s is no URL of a queue", (url) => {
  expect(() => createDistributedExecutor(url)).toThrow(
    `createDistributedExecutor() takes the URL of a queue: "redis://127.0.0.1:6379/images"; got "${url}"`,
  );
});

test("a database that is none is refused", () => {
  expect(() => createDistributedExecutor("redis://127.0.0.1/images?db=first")).toThrow(
    "db must be a whole number >= 0; got NaN",
  );
});
